"""What one process may use of shared counters while it cannot ask for more.

Of a counter that it has asked for lately it has a part set aside, which is used up in the eyes of everybody else: so
nothing is overspent, whoever else goes on. The part is lent for a quarter of an hour; after that others take it back.
Of a window that began meanwhile it has one share of the limit, as if all processes were cut off alike. What it uses is
told when the store answers again. (Cf. P. O'Neil, "The Escrow Transactional Method", ACM TODS 11(4), 1986.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk_server.domain.clock import Clock
from frontdesk_server.state.limits.store import Change, Hold

LEASE_SECONDS = 900.0
_MOST_COUNTERS = 10_000
_SWEEP_SECONDS = 60.0


@dataclass(slots=True)
class _Aside:
    amount: int
    lent_until: float
    hold: Hold
    """The last one: its amount is what a call is likely to need."""


class Shares:
    """Asides while the store answers; while it does not, what has been used of them and of new windows."""

    def __init__(self, clock: Clock, lease_seconds: float = LEASE_SECONDS) -> None:
        self.processes = 0
        """How many share the counters, as far as is known; 0 before that is."""
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._asides: dict[str, _Aside] = {}
        self._used: dict[str, Change] = {}
        self._alone_since = 0.0
        self._renewed = 0
        self._sweep_at = 0.0

    def lend(self, hold: Hold, amount: int, asked_at: float) -> None:
        """So much is set aside of the hold's counter, counted from the monotonic instant at which it was asked for.

        An aside that has come to nothing is forgotten when the store has heard of that.
        """
        if amount or self.aside(hold.key):
            self._asides[hold.key] = _Aside(amount, asked_at + self._lease_seconds, hold)
        else:
            self._asides.pop(hold.key, None)

    def renewals(self, most: int) -> list[Hold]:
        """The holds of some asides, in turn, to be fitted to what is left: so they keep nobody out, and stay lent."""
        self._sweep()
        keys = list(self._asides)[self._renewed : self._renewed + most]
        self._renewed = self._renewed + len(keys) if len(keys) == most else 0
        return [self._asides[key].hold for key in keys]

    def leave(self) -> None:
        """From now on nobody answers."""
        self._alone_since = self._clock.now().timestamp()

    def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Use all the amounts or none of what this process has: the index of the first without room, or None."""
        for index, hold in enumerate(holds):
            before = self._used.get(hold.key)
            if (before.amount if before else 0) + hold.amount > self._allowed(hold):
                return index
        self.use([Change(hold.key, hold.amount, hold.ends_at) for hold in holds])
        return None

    def use(self, changes: Sequence[Change]) -> int:
        """Note what is to be told; returns how many counters there was no room to note."""
        lost = 0
        for change in changes:
            before = self._used.get(change.key)
            if before is None and len(self._used) >= _MOST_COUNTERS:
                lost += 1
                continue
            amount = (before.amount if before else 0) + change.amount
            self._used[change.key] = Change(change.key, amount, change.ends_at)
        return lost

    def told(self, most: int) -> list[Change]:
        """Take some of what has been used and is not told yet; from now on the asides are less by that."""
        now = self._clock.now().timestamp()
        taken = [self._used.pop(key) for key in list(self._used)[:most]]
        for change in taken:
            if (aside := self._asides.get(change.key)) is not None:
                aside.amount = max(0, aside.amount - max(0, change.amount))
        return [change for change in taken if change.amount and change.ends_at > now]

    def aside(self, key: str) -> int:
        """What is set aside of a counter, as long as it is lent."""
        aside = self._asides.get(key)
        return aside.amount if aside is not None and aside.lent_until > self._clock.monotonic() else 0

    @property
    def untold(self) -> int:
        """How many counters have been used and not been told."""
        return len(self._used)

    def returned(self) -> list[Hold]:
        """Forget all asides; their holds."""
        holds = [aside.hold for aside in self._asides.values()]
        self._asides.clear()
        return holds

    def _allowed(self, hold: Hold) -> int:
        if hold.starts_at >= self._alone_since:
            return hold.limit // max(1, self.processes)
        return self.aside(hold.key)

    def _sweep(self) -> None:
        now = self._clock.now().timestamp()
        if now < self._sweep_at:
            return
        self._sweep_at = now + _SWEEP_SECONDS
        for key in [key for key, aside in self._asides.items() if aside.hold.ends_at <= now]:
            del self._asides[key]
