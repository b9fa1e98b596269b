"""A PostgreSQL server of the test run's own, from whatever PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def find_postgres() -> Path | None:
    """The newest installed server's folder; None when there is none."""
    found = [Path(path).resolve().parent for path in (shutil.which("postgres"), shutil.which("pg_ctl")) if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


class PostgresServer:
    """A server on a Unix socket in a folder of its own; it can be stopped and started again with what it holds."""

    def __init__(self, binaries: Path, root: Path, *, fsync: bool = False) -> None:
        self.url = f"postgresql+psycopg://frontdesk@/postgres?host={root}"
        self._binaries = binaries
        self._root = root
        self._user = _unprivileged_user()
        self._options = ["-c", "listen_addresses=", "-c", f"fsync={'on' if fsync else 'off'}", "-k", str(root)]
        self._server: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make an empty cluster."""
        if self._user is not None:
            os.chown(self._root, pwd.getpwnam(self._user).pw_uid, -1)
        options = ["-U", "frontdesk", "--auth=trust", "--no-sync", "-E", "UTF8"]
        _run([self._binaries / "initdb", "-D", self._root / "data", *options], self._user, self._root)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        path = self._root / "log"
        command = [str(self._binaries / "postgres"), "-D", str(self._root / "data"), *self._options]
        with path.open("wb") as log:
            self._server = subprocess.Popen(command, user=self._user, cwd=self._root, stdout=log, stderr=log)
        _wait_until_ready(self._root / ".s.PGSQL.5432", self._server, path)

    def stop(self) -> None:
        """Stop it at once: connections are cut, transactions that run are rolled back."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(60)


@contextmanager
def postgres_server(binaries: Path, *, fsync: bool = False) -> Iterator[PostgresServer]:
    """Start a server that is gone at the end."""
    root = Path(tempfile.mkdtemp(prefix="fd-pg-", dir="/tmp"))
    server = PostgresServer(binaries, root, fsync=fsync)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def running_postgres(binaries: Path, *, fsync: bool = False) -> Iterator[str]:
    """The SQLAlchemy URL of such a server."""
    with postgres_server(binaries, fsync=fsync) as server:
        yield server.url


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(command: list[str | Path], user: str | None, folder: Path) -> None:
    subprocess.run(command, user=user, cwd=folder, check=True, capture_output=True, timeout=60)


def _wait_until_ready(path: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0 and b"ready to accept" in log.read_bytes():
                return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
