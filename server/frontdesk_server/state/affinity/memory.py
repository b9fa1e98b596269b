"""Affinity within one process."""

from __future__ import annotations

from collections.abc import Sequence

from cachetools import TTLCache

from frontdesk_server.domain.clock import Clock


class MemoryAffinity:
    """The latest conversations, each until it has rested too long."""

    def __init__(self, max_conversations: int, idle_seconds: float, clock: Clock) -> None:
        self._models: TTLCache[str, str] = TTLCache(max_conversations, idle_seconds, clock.monotonic)

    def __len__(self) -> int:
        return len(self._models)

    async def model(self, key: str) -> str | None:
        """The model that served the conversation last."""
        return self._models.get(key)

    def remember(self, keys: Sequence[str], model: str) -> None:
        """From now on this model serves these conversations."""
        for key in keys:
            self._models[key] = model
