"""Rules of budgets and rate limits: what they count, whom they refuse, what a call gives back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from frontdesk_server.config.limits import LimitRule, LimitsConfig
from frontdesk_server.domain.decision import ExclusionReason, RoutedQuery
from frontdesk_server.domain.errors import BudgetExhausted, LimitsUnavailable, RateLimited
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.prices import PricePeriod, Prices, PriceTier, ServiceTierPrices
from frontdesk_server.domain.provider import ProviderOptions
from frontdesk_server.domain.query import GenerationConfig, MediaPart, Message, Role, text_query
from frontdesk_server.state.limits import (
    Change,
    Hold,
    Limits,
    LimitStoreError,
    MemoryLimitStore,
    Refusal,
    Reservation,
    Used,
)
from frontdesk_server.state.limits.worst_case import WorstCase, worst_case
from pydantic import ValidationError

from tests.fakes import FakeClock, a_model, plan_of, routed

SMALL = a_model("small", output_usd=1)
MID = a_model("mid", output_usd=3)
QUERY = text_query("hi", GenerationConfig(max_output_tokens=100))
INPUT_TOKENS = 9
"""Seven estimated and a quarter of it, rounded."""
WORST_TOKENS = INPUT_TOKENS + 100
WORST_NANO_USD = INPUT_TOKENS * 200 + 100 * 1000


class Desk:
    """Limits of one rule over counters in memory."""

    def __init__(self, when_unavailable: Any = "refuse", **rule: Any) -> None:
        self.clock = FakeClock()
        self.store = MemoryLimitStore(self.clock)
        rules = (LimitRule(name="rule", **{"window": "minute"} | rule),)
        self.limits = Limits(LimitsConfig(rules=rules, when_unavailable=when_unavailable), self.store, self.clock)

    async def reserve(
        self,
        caller: str = "ann",
        *,
        model: Model = SMALL,
        router: str = "default",
        first: bool = True,
        repeated: bool = False,
    ) -> Reservation | Refusal:
        query = routed(plan_of(model.name), QUERY)
        query = replace(query, caller=caller, decision=replace(query.decision, router=router))
        return await self.limits.reserve(query, model, first=first, repeated=repeated)

    async def admits(self, caller: str = "ann", **how: Any) -> bool:
        return isinstance(await self.reserve(caller, **how), Reservation)


async def held(desk: Desk, **how: Any) -> Reservation:
    reservation = await desk.reserve(**how)
    assert isinstance(reservation, Reservation)
    return reservation


async def refused(desk: Desk, **how: Any) -> Refusal:
    refusal = await desk.reserve(**how)
    assert isinstance(refusal, Refusal)
    return refusal


@pytest.mark.parametrize(
    ("rule", "others_pass"),
    [
        ({}, {"caller": False, "router": False, "model": False}),
        ({"per": ["caller"]}, {"caller": True, "router": False, "model": False}),
        ({"per": ["router"]}, {"caller": False, "router": True, "model": False}),
        ({"per": ["caller", "router"]}, {"caller": True, "router": True, "model": False}),
        ({"per": ["model"]}, {"caller": False, "router": False, "model": True}),
        ({"callers": ["ann"]}, {"caller": True, "router": False, "model": False}),
        ({"routers": ["default"]}, {"caller": False, "router": True, "model": False}),
        ({"models": ["small"]}, {"caller": False, "router": False, "model": True}),
        ({"models": ["small"], "per": ["caller"]}, {"caller": True, "router": False, "model": True}),
    ],
)
async def test_a_rule_counts_for_what_it_names(rule: dict[str, Any], others_pass: dict[str, bool]) -> None:
    others: dict[str, dict[str, Any]] = {
        "caller": {"caller": "bob"},
        "router": {"router": "bot"},
        "model": {"model": MID},
    }
    passed: dict[str, bool] = {}
    for what, other in others.items():
        desk = Desk(requests=1, **rule)
        assert await desk.admits()
        assert not await desk.admits()
        passed[what] = await desk.admits(**other)
    assert passed == others_pass


async def test_names_cannot_be_chosen_to_share_another_callers_counter() -> None:
    desk = Desk(requests=1, per=["caller", "router"])
    assert await desk.admits("a/router=b", router="c")
    assert await desk.admits("a", router="b/router=c")


async def test_a_new_window_starts_again() -> None:
    desk = Desk(requests=1)
    assert await desk.admits()
    refusal = await refused(desk)
    assert refusal.retry_after_seconds == pytest.approx(20)
    desk.clock.seconds += 20
    assert await desk.admits()


async def test_completions_count_once_and_calls_of_models_each_time() -> None:
    per_completion, per_call = Desk(requests=1), Desk(requests=1, per=["model"])
    for desk in (per_completion, per_call):
        assert await desk.admits()
    assert await per_completion.admits(first=False)
    assert not await per_call.admits(first=False)


@pytest.mark.parametrize(
    ("rule", "error", "limit"),
    [
        ({"requests": 1}, RateLimited, 1),
        ({"tokens": WORST_TOKENS}, RateLimited, WORST_TOKENS),
        ({"usd": WORST_NANO_USD / 1e9}, BudgetExhausted, WORST_NANO_USD),
    ],
)
async def test_an_exhausted_rule_says_what_is_used_up_and_when_to_come_back(
    rule: dict[str, Any], error: type[Exception], limit: int
) -> None:
    desk = Desk(**rule)
    assert await desk.admits()
    refusal = await refused(desk)
    assert type(refusal.error) is error
    assert refusal.error.retry_after_seconds == pytest.approx(20)
    assert f"{limit:,}" in str(refusal.error)


async def test_a_call_that_can_never_fit_is_told_so_and_not_to_wait() -> None:
    refusal = await refused(Desk(tokens=WORST_TOKENS - 1))
    assert refusal.retry_after_seconds is None
    assert "lower max_output_tokens" in refusal.detail


async def test_settling_gives_back_what_was_not_used() -> None:
    desk = Desk(tokens=2 * WORST_TOKENS - 1)
    reservation = await held(desk)
    assert not await desk.admits()
    reservation.settle(Used(15, 0))
    assert await desk.admits()


async def test_what_a_call_used_beyond_its_reservation_counts() -> None:
    desk = Desk(tokens=2 * WORST_TOKENS)
    (await held(desk)).settle(Used(150, 0))
    assert not await desk.admits()


async def test_unknown_use_stays_as_it_was_held() -> None:
    desk = Desk(tokens=2 * WORST_TOKENS - 1)
    (await held(desk)).settle(Used(None, None))
    assert not await desk.admits()


@pytest.mark.parametrize(
    ("used", "counted"),
    [(Used(50, 0), 50), (Used(50, 0, may_be_more=True), WORST_TOKENS), (Used(150, 0, may_be_more=True), 150)],
)
async def test_what_may_be_more_counts_as_reserved_unless_it_is_more_already(used: Used, counted: int) -> None:
    desk = Desk(tokens=10**6)
    (await held(desk)).settle(used)
    assert list(desk.store._counters.values()) == [counted]


async def test_every_call_of_an_attempt_is_reserved_and_settled_by_itself() -> None:
    desk = Desk(tokens=3 * WORST_TOKENS, requests=1, per=["model"])
    reservation = await held(desk)
    for _ in range(2):
        reservation.join(await held(desk, repeated=True))
    assert list(desk.store._counters.values()) == [1, 3 * WORST_TOKENS]
    assert not await desk.admits(repeated=True)
    reservation.settle(Used(15, 0), Used(20, 0, may_be_more=True), Used(None, 0))
    assert list(desk.store._counters.values()) == [1, 15 + 2 * WORST_TOKENS]


async def test_what_frontdesk_asked_beside_several_calls_counts_once() -> None:
    desk = Desk(usd=1)
    reservation = await held(desk)
    reservation.join(await held(desk, repeated=True))
    reservation.settle(Used(15, 7), Used(15, 9), beside_nano_usd=100)
    assert list(desk.store._counters.values()) == [116]


async def test_what_was_joined_is_given_back_with_it_and_by_nobody_else() -> None:
    desk = Desk(tokens=2 * WORST_TOKENS)
    with await held(desk) as reservation:
        with await held(desk, repeated=True) as more:
            reservation.join(more)
        assert not await desk.admits()
    assert list(desk.store._counters.values()) == [0]


async def test_the_cost_of_frontdesks_own_questions_counts() -> None:
    desk = Desk(usd=2 * WORST_NANO_USD / 1e9)
    (await held(desk)).settle(Used(0, 0), beside_nano_usd=WORST_NANO_USD + 1)
    assert not await desk.admits()


async def test_the_cost_of_frontdesks_own_questions_is_not_the_answering_models() -> None:
    desk = Desk(usd=2 * WORST_NANO_USD / 1e9, per=["model"])
    (await held(desk)).settle(Used(0, 0), beside_nano_usd=WORST_NANO_USD + 1)
    assert await desk.admits()


async def test_a_reservation_that_is_left_unsettled_gives_everything_back() -> None:
    desk = Desk(requests=1, tokens=WORST_TOKENS, usd=1)
    with await held(desk):
        assert not await desk.admits()
    assert await desk.admits()


async def test_a_settled_reservation_gives_nothing_back_twice() -> None:
    desk = Desk(requests=1)
    with await held(desk) as reservation:
        reservation.settle(Used(15, 7))
    assert not await desk.admits()


async def test_a_model_over_its_limit_is_excluded_for_a_moment() -> None:
    desk = Desk(requests=1, per=["model"])
    assert await desk.admits()
    assert desk.limits.exclusion("small", "ann") is None
    refusal = await refused(desk)
    assert refusal.model == "small"
    exclusion = desk.limits.exclusion("small", "ann")
    assert exclusion is not None
    assert exclusion.reason is ExclusionReason.BUDGET
    assert desk.limits.exclusion("mid", "ann") is None
    assert desk.limits.refusal({"small", "mid"}, "ann") == refusal
    desk.clock.seconds += 1
    assert desk.limits.exclusion("small", "ann") is None


async def test_a_caller_over_a_limit_excludes_no_model() -> None:
    desk = Desk(requests=1, per=["caller"])
    await desk.admits()
    assert (await refused(desk)).model == ""
    assert desk.limits.exclusion("small", "ann") is None


async def test_where_money_is_limited_a_model_of_unknown_price_may_not_answer() -> None:
    desk = Desk(usd=1)
    refusal = await refused(desk, model=replace(SMALL, prices=None))
    assert refusal.model == "small"
    assert "price is unknown" in refusal.detail
    assert await Desk(tokens=1000).admits(model=replace(SMALL, prices=None))


def seen(caller: str = "ann", model: str = "small", router: str = "default") -> dict[str, str]:
    return {"caller": caller, "router": router, "model": model}


def _every(rule: LimitRule) -> bool:
    return True


async def test_counters_are_shown_as_they_stand_each_once() -> None:
    desk = Desk(per=["caller"], requests=5, usd=1)
    await held(desk)
    await held(desk, caller="bob")
    await held(desk, caller="bob")
    sights = [seen(), seen(model="mid"), seen("bob"), seen("cid", router="other")]
    found = await desk.limits.standing(sights, _every)
    assert [(one.per["caller"], one.quantity.value, one.used, one.limit) for one in found] == [
        ("ann", "requests", 1, 5),
        ("ann", "nano_usd", WORST_NANO_USD, 10**9),
        ("bob", "requests", 2, 5),
        ("bob", "nano_usd", 2 * WORST_NANO_USD, 10**9),
        ("cid", "requests", 0, 5),
        ("cid", "nano_usd", 0, 10**9),
    ]
    assert {one.ends_at for one in found} == {desk.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)}
    assert await desk.limits.standing(sights, lambda rule: False) == []


async def test_counters_of_a_rule_are_shown_for_whom_it_holds() -> None:
    desk = Desk(per=["model"], models=["mid"], callers=["ann"], tokens=1000)
    found = await desk.limits.standing([seen(), seen(model="mid"), seen("bob", "mid")], _every)
    assert [(one.rule, dict(one.per), one.window) for one in found] == [("rule", {"model": "mid"}, "minute")]


class BrokenStore:
    """A store that does not answer."""

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        raise LimitStoreError("down")

    def change(self, changes: Sequence[Change]) -> None:
        raise AssertionError("nothing was held")

    async def values(self, keys: Sequence[str]) -> list[int]:
        raise LimitStoreError("down")

    async def aclose(self) -> None:
        pass


async def test_without_the_store_calls_are_refused_or_allowed_as_configured() -> None:
    refusing, allowing = Desk(requests=1), Desk(requests=1, when_unavailable="allow")
    refusing.limits._store = allowing.limits._store = BrokenStore()
    with pytest.raises(LimitsUnavailable):
        await refusing.reserve()
    with pytest.raises(LimitsUnavailable):
        await allowing.limits.standing([seen()], _every)
    with await held(allowing):
        pass


class SlowStore(MemoryLimitStore):
    """Answers when told to."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.go = asyncio.Event()

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        answer = await super().reserve(holds)
        await self.go.wait()
        return answer


async def test_a_caller_who_goes_away_while_the_store_answers_leaves_nothing_held() -> None:
    desk = Desk(requests=1)
    desk.limits._store = slow = SlowStore(desk.clock)
    reserving = asyncio.create_task(desk.reserve())
    await asyncio.sleep(0)
    reserving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reserving
    slow.go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await desk.admits()


REACHED = Prices(3_000_000, 4_000_000, request_nano_usd=5)
TIERED = Prices(1_000_000, 1_000_000, tiers=(PriceTier(1249, REACHED), PriceTier(1250, Prices(9_000_000, 9_000_000))))
LATER = replace(TIERED, periods=(PricePeriod(datetime(2026, 1, 1, tzinfo=UTC), Prices(7_000_000, 7_000_000)),))


@pytest.mark.parametrize(
    ("model", "max_output_tokens", "expected"),
    [
        (SMALL, 100, WorstCase(1350, 1250 * 200 + 100 * 1000)),
        (replace(SMALL, max_output_tokens=50), 100, WorstCase(1300, 1250 * 200 + 50 * 1000)),
        (replace(SMALL, context_window=1300), None, WorstCase(1300, 1250 * 200 + 50 * 1000)),
        (replace(SMALL, context_window=1000), None, WorstCase(1251, 1250 * 200 + 1 * 1000)),
        (
            replace(SMALL, prices=Prices(1_000_000, 2_000_000, 0, 3_000_000, 4_000_000)),
            100,
            WorstCase(1350, 1250 * 3 + 100 * 4),
        ),
        (replace(SMALL, prices=TIERED), 100, WorstCase(1350, 1250 * 3 + 100 * 4 + 5)),
        (replace(SMALL, prices=LATER), 100, WorstCase(1350, 1250 * 7 + 100 * 7)),
        (replace(SMALL, prices=None), 100, WorstCase(1350, None)),
    ],
    ids=["query", "model", "window", "overfull", "dearest tokens", "longer input", "date", "no prices"],
)
def test_the_worst_case_is_the_longest_answer_at_the_dearest_prices(
    model: Model, max_output_tokens: int | None, expected: WorstCase
) -> None:
    query = text_query("hi", GenerationConfig(max_output_tokens=max_output_tokens))
    assert worst_case(model, query, 1000, datetime.now(UTC)) == expected


def test_the_worst_case_is_that_of_the_service_tier_asked_for_and_of_the_media_there_are() -> None:
    prices = Prices(
        1_000_000,
        1_000_000,
        input_audio_nano_usd_per_million=8_000_000,
        service_tiers=(ServiceTierPrices("priority", Prices(2_000_000, 2_000_000)),),
    )
    model = replace(SMALL, prices=prices, deployments=(Deployment("b", "m", dialects=frozenset({"openai"})),))
    query = text_query("hi", GenerationConfig(max_output_tokens=100))
    sound = Message(Role.USER, (MediaPart("audio/wav", b"1"),))
    costs = [
        worst_case(model, asked, 1000, datetime.now(UTC)).cost_nano_usd
        for asked in (
            query,
            replace(query, provider_options=(ProviderOptions("openai", '{"service_tier": "priority"}'),)),
            replace(query, provider_options=(ProviderOptions("anthropic", '{"service_tier": "priority"}'),)),
            replace(query, messages=(sound,)),
        )
    ]
    assert costs == [1350, 2 * 1350, 1350, 8 * 1250 + 100]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([{"name": "a", "window": "day"}], "limit requests, tokens or usd"),
        ([{"name": "a", "window": "day", "usd": 1, "per": ["model", "router"]}], "two rules"),
        ([{"name": "a", "window": "day", "usd": 1}, {"name": "a", "window": "day", "usd": 1}], "two rules are named a"),
    ],
)
def test_rules_that_make_no_sense_are_faults(rules: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LimitsConfig.model_validate({"rules": rules})


def test_a_query_without_rules_holds_nothing() -> None:
    query: RoutedQuery = routed(plan_of("small"), QUERY)
    assert isinstance(asyncio.run(Limits.none().reserve(query, SMALL, first=True)), Reservation)
