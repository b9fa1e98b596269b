"""The calls of one attempt: what each is settled with by itself, as fees and lengths of input are those of one call."""

from __future__ import annotations

from datetime import datetime

from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.usage import sum_known
from frontdesk_server.execution.billing import NOTHING, Billing, together
from frontdesk_server.execution.room import Room
from frontdesk_server.state.limits import Reservation, Used


class Calls:
    """Adds the last call, whose billing its methods are given, to those before it.

    Every call that is billed holds room of its own within the limits. One that nobody bills leaves its room to the
    next one.
    """

    def __init__(self, prices: Prices | None, began_at: datetime, room: Room | None) -> None:
        """`room` is what the calls may use; None where nothing is limited."""
        self.count = 1
        self._prices = prices
        self._began_at = began_at
        self._room = room
        self._billed_before = NOTHING
        self._cost_before: int | None = 0
        self._used_before: tuple[Used, ...] = ()
        self._costed: tuple[Billing | None, int | None] = (None, None)

    def billing(self, last: Billing) -> Billing:
        """What all of them are settled with."""
        return last if self._billed_before is NOTHING else together(self._billed_before, last)

    def cost(self, last: Billing) -> int | None:
        """What all of them cost; None when unknown."""
        return sum_known((self._cost_before, self._cost_of(last)))

    def cache_saved(self, last: Billing) -> int | None:
        """What caching saved in the last call; before a call that is repeated nothing is read from a cache."""
        cost, usage = self._cost_of(last), last.usage
        if self._prices is None or cost is None:
            return None
        if not (usage.cache_read_tokens or usage.cache_write_tokens or usage.cache_write_long_tokens):
            return 0
        uncached = self._prices.cost_nano_usd(usage.uncached(), self._began_at)
        return None if uncached is None else uncached - cost

    def used(self, last: Billing) -> tuple[Used, ...]:
        """What was used of each room, in the order of their reservation."""
        return (*self._used_before, Used.of(last.usage, self._cost_of(last), may_be_more=last.may_be_more))

    def keeps_its_room(self, last: Billing) -> bool:
        """Whether another call needs room beside the last one."""
        return self._room is not None and last is not NOTHING

    async def room(self) -> Reservation | None:
        """Room for one call more, which is given to `repeat` or released; None when there is none."""
        return None if self._room is None else await self._room.another()

    def repeat(self, last: Billing, more: Reservation | None) -> None:
        """Another call follows the last one, with the room that was made for it if it needs any."""
        if self._room is not None and more is not None:
            self._used_before = self.used(last)
            self._room.reservation.join(more)
        self._billed_before, self._cost_before = self.billing(last), self.cost(last)
        self.count += 1

    def _cost_of(self, billing: Billing) -> int | None:
        """What one call costs, whose billing is asked for more than once, and mostly is the same."""
        if self._costed[0] is not billing:
            cost = None if self._prices is None else self._prices.cost_nano_usd(billing.usage, self._began_at)
            self._costed = (billing, cost)
        return self._costed[1]
