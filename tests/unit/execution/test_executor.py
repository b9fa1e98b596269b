"""Execution of plans: what the caller sees and what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from random import Random

import pytest
from frontdesk_server.config.checks import AgreementCheck, CheckConfig, HeuristicCheck, LogprobCheck, SelfRatingCheck
from frontdesk_server.config.service import BreakerConfig, ExecutionConfig, RetryConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.clock import Clock, SystemClock
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.errors import (
    CompletionFailed,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamRequestRefused,
    UpstreamTimedOut,
)
from frontdesk_server.domain.events import (
    AttemptEnded,
    AttemptStarted,
    Completed,
    CompletionEvent,
    Finished,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.query import GenerationConfig, ToolCall, text_query
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.execution.asking import Asker
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.checks import build_check
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.execution import Execution
from frontdesk_server.execution.executor import Executor
from frontdesk_server.execution.order import AttemptTools

from tests.fakes import NO_BOOKS, FakeBackend, FakeClock, Script, Scripts, a_model, answer, plan_of, routed
from tests.sink import all_of, events_of
from tests.virtual_time import LoopClock, in_virtual_time

CLOCK = SystemClock()
NO_REPEATS = RetryConfig(max_retries=0)
MODELS = {m.name: m for m in (a_model("small"), a_model("mid", output_usd=3), a_model("frontier", output_usd=15))}
CHECKS: dict[str, CheckConfig] = {
    "logprob": LogprobCheck(kind="logprob", threshold=0.8),
    "heuristic": HeuristicCheck(kind="heuristic"),
    "agreement": AgreementCheck(kind="agreement", model="mid", threshold=1),
    "self_rating": SelfRatingCheck(kind="self_rating", threshold=0.8),
}


def sure(text: str, probability_log: float = -0.01) -> Script:
    return [
        TextDelta(text, (TokenLogprob(text, probability_log),)),
        Finished(FinishReason.STOP, Usage(input_tokens=5, output_tokens=1)),
    ]


class Desk:
    """An executor over scripted models."""

    def __init__(self, scripts: Scripts, *, retry: RetryConfig = NO_REPEATS, clock: Clock = CLOCK) -> None:
        self.backend = FakeBackend(scripts)
        self.breaker_clock = FakeClock()
        self.conditions = LiveConditions(BreakerConfig(open_seconds=5), self.breaker_clock)
        random = Random(1)
        self.tools = AttemptTools(
            {"fake": self.backend}, self.conditions, Balancer(random, self.conditions), retry, clock, random
        )
        ask = Asker(self.tools, MODELS)
        checks = {name: build_check(check, ask) for name, check in CHECKS.items()}
        self.executor = Executor(self.tools, MODELS, checks, ExecutionConfig())

    def start(self, query: RoutedQuery, *, stream: bool = True, seconds: float = 30) -> Execution:
        return self.executor.start(query, LocalCall(), self.tools.clock.monotonic() + seconds, NO_BOOKS, stream=stream)


async def collect(execution: Execution) -> list[CompletionEvent]:
    return await all_of(execution)


async def test_an_answer_streams_and_completes() -> None:
    execution = Desk({"small": [answer("four")]}).start(routed(plan_of("small")))
    events = await collect(execution)
    assert events[:2] == [AttemptStarted(0, "small", StepKind.PRIMARY), TextDelta("four")]
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.usage == Usage(5, 10)
    assert completed.settlement.cost.total_nano_usd == 5 * 200 + 10 * 1000
    assert completed.settlement.cost.strongest_nano_usd == 15 * (5 * 200 + 10 * 1000)


@pytest.mark.parametrize("stream", [True, False])
async def test_only_a_stream_has_a_first_token(stream: bool) -> None:
    completed = (await collect(Desk({"small": [answer("four")]}).start(routed(plan_of("small")), stream=stream)))[-1]
    assert isinstance(completed, Completed)
    (attempt,) = completed.settlement.attempts
    assert (attempt.time_to_first_token_seconds is not None) == stream


@pytest.mark.parametrize("stream", [True, False])
async def test_a_model_that_fails_before_content_is_followed_by_the_next(stream: bool) -> None:
    desk = Desk({"small": [[UpstreamFailed("500")]], "mid": [answer("hello")]})
    events = await collect(desk.start(routed(plan_of("small", "mid")), stream=stream))
    kinds = [type(event) for event in events]
    assert kinds == [AttemptStarted, AttemptEnded, AttemptStarted, TextDelta, Completed]
    ended, started = events[1], events[2]
    assert isinstance(ended, AttemptEnded)
    assert (ended.attempt.outcome, ended.next_model) == (AttemptOutcome.FAILED, "mid")
    assert (ended.attempt.cost_nano_usd, ended.attempt.usage_estimated) == (0, False)
    assert started == AttemptStarted(1, "mid", StepKind.FALLBACK)


async def test_usage_reported_before_the_end_does_not_hide_what_came_after_it() -> None:
    early = UsageReport(Usage(input_tokens=5, output_tokens=1))
    execution = Desk({"small": [[early, TextDelta("12345678"), UpstreamCut("cut")]]}).start(routed(plan_of("small")))
    with pytest.raises(CompletionFailed) as failure:
        await collect(execution)
    (attempt,) = failure.value.settlement.attempts
    assert (attempt.usage, attempt.usage_estimated) == (Usage(5, 2), True)


@pytest.mark.parametrize(("error", "said", "calls"), [(UpstreamFailed, False, 1), (UpstreamRequestRefused, True, 2)])
async def test_what_an_upstream_says_of_a_repeat_counts_more_than_its_status(
    error: type[UpstreamError], said: bool, calls: int
) -> None:
    failure = error("the upstream answered")
    failure.retryable = said
    retry = RetryConfig(max_retries=1, base_ms=0.01, max_ms=0.01)
    desk = Desk({"small": [[failure], answer("small")], "mid": [answer("mid")]}, retry=retry)
    completed = (await collect(desk.start(routed(plan_of("small", "mid")))))[-1]
    assert isinstance(completed, Completed)
    assert completed.model == ("small" if said else "mid")
    assert [call.upstream_model for call in desk.backend.calls].count("small") == calls


async def test_what_a_repeated_call_had_used_is_in_the_account() -> None:
    retry = RetryConfig(max_retries=1, base_ms=0.01, max_ms=0.01)
    desk = Desk({"small": [[UpstreamCut("cut")], answer("four")]}, retry=retry)
    completed = (await collect(desk.start(routed(plan_of("small")))))[-1]
    assert isinstance(completed, Completed)
    (attempt,) = completed.settlement.attempts
    assert (attempt.retries, attempt.usage, attempt.usage_estimated) == (1, Usage(7 + 5, 10), True)


async def test_after_commit_a_failure_breaks_the_stream_and_never_asks_another_model() -> None:
    desk = Desk({"small": [[TextDelta("12345678"), UpstreamCut("cut")]], "mid": [answer("never")]})
    execution = desk.start(routed(plan_of("small", "mid")))
    seen: list[CompletionEvent] = []
    with pytest.raises(CompletionFailed) as failure:
        seen.extend([event async for event in events_of(execution)])
    settlement = failure.value.settlement
    assert settlement.committed
    assert [call.upstream_model for call in desk.backend.calls] == ["small"]
    (attempt,) = settlement.attempts
    assert attempt.error_reason == "UPSTREAM_CUT"
    assert (attempt.usage, attempt.usage_estimated) == (Usage(7, 2), True)
    assert settlement.cost.total_nano_usd == 7 * 200 + 2 * 1000


async def test_unary_falls_back_even_after_partial_content() -> None:
    desk = Desk({"small": [[TextDelta("par"), UpstreamCut("cut")]], "mid": [answer("whole")]})
    execution = desk.start(routed(plan_of("small", "mid")), stream=False)
    events = await collect(execution)
    assert [event for event in events if isinstance(event, TextDelta)] == [TextDelta("whole")]
    assert execution.answer is not None
    assert execution.answer.text == "whole"


async def test_every_model_failing_fails_with_the_last_error_and_the_whole_account() -> None:
    desk = Desk({"small": [[UpstreamFailed("a")]], "mid": [[UpstreamFailed("b")]]})
    with pytest.raises(CompletionFailed, match="b") as failure:
        await collect(desk.start(routed(plan_of("small", "mid"))))
    assert [a.model for a in failure.value.settlement.attempts] == ["small", "mid"]
    assert not failure.value.settlement.committed


def cascade(mode: StreamMode, check: str = "logprob") -> list[PlanStep]:
    return [
        PlanStep("small", StepKind.PRIMARY, check=check, stream_mode=mode, gate_tokens=2),
        PlanStep("frontier", StepKind.ESCALATION),
    ]


@pytest.mark.parametrize("mode", list(StreamMode))
async def test_a_sure_answer_passes_its_check(mode: StreamMode) -> None:
    events = await collect(Desk({"small": [sure("42")]}).start(routed(cascade(mode))))
    assert [type(e) for e in events] == [AttemptStarted, TextDelta, Completed]
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.settlement.attempts[0].checks[0].passed


@pytest.mark.parametrize(("mode", "shown"), [(StreamMode.HOLD, 0), (StreamMode.GATE, 0), (StreamMode.OPTIMISTIC, 1)])
async def test_an_unsure_answer_escalates_and_only_optimistic_mode_had_shown_it(mode: StreamMode, shown: int) -> None:
    desk = Desk({"small": [sure("41", -2.0)], "frontier": [answer("42")]})
    events = await collect(desk.start(routed(cascade(mode))))
    ended = next(e for e in events if isinstance(e, AttemptEnded))
    assert sum(isinstance(e, TextDelta) for e in events[: events.index(ended)]) == shown
    assert ended.superseded is bool(shown)
    assert ended.attempt.outcome is AttemptOutcome.REJECTED
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.model == "frontier"
    assert completed.settlement.cost.total_nano_usd == (5 * 200 + 1 * 1000) + 15 * (5 * 200 + 10 * 1000)


async def test_gate_aborts_the_upstream_as_soon_as_the_first_tokens_fail() -> None:
    rest: Script = [TextDelta("b", (TokenLogprob("b", -3.0),)), 60.0]
    script: Script = [TextDelta("a", (TokenLogprob("a", -3.0),)), *rest]
    desk = Desk({"small": [script], "frontier": [answer("42")]})
    await collect(desk.start(routed(cascade(StreamMode.GATE))))
    assert desk.backend.aborted == ["small"]


async def test_what_was_shown_optimistically_and_is_not_superseded_counts_as_committed() -> None:
    plan = [PlanStep("small", StepKind.PRIMARY, check="logprob", stream_mode=StreamMode.OPTIMISTIC)]
    desk = Desk({"small": [[TextDelta("4"), UpstreamCut("cut")]]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan)))
    assert failure.value.settlement.committed


async def test_a_probe_that_answers_closes_the_breaker_before_its_model_rates_itself() -> None:
    plan = [PlanStep("small", StepKind.PRIMARY, check="self_rating", stream_mode=StreamMode.HOLD), *plan_of("mid")]
    desk = Desk({"small": [answer("four"), answer("95")], "mid": [answer("never")]})
    breaker = desk.conditions.breaker(MODELS["small"], MODELS["small"].primary)
    while (call := breaker.acquire()) is not None:
        call.failed()
    desk.breaker_clock.seconds += 5
    assert desk.conditions.state(MODELS["small"]) == "half_open"
    events = await collect(desk.start(routed(plan)))
    assert isinstance(events[-1], Completed)
    assert events[-1].model == "small"
    assert desk.conditions.state(MODELS["small"]) == "closed"


async def test_log_probabilities_that_only_the_check_wants_do_not_reach_the_caller() -> None:
    desk = Desk({"small": [sure("42")]})
    events = await collect(desk.start(routed(cascade(StreamMode.HOLD))))
    assert desk.backend.calls[0].query.generation.logprobs
    assert TextDelta("42") in events


async def test_where_no_other_model_is_left_a_rejected_answer_stands() -> None:
    plan = [PlanStep("small", StepKind.PRIMARY, check="logprob", stream_mode=StreamMode.HOLD)]
    events = await collect(Desk({"small": [sure("41", -2.0)]}).start(routed(plan)))
    completed = events[-1]
    assert isinstance(completed, Completed)
    (attempt,) = completed.settlement.attempts
    assert attempt.outcome is AttemptOutcome.ACCEPTED
    assert not attempt.checks[0].passed


async def test_tool_calls_pass_through_a_cascade_whole() -> None:
    script: Script = [
        ToolCallDelta(0, "c1", "weather", '{"city":'),
        ToolCallDelta(0, arguments_json='"Oslo"}'),
        Finished(FinishReason.TOOL_CALLS, Usage(5, 9)),
    ]
    execution = Desk({"small": [script]}).start(routed(cascade(StreamMode.HOLD, "heuristic")))
    events = await collect(execution)
    assert [e for e in events if isinstance(e, ToolCallDelta)] == list(script[:2])
    assert execution.answer is not None
    assert execution.answer.message.parts == (ToolCall("c1", "weather", '{"city":"Oslo"}'),)


async def test_the_first_token_timer_leads_to_the_next_model() -> None:
    desk = Desk({"small": [[60.0]], "mid": [answer("quick")]})
    events = await collect(desk.start(routed(plan_of("small", "mid")), seconds=0.1))
    ended = next(e for e in events if isinstance(e, AttemptEnded))
    assert ended.attempt.error_reason == "UPSTREAM_TIMED_OUT"
    assert desk.backend.aborted == ["small"]
    assert isinstance(events[-1], Completed)


async def test_a_deadline_that_no_model_meets_is_reported_as_such() -> None:
    desk = Desk({"small": [[60.0]]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small")), seconds=0.05))
    assert failure.value.reason == "DEADLINE_EXCEEDED"
    assert isinstance(failure.value.__cause__, Exception)
    assert failure.value.settlement.attempts[0].error_reason == UpstreamTimedOut.reason


async def test_cancelling_aborts_the_upstream_and_settles_what_was_used() -> None:
    usage = UsageReport(Usage(input_tokens=11))
    desk = Desk({"small": [[usage, TextDelta("12345678"), 60.0]]})
    execution = desk.start(routed(plan_of("small")))
    async with aclosing(events_of(execution)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    (attempt,) = execution.settlement.attempts
    assert attempt.outcome is AttemptOutcome.CANCELLED
    assert attempt.usage == Usage(input_tokens=11, output_tokens=2)
    assert desk.backend.aborted == ["small"]


async def test_a_cancelled_task_aborts_the_upstream() -> None:
    desk = Desk({"small": [[60.0]]})
    execution = desk.start(routed(plan_of("small")))
    task = asyncio.create_task(collect(execution))
    while not desk.backend.calls:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.backend.aborted == ["small"]
    assert execution.settlement.attempts[0].outcome is AttemptOutcome.CANCELLED


async def test_retryable_errors_are_repeated_within_the_attempt() -> None:
    retry = RetryConfig(max_retries=2, base_ms=1, max_ms=2)
    desk = Desk({"small": [[UpstreamFailed("1")], [UpstreamFailed("2")], answer("third")]}, retry=retry)
    events = await collect(desk.start(routed(plan_of("small"))))
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.settlement.attempts[0].retries == 2


async def test_an_open_breaker_skips_its_model() -> None:
    desk = Desk({"small": [[UpstreamFailed("down")]], "mid": [answer("up")]})
    for _ in range(5):
        await collect(desk.start(routed(plan_of("small", "mid"))))
    calls = len(desk.backend.calls)
    events = await collect(desk.start(routed(plan_of("small", "mid"))))
    assert [call.upstream_model for call in desk.backend.calls[calls:]] == ["mid"]
    assert events[0] == AttemptStarted(0, "mid", StepKind.PRIMARY)


@pytest.mark.parametrize(
    ("own_limit", "asked", "sent"),
    [(700, None, 700), (700, 500, 500), (None, None, None), (9000, None, 8192 - round(7 * 1.25)), (9000, 8000, 8000)],
    ids=["the model's", "the lesser", "none", "what the window leaves", "what is asked for"],
)
async def test_the_backend_is_told_how_long_an_answer_may_be(
    own_limit: int | None, asked: int | None, sent: int | None
) -> None:
    desk = Desk({"small": [answer("four")]})
    desk.executor = replace(desk.executor, models={"small": replace(MODELS["small"], max_output_tokens=own_limit)})
    query = text_query("hi", GenerationConfig(max_output_tokens=asked))
    await collect(desk.start(routed(plan_of("small"), query)))
    assert desk.backend.calls[0].output_limit == sent


async def test_a_question_that_names_the_placeholder_of_the_answer_is_judged_as_it_stands() -> None:
    desk = Desk({"small": [answer("four"), answer("95")]})
    plan = [PlanStep("small", StepKind.PRIMARY, check="self_rating", stream_mode=StreamMode.HOLD)]
    await collect(desk.start(routed(plan, text_query("What is {answer}?"))))
    asked = desk.backend.calls[1].query.last_user_text
    assert "What is {answer}?" in asked
    assert asked.count("four") == 1


@pytest.mark.parametrize(
    ("slow", "opened", "reason", "told"),
    [
        (("small", "mid"), (), "DEADLINE_EXCEEDED", "small: first token expected after 40.00 s, 30.00 s are left"),
        (("small",), ("mid",), "MODELS_UNAVAILABLE", "mid: circuit breaker is open for 5.0 s more"),
        ((), ("small", "mid"), "MODELS_UNAVAILABLE", "small: circuit breaker is open for 5.0 s more"),
    ],
)
@in_virtual_time
async def test_where_no_model_could_be_asked_the_reason_of_each_is_told(
    slow: Sequence[str], opened: Sequence[str], reason: str, told: str
) -> None:
    desk = Desk({}, clock=LoopClock())
    for name in slow:
        desk.conditions.observe(MODELS[name], 40.0)
    for name in opened:
        for _ in range(5):
            call = desk.conditions.breaker(MODELS[name], MODELS[name].primary).acquire()
            assert call is not None
            call.failed()
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small", "mid"))))
    assert failure.value.reason == reason
    assert told in str(failure.value)
    assert not desk.backend.calls
