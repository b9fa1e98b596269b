"""The seam between requests and what proves whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class SignOn(Protocol):
    """Proves who Frontdesk is, to one upstream. Renews itself; nothing of it appears in logs or representations."""

    async def headers(self, url: str, content: bytes) -> Mapping[str, str]:
        """Headers that prove it for a POST of exactly these bytes to this URL.

        Raises:
            UpstreamCredentialsRefused: there is nothing to prove it with, and none could be had.

        """

    def secrets(self) -> Iterable[str]:
        """What must not be repeated of what is sent now."""

    def doubt(self) -> None:
        """The upstream has refused what it was shown: have another one, unless the last is brand-new."""

    async def aclose(self) -> None:
        """Renew no more."""
