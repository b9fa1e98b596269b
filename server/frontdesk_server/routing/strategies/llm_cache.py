"""What router LLMs have answered lately: in this process, and where it is configured in Redis, for all machines."""

from __future__ import annotations

import hashlib
from typing import Literal

import orjson
from cachetools import TTLCache

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.remembered import Remembered
from frontdesk_server.routing.strategies.llm_answers import Reading

CacheStore = Literal["memory", "redis"]


class AnswerCache:
    """Readings by what was asked, each for some seconds; a process forgets those first that were not asked for longest.

    `asked` tells apart who is asked, and how: strategies that share it share their answers.
    """

    def __init__(self, asked: str, size: int, seconds: float, clock: Clock, shared: Remembered | None = None) -> None:
        self._asked = asked
        self._own: TTLCache[str, Reading] = TTLCache(size, seconds, clock.monotonic)
        self._seconds = seconds
        self._shared = shared

    async def get(self, prompt: str) -> Reading | None:
        """The answer to the same prompt; one that cannot be read is none."""
        key = self._key(prompt)
        own = self._own.get(key)
        if own is not None or self._shared is None:
            return own
        found = await self._shared.get(key)
        return None if found is None else _read(found)

    def put(self, prompt: str, reading: Reading) -> None:
        """Remember an answer."""
        key = self._key(prompt)
        if self._own.maxsize:
            self._own[key] = reading
        if self._shared is not None and self._seconds:
            self._shared.put(key, orjson.dumps([reading.option, reading.probabilities]), self._seconds)

    def _key(self, prompt: str) -> str:
        asked = f"{self._asked}\0{prompt}".encode("utf-8", "replace")
        return hashlib.blake2b(asked, digest_size=16).hexdigest()


def _read(found: bytes) -> Reading | None:
    try:
        option, probabilities = orjson.loads(found)
        return Reading(str(option), {str(name): float(value) for name, value in probabilities.items()})
    except (ValueError, TypeError, AttributeError):
        return None
