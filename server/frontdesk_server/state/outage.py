"""For how long something that several processes share has not answered this one."""

from __future__ import annotations

import time
from collections.abc import Callable

_MISSED_SECONDS = 60.0


class Outage:
    """Begins with a question without an answer, and ends with an answer, or when nobody has asked for a minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began: float | None = None
        self._latest = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the latest question had no answer."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """How long it has lasted; 0 when it does not, or is missed by nobody."""
        now = self._monotonic()
        return 0.0 if self._began is None or now - self._latest > _MISSED_SECONDS else now - self._began

    def failed(self) -> None:
        """There was no answer."""
        self._latest = self._monotonic()
        if self._began is None:
            self._began = self._latest

    def answered(self) -> None:
        """There was an answer."""
        self._began = None
