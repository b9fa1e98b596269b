"""How a script of a client tells which features work: a line of JSON for each, on standard output."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping


def run(checks: Mapping[str, Callable[[], None]]) -> None:
    """Check every feature, or those that the command line names after the address."""
    chosen = sys.argv[2:] or list(checks)
    for feature in chosen:
        try:
            checks[feature]()
            outcome = "yes"
        except Exception:
            outcome = traceback.format_exc(limit=-1)
        print(json.dumps({"feature": feature, "outcome": outcome}), flush=True)


def address() -> str:
    """Where the service is reached."""
    return sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A picture of one pixel."""
