"""Panels: whose answer a fitted cascade gives, what becomes of the others, and what all of it costs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest
from frontdesk_server.artefacts.cascade.policy import CascadeStep, LossScorer, Matrix, Vector
from frontdesk_server.config.limits import LimitRule, LimitsConfig
from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.errors import CompletionFailed, DeadlineExceeded, UpstreamFailed
from frontdesk_server.domain.events import Completed, Finished, TextDelta, ToolCallDelta
from frontdesk_server.domain.query import GenerationConfig, ToolCall, text_query
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.execution.execution import Execution
from frontdesk_server.execution.executor import Executor
from frontdesk_server.state.limits import Limits, MemoryLimitStore

from tests.conftest import DefectLog
from tests.fakes import NO_BOOKS, FakeClock, Script, Scripts, a_model, answer, routed
from tests.fitted import AGREED_LOSES, ALONE_LOSES, a_fitted_cascade, asks
from tests.sink import events_of
from tests.unit.execution.test_executor import CLOCK, MODELS, Desk, collect
from tests.unit.execution.test_hedging import told

PANEL = "default/cascade"
SMALL, MID, FRONTIER = 1, 3, 15
"""USD per million output tokens, a fifth for input; `answer` uses 5 tokens of input and 10 of output."""


class PanelDesk(Desk):
    """An executor over scripted models that knows one fitted cascade."""

    def __init__(self, scripts: Scripts, *steps: CascadeStep, limits: Limits | None = None) -> None:
        super().__init__(scripts)
        self.cascade = a_fitted_cascade(*(steps or (asks("small"), asks("mid"))))
        models = MODELS | {"tiny": a_model("tiny")}
        self.executor: Executor = replace(
            self.executor, models=models, fitted={PANEL: self.cascade}, limits=limits or Limits.none()
        )


def members(*models: str, then: Sequence[str] = ("frontier",)) -> list[PlanStep]:
    """Members of the panel, and models that follow it."""
    steps = [PlanStep(model, StepKind.ESCALATION, PANEL, StreamMode.HOLD) for model in models]
    steps += [PlanStep(model, StepKind.ESCALATION) for model in then]
    return [replace(steps[0], kind=StepKind.PRIMARY), *steps[1:]]


def asked(*models: str, then: Sequence[str] = ("frontier",), text: str = "hi") -> RoutedQuery:
    """A query whose plan this is."""
    query = routed(members(*models, then=then), text_query(text, GenerationConfig(max_output_tokens=100)))
    return replace(query, decision=replace(query.decision, signals=replace(query.decision.signals, text=text)))


def nano_usd(*usd: int) -> int:
    return sum(each * (5 * 200 + 10 * 1000) for each in usd)


def completed(execution: Execution) -> Mapping[str, str]:
    """Outcome of every attempt by its model."""
    return {attempt.model: attempt.outcome.value for attempt in execution.settlement.attempts}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("said", "steps", "events", "usd"),
    [
        pytest.param(
            {"small": "12"},
            [asks("small", accept_at_most=0.9), asks("mid")],
            ["start 0 small", "12", "done small"],
            [SMALL],
            id="the first answer is accepted",
        ),
        pytest.param(
            {"small": "12", "mid": "12.0"},
            [],
            ["start 0 small", "start 1 mid", "rejected 1 → small", "12", "done small"],
            [SMALL, MID],
            id="an earlier answer is accepted because a later one agrees",
        ),
        pytest.param(
            {"small": "12", "mid": "13", "frontier": "14"},
            [],
            ["start 0 small", "start 1 mid", "rejected 0 → frontier", "rejected 1 → frontier", "start 2 frontier",
             "14", "done frontier"],
            [SMALL, MID, FRONTIER],
            id="members that do not agree give way to the strongest",
        ),
        pytest.param(
            {"small": "12", "frontier": "14"},
            [asks("small", escalate_above=0.6), asks("mid")],
            ["start 0 small", "rejected 0 → frontier", "start 1 frontier", "14", "done frontier"],
            [SMALL, FRONTIER],
            id="a hopeless answer goes straight to the strongest",
        ),
        pytest.param(
            {"small": "12", "mid": ""},
            [asks("small", accept_at_most=0.5), asks("mid", accept_at_most=0.9)],
            ["start 0 small", "start 1 mid", "rejected 1 → small", "12", "done small"],
            [SMALL, MID],
            id="an empty answer supports nobody",
        ),
    ],
)  # fmt: skip
async def test_whose_answer_is_given(
    said: Mapping[str, str], steps: Sequence[CascadeStep], events: Sequence[str], usd: Sequence[int], stream: bool
) -> None:
    desk = PanelDesk({model: [answer(text) if text else answer(" ")] for model, text in said.items()}, *steps)
    execution = desk.start(asked("small", "mid"), stream=stream)
    assert told(await collect(execution)) == events
    assert execution.settlement.cost.attempts_nano_usd == execution.settlement.cost.total_nano_usd == nano_usd(*usd)
    assert execution.settlement.committed
    assert execution.answer is not None
    assert execution.answer.text in events


async def test_every_member_shows_what_the_cascade_made_of_the_answers() -> None:
    execution = PanelDesk({"small": [answer("12")], "mid": [answer("12")]}).start(asked("small", "mid"))
    await collect(execution)
    small, mid = execution.settlement.attempts
    assert [(check.check, check.passed) for check in small.checks] == [("fitted", False), ("fitted", True)]
    assert [(check.check, check.passed) for check in mid.checks] == [("fitted", False)]
    alone, agreed = small.checks
    assert alone.score == pytest.approx((1 - ALONE_LOSES) / 2, abs=0.005)
    assert agreed.score == pytest.approx((1 - AGREED_LOSES) / 2, abs=0.005)
    assert mid.checks[0].score == 0
    assert alone.score < alone.threshold == agreed.threshold == mid.checks[0].threshold == 0.25 <= agreed.score
    assert "small leads" in mid.checks[0].detail
    assert "12" not in mid.checks[0].detail.replace("0.12", "").replace("0.119", "")
    assert (small.kind, mid.kind) == (StepKind.PRIMARY, StepKind.ESCALATION)


class OddScorer(LossScorer):
    """Predicts what it is told, or raises it."""

    def __init__(self, loss: float | Exception) -> None:
        object.__setattr__(self, "loss", loss)

    def predict(self, features: Matrix, by_abilities: Matrix | None = None) -> Vector:
        loss: float | Exception = self.loss  # type: ignore[attr-defined]
        if isinstance(loss, Exception):
            raise loss
        return np.full(len(features), loss)


@pytest.mark.parametrize("loss", [IndexError("12"), math.nan, math.inf, -math.inf])
async def test_where_nothing_can_be_told_of_an_answer_the_strongest_is_asked(
    loss: float | Exception, caught_defects: DefectLog
) -> None:
    desk = PanelDesk({"small": [answer("12")], "mid": [answer("12")], "frontier": [answer("14")]})
    broken = replace(desk.cascade, scorer=OddScorer(loss))
    desk.executor = replace(desk.executor, fitted={PANEL: broken})
    execution = desk.start(asked("small", "mid"))

    assert told(await collect(execution))[-2:] == ["14", "done frontier"]
    assert [line["error_type"] for line in caught_defects] == (["IndexError"] if isinstance(loss, Exception) else [])
    caught_defects.clear()


@pytest.mark.parametrize("stream", [True, False])
async def test_a_member_that_fails_has_no_answer_and_the_panel_goes_on(stream: bool) -> None:
    scripts: Scripts = {
        "small": [answer("12")],
        "mid": [[TextDelta("1"), UpstreamFailed("500")]],
        "tiny": [answer("12")],
    }
    desk = PanelDesk(scripts, asks("small"), asks("mid"), asks("tiny"))
    execution = desk.start(asked("small", "mid", "tiny"), stream=stream)
    assert told(await collect(execution)) == [
        "start 0 small", "start 1 mid", "failed 1 → tiny", "start 2 tiny", "rejected 2 → small", "12", "done small",
    ]  # fmt: skip


async def test_a_first_member_that_fails_is_followed_by_the_second_as_its_fallback() -> None:
    desk = PanelDesk({"small": [[UpstreamFailed("500")]], "mid": [answer("12")], "frontier": [answer("14")]})
    execution = desk.start(asked("small", "mid"))
    assert told(await collect(execution)) == [
        "start 0 small", "failed 0 → mid", "start 1 mid", "rejected 1 → frontier", "start 2 frontier", "14",
        "done frontier",
    ]  # fmt: skip
    kinds = [attempt.kind for attempt in execution.settlement.attempts]
    assert kinds == [StepKind.PRIMARY, StepKind.FALLBACK, StepKind.ESCALATION]


async def test_when_all_fail_the_call_fails_with_the_last_error_and_the_whole_account() -> None:
    desk = PanelDesk({"small": [[UpstreamFailed("a")]], "mid": [[UpstreamFailed("b")]]})
    execution = desk.start(asked("small", "mid", then=()))
    with pytest.raises(CompletionFailed) as failure:
        await collect(execution)
    assert str(failure.value.__cause__) == "b"
    assert [a.outcome for a in failure.value.settlement.attempts] == [AttemptOutcome.FAILED] * 2


async def test_without_a_strongest_model_the_leading_answer_stands_though_it_was_not_accepted() -> None:
    execution = PanelDesk({"small": [answer("12")], "mid": [answer("13")]}).start(asked("small", "mid", then=()))
    assert told(await collect(execution))[-3:] == ["rejected 1 → small", "12", "done small"]
    assert not any(check.passed for attempt in execution.settlement.attempts for check in attempt.checks)


async def test_members_that_are_left_out_of_the_plan_leave_the_others_their_own_thresholds() -> None:
    desk = PanelDesk({"mid": [answer("12")]}, asks("small", accept_at_most=0.1), asks("mid", accept_at_most=0.9))
    assert told(await collect(desk.start(asked("mid")))) == ["start 0 mid", "12", "done mid"]


async def test_a_member_whose_breaker_opens_meanwhile_is_passed_over() -> None:
    desk = PanelDesk({"small": [answer("12")], "frontier": [answer("14")]})
    execution = desk.start(asked("small", "mid"))
    breaker = desk.conditions.breaker(MODELS["mid"], MODELS["mid"].primary)
    while (call := breaker.acquire()) is not None:
        call.failed()
    assert told(await collect(execution))[-3:] == ["start 1 frontier", "14", "done frontier"]


async def test_models_without_room_in_their_budget_are_not_asked_and_the_leading_answer_stands() -> None:
    rule = LimitRule(name="dear", window="month", usd=1e-6, models=frozenset({"mid", "frontier"}))
    limits = Limits(LimitsConfig(rules=(rule,)), MemoryLimitStore(CLOCK), CLOCK)
    desk = PanelDesk({"small": [answer("12")]}, limits=limits)
    assert told(await collect(desk.start(asked("small", "mid")))) == ["start 0 small", "12", "done small"]


async def test_a_panel_counts_on_limits_with_what_all_its_members_used() -> None:
    store = MemoryLimitStore(CLOCK)
    rule = LimitRule(name="all", window="month", requests=9, tokens=10_000, usd=1)
    desk = PanelDesk(
        {"small": [answer("12")], "mid": [answer("12")]}, limits=Limits(LimitsConfig(rules=(rule,)), store, CLOCK)
    )
    await collect(desk.start(asked("small", "mid")))
    assert list(store._counters.values()) == [1, 30, nano_usd(SMALL, MID)]


async def test_when_time_is_up_the_leading_answer_stands() -> None:
    desk = PanelDesk({"small": [answer("12")], "mid": [[60.0]]})
    events = told(await collect(desk.start(asked("small", "mid", then=()), seconds=0.05)))
    assert events == ["start 0 small", "start 1 mid", "failed 1 → small", "12", "done small"]
    assert desk.backend.aborted == ["mid"]


async def test_when_time_is_up_before_any_answer_the_deadline_is_exceeded() -> None:
    desk = PanelDesk({"small": [[60.0]], "mid": [[60.0]], "frontier": [[60.0]]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(asked("small", "mid"), seconds=0.05))
    assert isinstance(failure.value.__cause__, DeadlineExceeded)


async def test_a_caller_who_leaves_while_a_later_member_is_asked_pays_for_both() -> None:
    desk = PanelDesk({"small": [answer("12")], "mid": [[TextDelta("12345678"), 60.0]]})
    execution = desk.start(asked("small", "mid"))

    async def follow() -> None:
        async with aclosing(events_of(execution)) as events:
            async for _ in events:
                pass

    following = asyncio.create_task(follow())
    while len(desk.backend.calls) < 2:
        await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait([following])
    assert completed(execution) == {"small": "cancelled", "mid": "cancelled"}
    small, mid = execution.settlement.attempts
    assert (small.usage, small.usage_estimated) == (Usage(5, 10), False)
    assert mid.usage.input_tokens == 7
    assert desk.backend.aborted == ["mid"]


async def test_an_attempt_lasts_until_its_answer_has_come_not_until_the_panel_concludes() -> None:
    clock = FakeClock()
    desk = PanelDesk({"small": [answer("12")], "mid": [answer("12")]})
    desk.executor = replace(desk.executor, tools=replace(desk.tools, clock=clock))
    execution = desk.executor.start(asked("small", "mid"), LocalCall(), clock.monotonic() + 30, NO_BOOKS, stream=True)
    async with aclosing(events_of(execution)) as events:
        async for event in events:
            if told([event]) == ["start 1 mid"]:
                clock.seconds += 3
    small, mid = execution.settlement.attempts
    assert (small.duration_seconds, mid.duration_seconds) == (0, 3)


async def test_members_are_not_hedged_and_the_strongest_model_after_them_is() -> None:
    desk = PanelDesk({"small": [[0.05, *answer("12")]], "frontier": [[60.0]], "mid": [answer("14")]}, asks("small"))
    hedge = HedgeConfig(after_ms=10, max_cost_nano_usd=10**9)
    desk.executor = replace(desk.executor, hedges={"default": hedge})
    query = asked("small")
    plan = (*query.decision.plan, PlanStep("mid", StepKind.FALLBACK))
    execution = desk.start(replace(query, decision=replace(query.decision, plan=plan)))
    assert told(await collect(execution)) == [
        "start 0 small", "rejected 0 → frontier", "start 1 frontier", "start 2 mid", "cancelled 1 → mid", "14",
        "done mid",
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [True, False])
async def test_tool_calls_are_no_answers_to_compare_and_those_of_the_strongest_pass_whole(stream: bool) -> None:
    def calls(tool: str) -> Script:
        return [
            TextDelta("12"),
            ToolCallDelta(0, "id", tool, '{"a":'),
            ToolCallDelta(0, arguments_json="1}"),
            Finished(FinishReason.TOOL_CALLS, Usage(5, 10)),
        ]

    desk = PanelDesk({"small": [calls("f")], "mid": [calls("f")], "frontier": [calls("g")]})
    execution = desk.start(asked("small", "mid"), stream=stream)
    last = (await collect(execution))[-1]
    assert isinstance(last, Completed)
    assert (last.model, last.finish_reason) == ("frontier", FinishReason.TOOL_CALLS)
    assert execution.answer is not None
    assert ToolCall("id", "g", '{"a":1}') in execution.answer.message.parts


async def test_a_tool_call_stands_where_there_is_nobody_else() -> None:
    script: Script = [ToolCallDelta(0, "id", "f", "{}"), Finished(FinishReason.TOOL_CALLS, Usage(5, 10))]
    execution = PanelDesk({"small": [script]}).start(asked("small", then=()))
    assert isinstance((await collect(execution))[-2], ToolCallDelta)


async def test_json_agrees_by_its_content_and_is_given_as_it_was_written() -> None:
    desk = PanelDesk({"small": [answer('{"a": 1, "b": [2]}')], "mid": [answer('{"b":[2],"a":1}')]})
    assert told(await collect(desk.start(asked("small", "mid"))))[-2:] == ['{"a": 1, "b": [2]}', "done small"]


@pytest.mark.parametrize("asks_for_them", [True, False])
async def test_log_probabilities_that_the_caller_asked_for_are_given(asks_for_them: bool) -> None:
    delta = TextDelta("12", (TokenLogprob("12", -0.1),))
    desk = PanelDesk({"small": [[delta, Finished(FinishReason.STOP, Usage(5, 10))]]}, asks("small", accept_at_most=0.9))
    query = asked("small")
    generation = replace(query.query.generation, logprobs=asks_for_them)
    events = await collect(desk.start(replace(query, query=replace(query.query, generation=generation))))
    assert (delta if asks_for_them else TextDelta("12")) in events
