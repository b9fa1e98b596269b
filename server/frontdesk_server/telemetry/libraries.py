"""What libraries write by Python's own logging, as lines like all others: never with values, which may be content."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from frontdesk_server.domain.defects import frames_of, type_of

log = structlog.get_logger()

_WARNED = "library.warned"


class LibraryLines(logging.Handler):
    """Tells of a warning which library it is from, its text before values are put in, and where its error was raised.

    `peer`, where the library's logger adds it, says whose connection it was.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        told: dict[str, Any] = {"library": record.name, "message": str(record.msg)}
        if peer := getattr(record, "peer", ""):
            told["peer"] = peer
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told |= {"error_type": type_of(error), "frames": frames_of(error)}
        write = log.error if record.levelno >= logging.ERROR else log.warning
        write(_WARNED, **told)


def take_library_lines() -> None:
    """Let all libraries' warnings of this process be written so, once."""
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryLines) for handler in root.handlers):
        root.addHandler(LibraryLines(logging.WARNING))
