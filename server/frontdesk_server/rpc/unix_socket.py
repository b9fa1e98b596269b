"""Unix sockets that only one process serves: gRPC itself takes a socket over from whoever listens on it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEME = "unix:"
_NOBODY_LISTENS = frozenset({errno.ECONNREFUSED, errno.ENOENT})


class SocketInUse(Exception):
    """Another process serves at the path."""


def socket_path(address: str) -> Path | None:
    """The path of unix:/path or unix:///path; None of every other address."""
    if not address.startswith(_SCHEME):
        return None
    return Path(address.removeprefix(_SCHEME).removeprefix("//"))


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep the path for this process; the socket that a dead one left there may be replaced.

    Who holds the lock on the file PATH.lock may bind the path. The kernel releases it with the process. The file stays:
    two processes that lock a file which is removed between them would each hold a lock.

    Raises:
        SocketInUse: another process has claimed the path or listens there.
        OSError: the folder cannot be written.
    """
    import fcntl  # not on every system, and neither are such sockets

    with Path(f"{path}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SocketInUse(f"another process serves on {path}") from error
        if _somebody_listens(path):
            raise SocketInUse(f"another process serves on {path}")
        yield


def _somebody_listens(path: Path) -> bool:
    """Whether a connection could be made; a server that is too busy or not for this user to reach also listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(str(path)) not in _NOBODY_LISTENS
