"""Budgets and rate limits: reserved before a model is called, settled when it is known what the call used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

import structlog

from frontdesk_server.config.limits import LimitRule, LimitsConfig
from frontdesk_server.domain.clock import Clock, SystemClock
from frontdesk_server.domain.conditions import Conditions
from frontdesk_server.domain.decision import Exclusion, ExclusionReason, RoutedQuery
from frontdesk_server.domain.errors import LimitsUnavailable
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.profile import Profile
from frontdesk_server.state.limits.counters import Standing, counters, holds_for, standing
from frontdesk_server.state.limits.reservation import Held, Quantity, Refusal, Reservation
from frontdesk_server.state.limits.store import Hold, LimitStore, LimitStoreError, MemoryLimitStore
from frontdesk_server.state.limits.windows import window_bounds
from frontdesk_server.state.limits.worst_case import WorstCase, worst_case

log = structlog.get_logger()

_REMEMBER_SECONDS = 0.25
_MAX_REMEMBERED = 10_000
_RETRY_STORE_SECONDS = 1.0


class Limits:
    """The rules of one configuration over counters that outlive it.

    A refused model stays excluded for a quarter of a second, so that routing goes round it; then a call may try again,
    for settlements and new windows make room.
    """

    def __init__(self, config: LimitsConfig, store: LimitStore, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._remembered: dict[tuple[str, str], tuple[float, Refusal]] = {}

    @classmethod
    def none(cls) -> Limits:
        """No limits."""
        clock = SystemClock()
        return cls(LimitsConfig(), MemoryLimitStore(clock), clock)

    async def reserve(
        self, routed: RoutedQuery, model: Model, *, first: bool, repeated: bool = False
    ) -> Reservation | Refusal:
        """Hold the most that calling the model can use, on every counter or on none.

        `first`: the completion's first call, with which the completion itself is counted. `repeated`: a further call of
        an attempt that is counted already.

        Raises:
            LimitsUnavailable: the counters' store does not answer, and calls are to be refused then.
        """
        parts = {"caller": routed.caller, "router": routed.decision.router, "model": model.name}
        rules = [rule for rule in self._config.rules if holds_for(rule, parts)]
        if not rules:
            return Reservation(self._store, ())
        now = self._clock.now()
        worst = worst_case(model, routed.query, routed.decision.signals.input_tokens, now)
        if worst.cost_nano_usd is None and any(rule.usd is not None for rule in rules):
            return self._remember(routed.caller, _unpriced(model))
        held = [
            held
            for rule in rules
            for held in _held_by(rule, routed, model, worst, now, int(not repeated and (first or rule.about_models)))
        ]
        try:
            refused = await self._reserved(held)
        except LimitStoreError as error:
            log.warning("limits.store_unavailable", error=str(error), then=self._config.when_unavailable)
            if self._config.when_unavailable == "allow":
                return Reservation(self._store, ())
            raise LimitsUnavailable("limits cannot be checked at the moment", _RETRY_STORE_SECONDS) from error
        if refused is None:
            return Reservation(self._store, held)
        return self._remember(routed.caller, _refusal(held[refused], model, now))

    def exclusion(self, model: str, caller: str) -> Exclusion | None:
        """Why the model was refused to the caller just now."""
        refusal = self._recall(model, caller)
        return None if refusal is None else Exclusion(ExclusionReason.BUDGET, refusal.detail)

    def refusal(self, models: Collection[str], caller: str) -> Refusal | None:
        """Of the models' refusals to the caller the one that ends first."""
        refusals = [refusal for model in models if (refusal := self._recall(model, caller)) is not None]
        return min(refusals, key=lambda refusal: refusal.retry_after_seconds or float("inf"), default=None)

    async def standing(self, sights: Sequence[Mapping[str, str]], shown: Callable[[LimitRule], bool]) -> list[Standing]:
        """How far the counters of the rules that are `shown` are used, as they count for each of `sights`.

        A sight names a caller, a router and a model. Counters that several sights have in common stand there once.

        Raises:
            LimitsUnavailable: the counters' store does not answer.
        """
        now = self._clock.now()
        found = {
            counter.key: (rule, counter)
            for rule in filter(shown, self._config.rules)
            for sight in sights
            if holds_for(rule, sight)
            for counter in counters(rule, sight, now)
        }
        try:
            values = await self._store.values(list(found))
        except LimitStoreError as error:
            raise LimitsUnavailable("limits cannot be read at the moment", _RETRY_STORE_SECONDS) from error
        return [
            standing(rule, counter, used, now) for (rule, counter), used in zip(found.values(), values, strict=True)
        ]

    async def _reserved(self, held: list[Held]) -> int | None:
        """Reserve so that a caller who goes away meanwhile leaves nothing held."""
        reserving = asyncio.ensure_future(self._store.reserve([one.hold for one in held]))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            reserving.add_done_callback(lambda done: self._give_back(done, held))
            raise

    def _give_back(self, done: asyncio.Future[int | None], held: list[Held]) -> None:
        if not done.cancelled() and done.exception() is None and done.result() is None:
            Reservation(self._store, held).release()

    def _remember(self, caller: str, refusal: Refusal) -> Refusal:
        if refusal.model:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            until = self._clock.monotonic() + _REMEMBER_SECONDS
            self._remembered[refusal.model, caller] = until, refusal
        return refusal

    def _recall(self, model: str, caller: str) -> Refusal | None:
        until, refusal = self._remembered.get((model, caller), (0.0, None))
        return refusal if until > self._clock.monotonic() else None


class LimitedConditions:
    """How models fare, and which of them are over their limits."""

    def __init__(self, conditions: Conditions, limits: Limits) -> None:
        self._conditions = conditions
        self._limits = limits

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        """Why the model cannot answer at this moment."""
        return self._conditions.exclusion(model, caller, remaining_seconds) or self._limits.exclusion(
            model.name, caller
        )

    def time_to_first_token_seconds(self, model: Model) -> float | None:
        """As without limits."""
        return self._conditions.time_to_first_token_seconds(model)

    def profile(self, deployment: Deployment) -> Profile:
        """As without limits."""
        return self._conditions.profile(deployment)


def _held_by(
    rule: LimitRule, routed: RoutedQuery, model: Model, worst: WorstCase, now: datetime, requests: int
) -> Iterator[Held]:
    """The rule's counters with what the call may use of each."""
    start, end = window_bounds(rule.window, now)
    parts = {"caller": routed.caller, "router": routed.decision.router, "model": model.name}
    amounts = {
        Quantity.REQUESTS: requests,
        Quantity.TOKENS: worst.tokens,
        Quantity.NANO_USD: worst.cost_nano_usd,
    }
    for counter in counters(rule, parts, now):
        amount = amounts[counter.quantity]
        if amount is None or (counter.quantity is Quantity.REQUESTS and not amount):
            continue
        hold = Hold(counter.key, amount, counter.limit, end.timestamp(), start.timestamp())
        yield Held(rule.name, counter.quantity, rule.about_models, hold)


def _refusal(held: Held, model: Model, now: datetime) -> Refusal:
    hold, what = held.hold, held.quantity.value
    name = model.name if held.about_models else ""
    if hold.amount > hold.limit:
        detail = f"this call may use {hold.amount:,} {what}, but limit {held.rule!r} is {hold.limit:,} in all"
        return Refusal(held.quantity, name, f"{detail}; lower max_output_tokens", None)
    wait = max(0.0, hold.ends_at - now.timestamp())
    detail = f"limit {held.rule!r} of {hold.limit:,} {what} has no room for {hold.amount:,} more"
    return Refusal(held.quantity, name, f"{detail}; it starts again in {wait:.0f} s", round(wait, 3))


def _unpriced(model: Model) -> Refusal:
    return Refusal(Quantity.NANO_USD, model.name, "its price is unknown and money is limited", None)
