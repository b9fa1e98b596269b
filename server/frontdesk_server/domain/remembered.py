"""The seam to answers of router LLMs that several machines share."""

from __future__ import annotations

from typing import Protocol


class Remembered(Protocol):
    """Bytes by what they answer, each for a while."""

    async def get(self, key: str) -> bytes | None:
        """What is remembered; None when nothing is, or the memory does not answer."""

    def put(self, key: str, answer: bytes, seconds: float) -> None:
        """Remember for so long; returns at once."""


class NothingRemembered:
    """Remembers nothing."""

    async def get(self, key: str) -> bytes | None:
        """Nothing is remembered."""
        return None

    def put(self, key: str, answer: bytes, seconds: float) -> None:
        """Forgets at once."""
