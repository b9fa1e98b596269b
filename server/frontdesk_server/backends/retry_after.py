"""How long an upstream asks to wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

MAX_RETRY_AFTER_SECONDS = 86_400.0
"""Whatever an upstream asks for, a day is the longest that is passed on."""

_DURATION = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*(ms|s|secs?|seconds?)?\s*", re.IGNORECASE)
_READERS = (parsedate_to_datetime, datetime.fromisoformat)


def retry_after_seconds(headers: Mapping[str, str], document: Any = None) -> float | None:
    """The wait by `retry-after-ms`, `retry-after`, or Google's `RetryInfo` in an error's `document`; a day at most.

    It is a number of seconds or milliseconds, with its unit or not, the longest of several, or a date.
    """
    asked = ((headers.get("retry-after-ms"), 0.001), (headers.get("retry-after"), 1.0), (_retry_delay(document), 1.0))
    for value, unit_seconds in asked:
        if value is None:
            continue
        durations = [_DURATION.fullmatch(part) for part in value.split(",")]
        known = [_seconds(match, unit_seconds) for match in durations if match]
        seconds = max(known) if len(known) == len(durations) else _seconds_until(value)
        if math.isfinite(seconds):
            return min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)
    return None


def _seconds(match: re.Match[str], unit_seconds: float) -> float:
    number, unit = match.groups()
    if unit:
        unit_seconds = 0.001 if unit.lower() == "ms" else 1.0
    return float(number) * unit_seconds


def _seconds_until(date: str) -> float:
    """By a date as HTTP or ISO 8601 writes it; of no zone it is UTC."""
    for read in _READERS:
        try:
            moment = read(date)
            return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        except (
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
        ):  # the parser lets absurd numbers and zones through
            continue
    return math.nan


def _retry_delay(document: Any) -> str | None:
    match document:
        case {"error": {"details": list() as details}} | [{"error": {"details": list() as details}}, *_]:
            delays = [detail.get("retryDelay") for detail in details if isinstance(detail, dict)]
            return next((delay for delay in delays if isinstance(delay, str)), None)
    return None
