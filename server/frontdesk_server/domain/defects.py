"""Defects: exceptions that nobody foresaw. What goes on without them reports them here, so that none vanishes."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Protocol

import structlog

log = structlog.get_logger()

CAUGHT = "defect.caught"
"""The event of a defect. `counted` says whether whoever reported it counts it, too."""

_MOST_FRAMES = 8


class DefectCounter(Protocol):
    """Where defects are counted."""

    def defect(self, part: str, error_type: str) -> None:
        """One exception nobody foresaw was caught in this part, such as "strategy"."""


def report_defect(part: str, error: BaseException, counter: DefectCounter | None = None, **where: str) -> None:
    """Log an exception by its type and place, and count it. Its text stays out: it may repeat the query.

    Without a counter the process counts what it logs. `where` tells more of the place, such as the path of a strategy.
    """
    counted = counter is not None
    log.error(CAUGHT, part=part, error_type=type_of(error), frames=frames_of(error), counted=counted, **where)
    if counter is not None:
        counter.defect(part, type_of(error))


def type_of(error: object) -> str:
    """The class of an exception, or of anything else, with its module unless that is Python's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def frames_of(error: BaseException) -> list[str]:
    """Where it was raised, innermost first, as "file.py:line function"; without any line of text."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames)]


def _short(filename: str) -> str:
    """The file within its package: paths of the machine are of no use to who reads logs."""
    parts = PurePath(filename).parts
    for root in ("site-packages", "server"):
        if root in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(root) :])
    return "/".join(parts[-2:])
