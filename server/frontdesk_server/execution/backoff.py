"""How long an attempt waits before it repeats a call."""

from __future__ import annotations

from random import Random

from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.errors import UpstreamError


class Backoff:
    """Counts the repeats of one attempt. The waits are random below a ceiling that doubles (full jitter)."""

    def __init__(self, config: RetryConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self._repeats = 0

    def allows(self, error: UpstreamError) -> bool:
        """Whether a call that failed so may be repeated."""
        return error.retryable and self._repeats < self._config.max_retries

    def next_wait(self, error: UpstreamError, left: float, *, alone: bool) -> float | None:
        """Seconds to wait before the next repeat, which is counted; None when there is none.

        `left` are the seconds that the attempt has. `alone`: the deployment is the only one, so that what it asks for
        must be waited for.
        """
        if not self.allows(error):
            return None
        most_ms = self._config.max_ms
        wait = self._random.uniform(0, min(most_ms, self._config.base_ms * 2**self._repeats)) / 1000
        if alone and error.retry_after_seconds is not None:
            wait = max(wait, error.retry_after_seconds)
            if wait > most_ms / 1000:
                return None
        if wait >= left:
            return None
        self._repeats += 1
        return wait
