"""What the calls of one attempt may use by their limits: each holds what it may use before it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from frontdesk_server.domain.errors import LimitsUnavailable
from frontdesk_server.domain.value import value
from frontdesk_server.state.limits import Refusal, Reservation


@value
class Room:
    """`reservation` is that of every call of the attempt; `reserve` asks for what one more may use."""

    reservation: Reservation
    reserve: Callable[[], Awaitable[Reservation | Refusal]]

    async def another(self) -> Reservation | None:
        """What one more call may use, to be joined to the reservation or released; None when there is no room."""
        with suppress(LimitsUnavailable):
            reserved = await self.reserve()
            if isinstance(reserved, Reservation):
                return reserved
        return None
