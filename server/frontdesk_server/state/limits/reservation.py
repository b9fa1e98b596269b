"""What a call holds on its counters until it is known what it used."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from types import TracebackType

from frontdesk_server.domain.errors import BudgetExhausted, CapacityError, RateLimited
from frontdesk_server.domain.usage import Usage, sum_known
from frontdesk_server.domain.value import value
from frontdesk_server.state.limits.store import Change, Hold, LimitStore


class Quantity(enum.Enum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    NANO_USD = "nano_usd"


@value
class Held:
    """One counter that a call uses."""

    rule: str
    quantity: Quantity
    about_models: bool
    hold: Hold


@value
class Refusal:
    """A limit without room for a call. `model` is the model that may not be called; empty when none may be."""

    quantity: Quantity
    model: str
    detail: str
    retry_after_seconds: float | None

    @property
    def error(self) -> CapacityError:
        """As an error, for callers to whom no model is left."""
        make = BudgetExhausted if self.quantity is Quantity.NANO_USD else RateLimited
        return make(self.detail, self.retry_after_seconds)


@value
class Used:
    """What one call used; None is unknown. `may_be_more`: it is the least that its provider bills."""

    tokens: int | None
    nano_usd: int | None
    may_be_more: bool = False

    @classmethod
    def of(cls, usage: Usage, cost_nano_usd: int | None, *, may_be_more: bool = False) -> Used:
        """Of a usage and what it costs."""
        return cls(sum_known((usage.input_tokens, usage.output_tokens)), cost_nano_usd, may_be_more)

    def counted(self, quantity: Quantity, reserved: int) -> int:
        """What a counter counts of it: what was reserved, where not less can be known to do."""
        if quantity is Quantity.REQUESTS:
            return reserved
        used = self.tokens if quantity is Quantity.TOKENS else self.nano_usd
        if used is None:
            return reserved
        return max(used, reserved) if self.may_be_more else used


class Reservation:
    """Holds what its calls may use until it is settled; leaving its context unsettled gives everything back."""

    def __init__(self, store: LimitStore, held: Sequence[Held]) -> None:
        self._store = store
        self._calls: list[Sequence[Held]] = [held]

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def join(self, another: Reservation) -> None:
        """Hold what another call may use, too, and was reserved for it."""
        self._calls += another._calls
        another._calls = []

    def settle(self, *used: Used, beside_nano_usd: int = 0) -> None:
        """Replace what is held for each call by what it used; what is unknown stays as it was held.

        `beside_nano_usd` is the known cost of Frontdesk's own questions; it counts where the rule is not about models.
        """
        calls, self._calls = self._calls, []
        changes = []
        for index, (held, use) in enumerate(zip(calls, used, strict=bool(calls))):
            for one in held:
                amount = use.counted(one.quantity, one.hold.amount)
                if index == 0 and one.quantity is Quantity.NANO_USD and not one.about_models:
                    amount += beside_nano_usd
                if amount != one.hold.amount:
                    changes.append(Change(one.hold.key, amount - one.hold.amount, one.hold.ends_at))
        if changes:
            self._store.change(changes)

    def release(self) -> None:
        """Give everything back; a settled reservation holds nothing."""
        calls, self._calls = self._calls, []
        if held := [one for call in calls for one in call]:
            self._store.change([Change(one.hold.key, -one.hold.amount, one.hold.ends_at) for one in held])
