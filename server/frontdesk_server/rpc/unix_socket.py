"""Unix sockets that only one process serves: gRPC itself takes a socket over from whoever listens on it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEME = "unix:"
_LONGEST_PATH = 107
"""Bytes of sun_path on Linux without the closing NUL."""
_NOBODY_LISTENS = frozenset({errno.ECONNREFUSED, errno.ENOENT})


class SocketInUse(Exception):
    """Another process serves at the path."""


def socket_path(address: str) -> Path | None:
    """The path of unix:/path or unix:///path; None of every other address."""
    if not address.startswith(_SCHEME):
        return None
    return Path(address.removeprefix(_SCHEME).removeprefix("//"))


def socket_fault(path: Path) -> str:
    """What keeps a socket from being made at the path, or from taking a dead one's place; empty when nothing does."""
    length = len(os.fsencode(path))
    if length > _LONGEST_PATH:
        return f"the path has {length} bytes; a socket's has at most {_LONGEST_PATH}"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if path.exists() and not path.is_socket():
        return f"{path} is something else than a socket"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"the folder {path.parent} cannot be written"
    return ""


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep the path for this process; the socket that a dead one left there may be replaced.

    Who holds the lock on the file PATH.lock may bind the path. The kernel releases it with the process. The file stays:
    two processes that lock a file which is removed between them would each hold a lock.

    Raises:
        SocketInUse: another process has claimed the path or listens there.
        OSError: no socket can be made there.
    """
    import fcntl  # not on every system, and neither are such sockets

    if fault := socket_fault(path):
        raise OSError(fault)

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
