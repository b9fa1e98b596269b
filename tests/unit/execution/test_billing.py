"""What calls are settled with, whatever their providers report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome
from frontdesk_server.domain.errors import (
    CompletionFailed,
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.domain.events import Completed, Finished, ReasoningDelta, TextDelta, ToolCallDelta, UsageReport
from frontdesk_server.domain.query import MediaPart, Message, Query, Role, TextPart, text_query
from frontdesk_server.domain.tokens import estimate_input_tokens
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.billing import Billing, Expectation, Heard, bill
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from tests.fakes import Script, a_model, answer, plan_of, routed
from tests.unit.execution.test_executor import Desk, collect
from tests.virtual_time import LoopClock, in_virtual_time

WINDOW = 8192
FAST_RETRY = RetryConfig(max_retries=1, base_ms=0.01, max_ms=0.01)
MODEL = a_model("small")
EXPECTED = Expectation(MODEL, text_query("hi"), stream=True, input_tokens=7, output_tokens=60)
UNARY = replace(EXPECTED, stream=False)
MUCH = 500
"""Tokens of an answer of 2,000 Latin letters."""
LIMITED = replace(EXPECTED, output_limit=100)


def whole(reported: Usage, came: int = 20) -> Heard:
    return Heard(reported, came, anything_came=came > 0, finished=True)


@pytest.mark.parametrize(
    ("reported", "came", "settled", "doubted"),
    [
        (Usage(5, 20), 20, Usage(5, 20), ()),
        (Usage(), 20, Usage(7, 20), ()),
        (Usage(5), 20, Usage(5, 20), ()),
        (Usage(total_tokens=27), 20, Usage(7, 20), ()),
        (Usage(total_tokens=54), 20, Usage(14, 40), ()),
        (Usage(total_tokens=7), 0, Usage(7, 0), ()),
        (Usage(cache_read_tokens=20, total_tokens=54), 20, Usage(20, 40, 20), ()),
        (Usage(total_tokens=3), MUCH, Usage(7, MUCH), ("total_tokens",)),
        (Usage(total_tokens=-3), 20, Usage(7, 20), ("total_tokens",)),
        (Usage(total_tokens=2**62), 20, Usage(7, 20), ("total_tokens",)),
        (Usage(5, 0), MUCH, Usage(5, MUCH), ("output_tokens",)),
        (Usage(0, 0), MUCH, Usage(7, MUCH), ("input_tokens", "output_tokens")),
        (Usage(5, 3), MUCH, Usage(5, MUCH), ("output_tokens",)),
        (Usage(5, 120), MUCH, Usage(5, 120), ()),
        (Usage(5, 1), 3, Usage(5, 1), ()),
        (Usage(5, 0), 0, Usage(5, 0), ()),
        (Usage(5, WINDOW), 20, Usage(5, WINDOW), ()),
        (Usage(5, WINDOW + 1), 20, Usage(5, 20), ("output_tokens",)),
        (Usage(5, 3 * WINDOW), WINDOW, Usage(5, 3 * WINDOW), ()),
        (Usage(5, 1_200_000_000_000_000), 20, Usage(5, 20), ("output_tokens",)),
        (Usage(2**62, 2**63), 20, Usage(7, 20), ("input_tokens", "output_tokens")),
        (Usage(-5, -1), 20, Usage(7, 20), ("input_tokens", "output_tokens")),
        (Usage(5, 20, 400), 20, Usage(400, 20, 400), ("input_tokens",)),
        (Usage(5, 20, 3, 4), 20, Usage(7, 20, 3, 4), ("input_tokens",)),
        (Usage(None, 20, 3000), 20, Usage(3000, 20, 3000), ()),
        (Usage(5, 20, 2**62), 20, Usage(5, 20), ("cache_read_tokens",)),
        (Usage(5, 20, -1, 3), 20, Usage(5, 20), ("cache_read_tokens", "cache_write_tokens")),
        (Usage(5, 20, reasoning_tokens=90), 20, Usage(5, 90, reasoning_tokens=90), ("output_tokens",)),
        (Usage(5, 20, reasoning_tokens=2**62), 20, Usage(5, 20), ("reasoning_tokens",)),
    ],
)
def test_of_a_whole_answer_counts_what_can_be_true(
    reported: Usage, came: int, settled: Usage, doubted: tuple[str, ...]
) -> None:
    billing = bill(EXPECTED, whole(reported, came))
    assert billing == bill(UNARY, whole(reported, came))
    assert (billing.usage, billing.doubted) == (settled, doubted)
    assert billing.estimated is (settled != reported)


@pytest.mark.parametrize(
    ("limit", "output_tokens", "believed"),
    [
        (100, 100, True),
        (100, 400, True),
        (100, 401, False),
        (1, 30, True),
        (1, 300, False),
        (2000, 100_000, False),
        (None, WINDOW, True),
    ],
)
def test_hidden_reasoning_may_pass_the_limit_that_was_sent_and_not_by_far(
    limit: int | None, output_tokens: int, believed: bool
) -> None:
    limited = replace(EXPECTED, model=replace(MODEL, max_output_tokens=WINDOW), output_limit=limit)
    settled = min(20, limit or 20)
    heard = whole(Usage(5, output_tokens))
    assert bill(limited, heard).usage.output_tokens == (output_tokens if believed else settled)


@pytest.mark.parametrize(
    ("came", "reported", "settled"),
    [
        (25_000, Usage(5, 1200), Usage(5, 1200)),
        (25_000, Usage(5, 25_000), Usage(5, 25_000)),
        (25_000, Usage(5), Usage(5, 2000)),
        (25_000, Usage(5, 20), Usage(5, 2000)),
        (25_000, Usage(5, 2**62), Usage(5, 2000)),
    ],
)
def test_our_own_count_never_passes_the_limit_that_was_sent(came: int, reported: Usage, settled: Usage) -> None:
    assert bill(replace(EXPECTED, output_limit=2000), whole(reported, came)).usage == settled


@pytest.mark.parametrize("filler", [" ", "\n", " \n", "\r\n\t", "-----", "=" * 16, "。", "\N{GRINNING FACE}"])
@pytest.mark.parametrize("stream", [True, False])
async def test_runs_of_one_character_do_not_outweigh_what_was_reported(filler: str, stream: bool) -> None:
    """Of query and answer alike: there is no limit, and a token holds some 80 of them."""
    text = (filler * 32_000)[:32_000]
    query = text_query(text)
    script: Script = [
        *(TextDelta(text[at : at + 7]) for at in range(0, len(text), 7)),
        Finished(FinishReason.LENGTH, Usage(400, 400)),
    ]
    plan = routed(plan_of("small"), query)
    plan = replace(
        plan,
        decision=replace(
            plan.decision, signals=replace(plan.decision.signals, input_tokens=estimate_input_tokens(query))
        ),
    )
    execution = Desk({"small": [script]}).start(plan, stream=stream)
    await collect(execution)
    (attempt,) = execution.settlement.attempts
    assert (attempt.usage, attempt.usage_estimated) == (Usage(400, 400), False)


def test_a_small_picture_has_few_tokens_and_a_long_text_has_not() -> None:
    picture = Query((Message(Role.USER, (TextPart("What is it?"), MediaPart("image/png", data=b"png"))),))
    pictured = replace(EXPECTED, query=picture, input_tokens=1007)
    assert not bill(pictured, whole(Usage(12, 20))).estimated
    worded = replace(EXPECTED, query=text_query("word " * 800), input_tokens=1004)
    assert bill(worded, whole(Usage(12, 20))).usage.input_tokens == 1004


@pytest.mark.parametrize(
    "error",
    [
        UpstreamOverloaded("529"),
        UpstreamFailed("500"),
        UpstreamUnreachable("refused"),
        UpstreamCredentialsRefused("401"),
        UpstreamRequestRefused("400"),
        UpstreamTimedOut("connect", 5),
    ],
    ids=lambda error: error.reason,
)
@pytest.mark.parametrize("expected", [EXPECTED, UNARY], ids=["stream", "unary"])
def test_what_no_provider_bills_costs_nothing_before_content_though_the_input_was_reported(
    error: UpstreamError, expected: Expectation
) -> None:
    heard = Heard(Usage(1110, 1), 0, anything_came=False, finished=False, error=error, opening=True)
    assert bill(expected, heard) == Billing(Usage(0, 0))
    assert bill(expected, replace(heard, reported=Usage(1110, 0), opening=False)) == Billing(Usage(0, 0))
    assert bill(expected, replace(heard, reported=Usage(1110), opening=False)) == Billing(Usage(0, 0))
    came = replace(heard, came=3, anything_came=True)
    assert bill(expected, came).usage == Usage(1110, 3)


@pytest.mark.parametrize("expected", [EXPECTED, UNARY], ids=["stream", "unary"])
@pytest.mark.parametrize("error", [UpstreamFailed("an error beside the answer"), UpstreamOverloaded("529")])
def test_output_that_was_reported_is_billed_whatever_error_came_with_it(
    error: UpstreamError, expected: Expectation
) -> None:
    heard = Heard(Usage(1000, 50), 0, anything_came=False, finished=False, error=error)
    assert bill(expected, heard) == Billing(Usage(1000, 50))


@pytest.mark.parametrize(
    "error",
    [
        None,
        asyncio.CancelledError(),
        UpstreamTimedOut("total", 2),
        UpstreamTimedOut("first token", 2),
        UpstreamCut("cut"),
        UpstreamProtocolError("no JSON"),
    ],
)
def test_a_call_whose_end_was_not_heard_is_settled_with_an_estimate_and_may_be_more(
    error: BaseException | None,
) -> None:
    """Of a unary call that is the answer which was expected, of a stream what came."""
    silent = Heard(Usage(), 0, anything_came=False, finished=False, error=error)
    assert bill(UNARY, silent) == Billing(Usage(7, 60), estimated=True, may_be_more=True)
    assert bill(EXPECTED, silent) == Billing(Usage(7, 0), estimated=True, may_be_more=True)
    some = replace(silent, came=3, anything_came=True)
    assert bill(EXPECTED, some) == Billing(Usage(7, 3), estimated=True, may_be_more=True)
    counted = replace(some, reported=Usage(11, 5))
    assert bill(EXPECTED, counted) == Billing(Usage(11, 5), may_be_more=True)


@pytest.mark.parametrize("error", [UpstreamFailed("error object"), UpstreamOverloaded("overloaded_error")])
def test_a_provider_that_ends_a_call_itself_bills_no_more_than_what_came(error: UpstreamError) -> None:
    heard = Heard(Usage(), 3, anything_came=True, finished=False, error=error)
    assert bill(EXPECTED, heard) == Billing(Usage(7, 3), estimated=True)


def test_what_was_sealed_counts_where_nothing_else_is_known_of_the_output() -> None:
    heard = Heard(Usage(11, 1), 0, anything_came=True, finished=False, sealed=7500, opening=True)
    assert bill(EXPECTED, heard).usage == Usage(11, 7500)
    assert bill(LIMITED, heard).usage == Usage(11, 100)
    assert bill(EXPECTED, replace(whole(Usage(11, 30)), sealed=7500)).usage == Usage(11, 30)


NUMBERS = st.one_of(st.none(), st.integers(), st.integers(-3, 3 * WINDOW), st.integers(2**52, 2**70))
USAGES = st.builds(Usage, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@settings(deadline=None)
@given(USAGES, st.integers(0, 100_000), st.booleans(), st.booleans(), st.sampled_from([None, UpstreamCut("cut")]))
def test_any_report_settles(reported: Usage, came: int, stream: bool, finished: bool, error: UpstreamError) -> None:
    expected = replace(EXPECTED, stream=stream)
    billing = bill(expected, Heard(reported, came, came > 0, finished, None if finished else error))
    usage = billing.usage
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    assert usage.input_tokens >= (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    assert usage.output_tokens >= (usage.reasoning_tokens or 0)
    assert 0 < usage.input_tokens <= WINDOW
    assert usage.output_tokens <= max(WINDOW, 4 * came)
    assert usage.output_tokens > 0 or came == 0
    assert billing.estimated or usage == reported
    assert billing.may_be_more is not finished
    assert MODEL.prices is not None
    assert (MODEL.prices.cost_nano_usd(usage) or 0) > 0


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)


@settings(deadline=None)
@given(USAGES, TEXTS)
async def test_streamed_and_unary_answers_cost_the_same(reported: Usage, text: str) -> None:
    script: Script = [TextDelta(text), Finished(FinishReason.STOP, reported)]
    attempts = [await settled(script, stream=stream) for stream in (True, False)]
    assert attempts[0].usage == attempts[1].usage
    assert attempts[0].cost_nano_usd == attempts[1].cost_nano_usd
    assert attempts[0].usage_estimated is attempts[1].usage_estimated


async def settled(script: Script, *, stream: bool = True) -> Attempt:
    *_, completed = await collect(Desk({"small": [script]}).start(routed(plan_of("small")), stream=stream))
    assert isinstance(completed, Completed)
    (attempt,) = completed.settlement.attempts
    assert completed.usage == attempt.usage
    return attempt


@pytest.mark.parametrize(
    ("parts", "tokens"),
    [
        ([TextDelta("What a day")], 3),
        ([TextDelta("今天天气很好"), TextDelta("我们去公园吧。")], 13),
        ([TextDelta("Добрый день")], 7),
        ([ReasoningDelta("안녕하세요"), TextDelta("네")], 6),
        ([ToolCallDelta(0, "1", "weather", '{"city":"東京"}')], 7),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_without_usage_is_estimated_by_its_script(
    parts: Sequence[TextDelta], tokens: int, stream: bool
) -> None:
    attempt = await settled([*parts, Finished(FinishReason.STOP, Usage())], stream=stream)
    assert (attempt.usage, attempt.usage_estimated) == (Usage(7, tokens), True)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_answer_itself_tells_the_usage_that_it_is_settled_with(stream: bool) -> None:
    script: Script = [TextDelta("12345678"), Finished(FinishReason.STOP, Usage())]
    execution = Desk({"small": [script]}).start(routed(plan_of("small")), stream=stream)
    await collect(execution)
    assert execution.answer is not None
    assert execution.answer.usage == execution.settlement.attempts[0].usage == Usage(7, 2)


@in_virtual_time
async def test_leaving_while_a_repeat_waits_costs_what_the_calls_before_it_cost() -> None:
    retry = RetryConfig(max_retries=1, base_ms=5000, max_ms=9000)
    desk = Desk({"small": [[UpstreamOverloaded("429")]]}, retry=retry, clock=LoopClock())
    execution = desk.start(routed(plan_of("small")), stream=False)
    waiting = asyncio.create_task(collect(execution))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait([waiting])
    (attempt,) = execution.settlement.attempts
    assert (attempt.outcome, attempt.usage, attempt.cost_nano_usd) == (AttemptOutcome.CANCELLED, Usage(0, 0), 0)


async def test_a_repeated_unary_call_without_an_answer_is_billed_beside_the_one_that_answers() -> None:
    desk = Desk({"small": [[UpstreamCut("cut")], answer("four")]}, retry=FAST_RETRY)
    execution = desk.start(routed(plan_of("small")), stream=False)
    await collect(execution)
    (attempt,) = execution.settlement.attempts
    assert attempt.usage_estimated
    assert attempt.usage.input_tokens == 7 + 5
    assert (attempt.usage.output_tokens or 0) > 10


async def test_a_report_that_cannot_be_true_is_logged_by_its_fields(log_lines: Sequence[EventDict]) -> None:
    await settled([TextDelta("secret"), Finished(FinishReason.STOP, Usage(5, 2**62))])
    (line,) = log_lines
    assert (line["event"], line["model"], line["fields"]) == ("usage.doubted", "small", ("output_tokens",))
    assert "secret" not in str(line)


async def test_an_overload_after_the_input_was_counted_costs_nothing() -> None:
    desk = Desk({"small": [[UsageReport(Usage(1110, 1), opening=True), UpstreamOverloaded("overloaded_error")]]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small"))))
    assert failure.value.settlement.cost.total_nano_usd == 0


def test_what_a_stream_only_opened_with_is_an_estimate() -> None:
    expected = Expectation(MODEL, text_query("Hi"), stream=True, input_tokens=10, output_tokens=100)
    heard = Heard(Usage(10, 8), 0, anything_came=False, finished=False, error=UpstreamCut("cut"), opening=True)
    assert bill(expected, heard).estimated
    assert not bill(expected, replace(heard, finished=True, error=None)).estimated
