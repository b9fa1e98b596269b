"""A PostgreSQL server of the test run's own, from whatever PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
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


@contextmanager
def running_postgres(binaries: Path, *, fsync: bool = False) -> Iterator[str]:
    """Start a server on a Unix socket in a temporary folder and give its SQLAlchemy URL."""
    user = _unprivileged_user()
    root = Path(tempfile.mkdtemp(prefix="fd-pg-", dir="/tmp"))
    try:
        if user is not None:
            os.chown(root, pwd.getpwnam(user).pw_uid, -1)
        data = root / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "frontdesk", "--auth=trust", "--no-sync", "-E", "UTF8"], user, root
        )
        options = ["-c", "listen_addresses=", "-c", f"fsync={'on' if fsync else 'off'}", "-k", root]
        with (root / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, *options], user=user, cwd=root, stdout=log, stderr=log
            )
        try:
            _wait_until_ready(root / ".s.PGSQL.5432", server, root / "log")
            yield f"postgresql+psycopg://frontdesk@/postgres?host={root}"
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(root, ignore_errors=True)


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
