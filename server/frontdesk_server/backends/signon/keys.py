"""Keys that do not change, and the headers in which APIs expect them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

KeyHeaders = Callable[[str], Mapping[str, str]]
"""The headers in which an API expects a key."""


def bearer(key: str) -> dict[str, str]:
    """The key as most APIs expect it (RFC 6750)."""
    return {"authorization": f"Bearer {key}"}


def keyed(header: str) -> KeyHeaders:
    """The key in a header of its own."""
    return lambda key: {header: key}


class KeySignOn:
    """A key, or none where an API asks for none."""

    def __init__(self, key: str | None, key_headers: KeyHeaders) -> None:
        self._key = key
        self._headers = {} if key is None else key_headers(key)

    async def headers(self, url: str, content: bytes) -> Mapping[str, str]:
        """The same for every request."""
        return self._headers

    def secrets(self) -> Iterable[str]:
        """The key."""
        return () if self._key is None else (self._key,)

    def doubt(self) -> None:
        """There is no other one."""

    async def aclose(self) -> None:
        """Nothing is renewed."""
