"""The seam to time, so that tests need not sleep."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def now(self) -> datetime:
        """The time of day in UTC."""


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds of the monotonic clock."""
        return time.perf_counter()

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)
