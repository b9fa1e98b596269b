"""Affinity within one process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from frontdesk_server.domain.clock import Clock


class MemoryAffinity:
    """The latest conversations, each until it has rested too long."""

    def __init__(self, max_conversations: int, idle_seconds: float, clock: Clock) -> None:
        self._max_conversations = max_conversations
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._models: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._models)

    async def model(self, key: str) -> str | None:
        """The model that served the conversation last."""
        model, used_at = self._models.get(key, (None, 0.0))
        if model is None or self._clock.monotonic() - used_at > self._idle_seconds:
            return None
        return model

    def remember(self, keys: Sequence[str], model: str) -> None:
        """From now on this model serves these conversations."""
        for key in keys:
            self._models[key] = model, self._clock.monotonic()
            self._models.move_to_end(key)
        while len(self._models) > self._max_conversations:
            self._models.popitem(last=False)
