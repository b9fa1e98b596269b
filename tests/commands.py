"""Runs the command line as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

EXTRAS = {
    "aws": {"botocore"},
    "azure": {"azure.identity"},
    "google": {"google.auth"},
    "http": {"connectrpc", "httptools", "jinja2", "starlette", "uvicorn"},
    "jwt": {"jwt"},
    "learn": {"matplotlib", "pyarrow", "scipy", "sklearn"},
    "onnx": {"onnxruntime"},
    "postgres": {"psycopg"},
    "prices": {"genai_prices"},
    "redis": {"redis"},
}
"""What an import statement calls the packages of each extra."""

_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({absent}))
from frontdesk_server.__main__ import main
main()
"""


def frontdesk(
    *arguments: str, folder: Path, absent: Collection[str] = (), settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with these settings in the environment, none of whoever runs the tests.

    There as if the packages `absent` were not installed.
    """
    program = ["-c", _WITHOUT.format(absent=sorted(absent))] if absent else ["-m", "frontdesk_server"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "FRONTDESK", "COLUMNS"))
    }
    environment |= settings or {}
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def unframed(shown: str) -> str:
    """What a fault of usage says, in one line, whatever the width of the frame around it."""
    return " ".join(shown.replace("│", "").split())
