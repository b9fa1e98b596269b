"""Calendar windows in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

Window = Literal["second", "minute", "hour", "day", "month"]
_FIELDS = ("month", "day", "hour", "minute", "second", "microsecond")
_FIRST = {"month": 1, "day": 1}
_LENGTHS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=32),
}


def window_bounds(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """The window's first instant, and that of the next one."""
    start = _floored(window, now)
    return start, _floored(window, start + _LENGTHS[window])


def _floored(window: Window, instant: datetime) -> datetime:
    smaller = _FIELDS[_FIELDS.index(window) + 1 :]
    return instant.replace(**{field: _FIRST.get(field, 0) for field in smaller})  # type: ignore[arg-type]
