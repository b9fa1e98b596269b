"""Runs the command line as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def frontdesk(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, without the credentials of whoever runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}
    return subprocess.run(
        [sys.executable, "-m", "frontdesk_server", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
