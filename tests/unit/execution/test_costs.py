"""What calls cost, to the nano-dollar: the same streamed and unary, whole and broken off."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode
from frontdesk_server.domain.errors import CompletionFailed, UpstreamCut, UpstreamError, UpstreamFailed
from frontdesk_server.domain.events import Completed, Finished, TextDelta, UsageReport
from frontdesk_server.domain.observer import NULL_CALL
from frontdesk_server.domain.prices import Prices, PriceTier
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.execution.asking import Asker

from tests.fakes import Script, Scripts, a_model, plan_of, routed
from tests.sink import events_of
from tests.unit.execution.test_executor import MODELS, Desk, collect

EVERY_CLASS = Prices(
    input_nano_usd_per_million=3_000_000_000,
    output_nano_usd_per_million=15_000_000_000,
    cache_read_nano_usd_per_million=300_000_000,
    cache_write_nano_usd_per_million=3_750_000_000,
    reasoning_nano_usd_per_million=20_000_000_000,
)
INPUT_AND_OUTPUT = Prices(37_500_000, 150_000_000)


@pytest.mark.parametrize(
    ("prices", "usage", "nano_usd"),
    [
        (EVERY_CLASS, Usage(0, 0), 0),
        (EVERY_CLASS, Usage(1000, 100), 4_500_000),
        (EVERY_CLASS, Usage(1000, 100, cache_read_tokens=600), 3 * 400_000 + 600 * 300 + 1_500_000),
        (EVERY_CLASS, Usage(1000, 100, cache_write_tokens=400), 3 * 600_000 + 400 * 3750 + 1_500_000),
        (EVERY_CLASS, Usage(1000, 100, reasoning_tokens=80), 3_000_000 + 20 * 15_000 + 80 * 20_000),
        (EVERY_CLASS, Usage(1000, 100, 600, 400, 100), 600 * 300 + 400 * 3750 + 100 * 20_000),
        (INPUT_AND_OUTPUT, Usage(1000, 100, 600, 400, 100), 37_500 + 15_000),
        (INPUT_AND_OUTPUT, Usage(1, 0), 38),
        (INPUT_AND_OUTPUT, Usage(13, 7), 488 + 1050),
        (INPUT_AND_OUTPUT, Usage(None, 7), None),
        (INPUT_AND_OUTPUT, Usage(13, None), None),
    ],
)
def test_every_token_class_has_its_price(prices: Prices, usage: Usage, nano_usd: int | None) -> None:
    assert prices.cost_nano_usd(usage) == nano_usd


def ends(usage: Usage, probability_log: float = -0.01) -> Script:
    return [TextDelta("x", (TokenLogprob("x", probability_log),)), Finished(FinishReason.STOP, usage)]


SMALL, FRONTIER = 1, 15
"""USD per million output tokens, a fifth for input, as `tests.fakes.a_model` prices them."""


def nano_usd(usd: int, input_tokens: int, output_tokens: int) -> int:
    return usd * (input_tokens * 200 + output_tokens * 1000)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_costs_the_same_streamed_and_unary(stream: bool) -> None:
    events = await collect(Desk({"small": [ends(Usage(50, 20))]}).start(routed(plan_of("small")), stream=stream))
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.settlement.cost.total_nano_usd == nano_usd(SMALL, 50, 20)
    assert completed.settlement.cost.saved_nano_usd == nano_usd(FRONTIER - SMALL, 50, 20)


@pytest.mark.parametrize("stream", [True, False])
async def test_rejected_and_failed_attempts_are_billed_with_what_they_used(stream: bool) -> None:
    plan = [
        PlanStep("small", StepKind.PRIMARY, check="logprob", stream_mode=StreamMode.HOLD),
        PlanStep("mid", StepKind.ESCALATION),
        PlanStep("frontier", StepKind.FALLBACK),
    ]
    scripts: Scripts = {
        "small": [ends(Usage(50, 20), probability_log=-3.0)],
        "mid": [[UpstreamFailed("500")]],
        "frontier": [ends(Usage(50, 10))],
    }
    events = await collect(Desk(scripts).start(routed(plan), stream=stream))
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert [attempt.cost_nano_usd for attempt in completed.settlement.attempts] == [
        nano_usd(SMALL, 50, 20),
        0,
        nano_usd(FRONTIER, 50, 10),
    ]
    assert completed.settlement.cost.total_nano_usd == nano_usd(SMALL, 50, 20) + nano_usd(FRONTIER, 50, 10)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("reported", "estimated"), [(Usage(50, 20), False), (Usage(50), True), (Usage(), True)])
async def test_an_answer_that_breaks_off_is_settled_with_what_is_known(
    stream: bool, reported: Usage, estimated: bool
) -> None:
    """What the provider did not report is counted: 7 input tokens of the query, 2 of the eight characters."""
    script: Script = [UsageReport(reported), TextDelta("12345678"), UpstreamCut("cut")]
    with pytest.raises(CompletionFailed) as failure:
        await collect(Desk({"small": [script]}).start(routed(plan_of("small")), stream=stream))
    (attempt,) = failure.value.settlement.attempts
    assert attempt.usage_estimated is estimated
    assert failure.value.settlement.cost.total_nano_usd == nano_usd(
        SMALL, reported.input_tokens or 7, reported.output_tokens or 2
    )


async def test_a_caller_who_leaves_pays_for_what_had_come() -> None:
    execution = Desk({"small": [[TextDelta("12345678"), 60.0]]}).start(routed(plan_of("small")))
    async with aclosing(events_of(execution)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert execution.settlement.cost.total_nano_usd == nano_usd(SMALL, 7, 2)
    assert execution.settlement.cost.strongest_nano_usd is None


@pytest.mark.parametrize(
    ("script", "cost"),
    [
        ([UpstreamFailed("500")], 0),
        ([UsageReport(Usage(50, 20)), UpstreamCut("cut")], nano_usd(SMALL, 50, 20)),
    ],
)
async def test_a_question_of_frontdesks_own_that_fails_is_billed_with_what_it_used(script: Script, cost: int) -> None:
    ask, bill = Asker(Desk({"small": [script]}).tools, MODELS), Bill()
    with pytest.raises(UpstreamError):
        await ask("small", text_query("hm"), purpose="check", timeout_seconds=5, parent=NULL_CALL, bill=bill)
    assert bill.total_nano_usd == cost


CHECKED_BY_MID = [PlanStep("small", StepKind.PRIMARY, check="agreement", stream_mode=StreamMode.HOLD)]
MID = 3


async def test_a_second_opinion_is_billed_when_the_first_never_comes() -> None:
    scripts: Scripts = {"small": [[0.05, UpstreamFailed("500")]], "mid": [ends(Usage(50, 20))]}
    with pytest.raises(CompletionFailed) as failure:
        await collect(Desk(scripts).start(routed(CHECKED_BY_MID)))
    assert failure.value.settlement.cost.checks_nano_usd == nano_usd(MID, 50, 20)


async def test_a_second_opinion_is_billed_when_the_caller_does_not_wait_for_it() -> None:
    scripts: Scripts = {"small": [ends(Usage(50, 20))], "mid": [[TextDelta("12345678"), 60.0]]}
    execution = Desk(scripts).start(routed(CHECKED_BY_MID))
    waiting = asyncio.create_task(collect(execution))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait([waiting])
    cost = execution.settlement.cost
    assert (cost.attempts_nano_usd, cost.checks_nano_usd) == (nano_usd(SMALL, 50, 20), nano_usd(MID, 5, 2))


async def test_each_call_of_an_attempt_is_priced_by_itself_and_what_the_cache_saved_is_told() -> None:
    long = Prices(100_000_000, 100_000_000)
    prices = Prices(2_000_000, 0, 1_000_000, 3_000_000, request_nano_usd=1_000, tiers=(PriceTier(100, long),))
    usage = Usage(100, 1, cache_read_tokens=50, cache_write_tokens=20)
    desk = Desk({"small": [[UpstreamCut("gone")], ends(usage)]}, retry=RetryConfig(max_retries=1, base_ms=1))
    desk.executor = replace(desk.executor, models={"small": replace(a_model("small"), prices=prices)})
    completed = (await collect(desk.start(routed(plan_of("small")))))[-1]
    assert isinstance(completed, Completed)
    (attempt,) = completed.settlement.attempts
    assert attempt.usage.input_tokens is not None
    assert attempt.usage.input_tokens > 100
    before = attempt.usage.input_tokens - 100
    assert attempt.cost_nano_usd == (1_000 + 2 * before) + (1_000 + 30 * 2 + 50 * 1 + 20 * 3)
    assert attempt.cache_saved_nano_usd == 50 - 20
