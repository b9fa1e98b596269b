"""What a call holds on its counters until it is known what it used."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from frontdesk_server.domain.attempt import Attempt
from frontdesk_server.domain.errors import BudgetExhausted, CapacityError, RateLimited
from frontdesk_server.domain.usage import sum_known
from frontdesk_server.state.limits.store import Change, Hold, LimitStore


class Quantity(enum.Enum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    NANO_USD = "nano_usd"


@dataclass(frozen=True, slots=True)
class Held:
    """One counter that a call uses."""

    rule: str
    quantity: Quantity
    about_models: bool
    hold: Hold


@dataclass(frozen=True, slots=True)
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


class Reservation:
    """Holds until it is settled; leaving its context unsettled gives everything back."""

    def __init__(self, store: LimitStore, held: Sequence[Held]) -> None:
        self._store = store
        self._held = held

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def settle(self, attempt: Attempt, *, beside_nano_usd: int = 0, may_use_more: bool = False) -> None:
        """Replace what is held by what was used; what is unknown stays as it was held.

        `beside_nano_usd` is the known cost of Frontdesk's own questions; it counts where the rule is not about models.
        `may_use_more`: what was used is the least that the provider bills, so that what is held stays where it is more.
        """
        held, self._held = self._held, ()
        usage = attempt.usage
        used = {
            Quantity.REQUESTS: None,
            Quantity.TOKENS: sum_known((usage.input_tokens, usage.output_tokens)),
            Quantity.NANO_USD: attempt.cost_nano_usd,
        }
        changes = []
        for one in held:
            amount = used[one.quantity]
            if amount is None or (may_use_more and amount < one.hold.amount):
                amount = one.hold.amount
            if one.quantity is Quantity.NANO_USD and not one.about_models:
                amount += beside_nano_usd
            if amount != one.hold.amount:
                changes.append(Change(one.hold.key, amount - one.hold.amount, one.hold.ends_at))
        if changes:
            self._store.change(changes)

    def release(self) -> None:
        """Give everything back; a settled reservation holds nothing."""
        held, self._held = self._held, ()
        if held:
            self._store.change([Change(one.hold.key, -one.hold.amount, one.hold.ends_at) for one in held])
