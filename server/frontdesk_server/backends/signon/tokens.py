"""Tokens that expire, sent as bearer tokens (RFC 6750)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from frontdesk_server.backends.signon.keys import bearer
from frontdesk_server.backends.signon.renewing import Lease, Renewing
from frontdesk_server.domain.clock import Clock


class TokenSignOn:
    """The token that `renew` gives, and further headers that never change."""

    def __init__(
        self,
        renew: Callable[[], Awaitable[Lease[str]]],
        clock: Clock,
        kind: str,
        close: Callable[[], Awaitable[None]],
        further: Mapping[str, str] | None = None,
    ) -> None:
        self._tokens = Renewing(renew, clock, kind)
        self._close = close
        self._further = dict(further or {})

    async def headers(self, url: str, content: bytes) -> Mapping[str, str]:
        """The token of this moment."""
        return {**bearer(await self._tokens.value()), **self._further}

    def secrets(self) -> Iterable[str]:
        """The token."""
        held = self._tokens.held
        return () if held is None else (held,)

    def doubt(self) -> None:
        """Have another token."""
        self._tokens.doubt()

    async def aclose(self) -> None:
        """Renew no more, and close what renewed."""
        await self._tokens.aclose()
        await self._close()
