"""Whatever the models do, the events follow the life cycle, and the account is right."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from frontdesk import AttemptEnded, AttemptStarted, Completed, Event, Started, TextDelta
from frontdesk.events import event_of
from frontdesk.v1.router_service_pb2 import CompletionFailure
from frontdesk.v1.routing_pb2 import Attempt, AttemptOutcome, Decision
from frontdesk.v1.routing_pb2 import PlanStep as PlanStepMessage
from frontdesk.v1.routing_pb2 import StepKind as StepKindMessage
from frontdesk_server.cascades.policy import Action, Answered, CascadeStep, FittedCascade
from frontdesk_server.config.service import BreakerConfig, ExecutionConfig, RetryConfig
from frontdesk_server.config.strategies import CheckConfig, HedgeConfig, HeuristicCheck, VerifierCheck
from frontdesk_server.domain import events as domain
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode
from frontdesk_server.domain.errors import (
    CompletionFailed,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
)
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, ToolCallDelta, UsageReport
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.asking import Asker
from frontdesk_server.execution.attempt import AttemptTools
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.checks import build_check
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.executor import Execution, Executor
from frontdesk_server.rpc.encode import encode_decision
from frontdesk_server.rpc.encode_events import encode_event
from frontdesk_server.rpc.status import status_of
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.chaos.automaton import LifeCycle, LifeCycleBroken, State
from tests.fakes import FakeBackend, Script, a_model, routed
from tests.fitted import NEVER, a_fitted_cascade

CLOCK = SystemClock()
NAMES = ("small", "mid", "frontier")
HANG_SECONDS = 60.0
EXAMPLES = int(os.environ.get("FRONTDESK_CHAOS_EXAMPLES", "60"))
"""`make chaos` asks for more."""
IMPATIENT = Timeouts(connect_seconds=1, first_token_seconds=0.004, idle_seconds=0.004, total_seconds=0.1)
MODELS = {
    model.name: replace(model, timeouts=IMPATIENT)
    for model in (
        a_model("small"),
        a_model("tiny"),
        a_model("mid", output_usd=3),
        a_model("frontier", output_usd=15),
        a_model("judge"),
    )
}
CHECKS: dict[str, CheckConfig] = {
    "heuristic": HeuristicCheck(kind="heuristic"),
    "verifier": VerifierCheck(kind="verifier", model="judge"),
}
ERRORS: tuple[UpstreamError, ...] = (
    UpstreamFailed("500"),
    UpstreamCut("cut"),
    UpstreamOverloaded("429", retry_after_seconds=7),
    UpstreamProtocolError("no JSON"),
    UpstreamRequestRefused("400"),
)
JUDGE_COST = 5 * 200 + 1 * 1000
examples = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Case:
    """One request: the plan, and what every model does when it is called."""

    plan: Sequence[PlanStep]
    scripts: Mapping[str, Script]
    stream: bool
    verdicts: tuple[int, ...] = ()
    retries: int = 0
    hedge: bool = False
    cascade: FittedCascade | None = None


@dataclass
class Seen:
    """What came of it."""

    events: list[Event] = field(default_factory=list)
    failed: CompletionFailed | None = None
    calls: list[BackendCall] = field(default_factory=list)


# Texts differ between models, so that a delta in the wrong place shows. "I do not know." is what the heuristic rejects.
_noise = st.lists(st.builds(UsageReport, st.just(Usage(5, 0))), max_size=2)
_endings: st.SearchStrategy[Script] = st.one_of(
    st.integers(0, 40).map(lambda tokens: [Finished(FinishReason.STOP, Usage(5, tokens))]),
    st.sampled_from(ERRORS).map(lambda error: [error]),
    st.just([HANG_SECONDS]),
    st.just([]),
    st.just([Finished(FinishReason.STOP, Usage())]),
)


@st.composite
def _scripts(draw: st.DrawFn, model: str) -> Script:
    said = draw(st.sampled_from([(), (f"{model} says ", "a lot ", f"of {model}"), (f"{model}.",), ("I do not know.",)]))
    other: list[BackendEvent] = draw(st.sampled_from([[], [ReasoningDelta("hm")], [ToolCallDelta(0, "id", "f", "{}")]]))
    deltas: list[BackendEvent] = [*other, *map(domain.TextDelta, said)]
    return [*draw(_noise), *deltas[: draw(st.integers(0, len(deltas)))], *draw(_endings)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Plans with and without checks, in every stream mode, over models that do whatever they like."""
    steps = []
    models = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
    cascade = draw(st.integers(0, len(models)))
    for position, model in enumerate(models):
        check = draw(st.sampled_from(sorted(CHECKS))) if position < cascade else ""
        kind = StepKind.PRIMARY if position == 0 else StepKind.ESCALATION if check else StepKind.FALLBACK
        mode = draw(st.sampled_from(StreamMode)) if check else None
        steps.append(PlanStep(model, kind, check, mode, draw(st.integers(1, 8))))
    scripts = {name: draw(_scripts(name)) for name in NAMES}
    verdicts = tuple(draw(st.lists(st.sampled_from([0, 100]), min_size=1, max_size=4)))
    return Case(steps, scripts, draw(st.booleans()), verdicts, draw(st.integers(0, 1)))


def started(case: Case) -> tuple[Execution, FakeBackend, Decision]:
    judge: list[Script] = [
        [domain.TextDelta(str(verdict)), Finished(FinishReason.STOP, Usage(5, 1))]
        for verdict in case.verdicts or (100,)
    ]
    backend = FakeBackend({**{name: [script] for name, script in case.scripts.items()}, "judge": judge})
    random = Random(1)
    conditions = LiveConditions(BreakerConfig(min_calls=1000, window=1000), CLOCK)
    retry = RetryConfig(max_retries=case.retries, base_ms=0.1, max_ms=1)
    tools = AttemptTools({"fake": backend}, conditions, Balancer(random), retry, CLOCK, random)
    ask = Asker(tools, MODELS)
    checks = {name: build_check(check, ask) for name, check in CHECKS.items()}
    query = routed(case.plan)
    query = replace(query, decision=replace(query.decision, router_cost_nano_usd=77))
    hedges = {"default": HedgeConfig(after_ms=1, max_cost_nano_usd=10**12)} if case.hedge else {}
    fitted = {} if case.cascade is None else {PANEL: case.cascade}
    executor = Executor(tools, MODELS, checks, ExecutionConfig(), hedges=hedges, fitted=fitted)
    deadline = CLOCK.monotonic() + 30
    return executor.start(query, LocalCall(), deadline, stream=case.stream), backend, encode_decision(query.decision)


async def play(case: Case) -> Seen:
    """Execute the case; the events are what goes over the wire."""
    execution, backend, decision = started(case)
    seen = Seen([Started(completion_id=decision.decision_id, decision=decision)], calls=backend.calls)
    try:
        async for happened in execution.events():
            on_the_wire = event_of(encode_event(happened))
            assert on_the_wire is not None
            seen.events.append(on_the_wire)
    except CompletionFailed as failure:
        seen.failed = failure
    return seen


def failure_on_the_wire(failed: CompletionFailed) -> CompletionFailure:
    status = status_of(failed)
    assert status.code.name != "OK"
    trailer = dict(status.trailing_metadata)["grpc-status-details-bin"]
    assert isinstance(trailer, bytes)
    failure = CompletionFailure()
    assert any(detail.Unpack(failure) for detail in Status.FromString(trailer).details)
    return failure


def said_by(script: Script) -> str:
    return "".join(step.text for step in script if isinstance(step, domain.TextDelta))


def cost_of(attempts: Sequence[Attempt]) -> int:
    return sum(attempt.cost_nano_usd for attempt in attempts)


def checks_cost(attempts: Sequence[Attempt]) -> int:
    return sum(check.cost_nano_usd for attempt in attempts for check in attempt.checks)


def fails_after(script: Script) -> int | None:
    """Pieces of content before the script fails; None when it answers."""
    content = 0
    for step in script:
        match step:
            case Finished():
                return None
            case UsageReport():
                pass
            case float() | UpstreamError():
                return content
            case _:
                content += 1
    return content


@examples
@given(cases())
def test_every_sequence_of_events_is_a_life_cycle_and_every_account_adds_up(case: Case) -> None:
    seen = asyncio.run(play(case))
    cycle = LifeCycle.of(seen.events)
    judged = [call for call in seen.calls if call.upstream_model == "judge"]
    if seen.failed is None:
        cycle.end()
        completed = seen.events[-1]
        assert isinstance(completed, Completed)
        attempts, cost = completed.attempts, completed.cost
        event("completed")
        assert cycle.shown == said_by(case.scripts[completed.model])
        assert fails_after(case.scripts[completed.model]) is None
    else:
        cycle.fail()
        failure = failure_on_the_wire(seen.failed)
        attempts, cost = failure.attempts, failure.cost
        event(f"failed, committed: {failure.committed}")
        last = attempts[-1]
        assert attempts[:-1] == cycle.ended[: len(attempts) - 1]
        assert last.outcome in (AttemptOutcome.ATTEMPT_OUTCOME_FAILED, AttemptOutcome.ATTEMPT_OUTCOME_REJECTED)
        assert fails_after(case.scripts[last.model]) is not None
        if not failure.committed:
            assert [attempt.model for attempt in attempts] == [step.model for step in case.plan]
    assert cost.attempts_nano_usd == cost_of(attempts)
    assert cost.checks_nano_usd == checks_cost(attempts) == JUDGE_COST * len(judged)
    assert cost.router_nano_usd == 77
    assert cost.total_nano_usd == cost.attempts_nano_usd + cost.checks_nano_usd + 77


@examples
@given(cases())
def test_without_checks_the_first_model_that_can_answer_does(case: Case) -> None:
    case = replace(case, plan=[PlanStep(step.model, step.kind) for step in case.plan])
    seen = asyncio.run(play(case))
    called: list[str] = []
    answered = committed = False
    for step in case.plan:
        called.append(step.model)
        content = fails_after(case.scripts[step.model])
        answered = content is None
        committed = answered or bool(case.stream and content)
        if committed:
            break
    ended = [e.attempt.model for e in seen.events if isinstance(e, AttemptEnded)]
    assert [e.model for e in seen.events if isinstance(e, AttemptStarted)] == called
    assert ended == called[:-1]
    assert (seen.failed is None) == answered
    if seen.failed is not None:
        failure = failure_on_the_wire(seen.failed)
        assert failure.committed == committed
        assert failure.attempts[-1].model == called[-1]
        if committed:
            shown = LifeCycle.of(seen.events).shown
            assert said_by(case.scripts[called[-1]]).startswith(shown)
            assert failure.attempts[-1].usage.output_tokens >= len(shown) // 4


@examples
@given(cases(), st.integers(0, 12))
def test_a_caller_who_leaves_at_any_event_leaves_a_settled_account(case: Case, events: int) -> None:
    async def leave() -> Execution:
        execution, _, _ = started(case)
        left: AsyncGenerator[domain.CompletionEvent] = execution.events()
        async with aclosing(left):
            try:
                for _ in range(events):
                    await anext(left)
            except (StopAsyncIteration, CompletionFailed):
                pass
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return execution

    settlement = asyncio.run(leave()).settlement
    *before, last = settlement.attempts or (None,)
    assert all(attempt is not None and attempt.outcome.value in ("failed", "rejected") for attempt in before)
    assert settlement.cost.attempts_nano_usd == sum(a.cost_nano_usd or 0 for a in settlement.attempts)
    assert last is None or events > 0


_SLOW_SECONDS = (0.0, 0.0015, 0.002, HANG_SECONDS)


@examples
@given(cases(), st.fixed_dictionaries({name: st.sampled_from(_SLOW_SECONDS) for name in NAMES}))
def test_hedged_attempts_race_in_silence(case: Case, slow: dict[str, float]) -> None:
    scripts = {name: [slow[name], *script] for name, script in case.scripts.items()}
    plan = [PlanStep(step.model, step.kind) for step in case.plan]
    seen = asyncio.run(play(replace(case, plan=plan, scripts=scripts, stream=True, hedge=True)))
    cycle = LifeCycle.of(seen.events)
    event("hedged" if cycle.raced else "not hedged")
    if seen.failed is None:
        cycle.end()
        completed = seen.events[-1]
        assert isinstance(completed, Completed)
        attempts, cost = completed.attempts, completed.cost
        assert cycle.shown == said_by(case.scripts[completed.model])
    else:
        cycle.fail()
        failure = failure_on_the_wire(seen.failed)
        attempts, cost = failure.attempts, failure.cost
    assert cost.attempts_nano_usd == cost_of(attempts)
    assert len(attempts) == sum(isinstance(each, AttemptStarted) for each in seen.events)


MEMBERS = ("small", "mid", "tiny")
PANEL = "default/cascade"


@st.composite
def _member_scripts(draw: st.DrawFn, model: str) -> Script:
    """Answers that agree where their numbers do, whatever is said around them; silence, tool calls, all endings."""
    said = draw(st.sampled_from([(f"{model} says ", "#### 12"), (f"{model}: #### 12.0",), (f"{model}: #### 13",), ()]))
    other: Sequence[Script] = [[], [], [], [ReasoningDelta("hm")], [ToolCallDelta(0, "id", "f", "{}")]]
    ends: Script = draw(_endings) if draw(st.integers(0, 5)) == 5 else [Finished(FinishReason.STOP, Usage(5, 7))]
    return [*draw(_noise), *draw(st.sampled_from(other)), *map(domain.TextDelta, said), *ends]


@st.composite
def panel_cases(draw: st.DrawFn) -> Case:
    """Fitted cascades of up to three members with and without a strongest model and a fallback behind them."""
    members = draw(st.permutations(MEMBERS))[: draw(st.sampled_from([3, 2, 1]))]
    steps = [
        CascadeStep(member, draw(st.sampled_from([0.5, 0.5, 0.1, 0.95])), draw(st.sampled_from([NEVER, NEVER, 0.5])))
        for member in members
    ]
    plan = [PlanStep(member, StepKind.ESCALATION, PANEL, StreamMode.HOLD) for member in members]
    plan += [PlanStep("frontier", StepKind.ESCALATION)] if draw(st.booleans()) else []
    plan[0] = replace(plan[0], kind=StepKind.PRIMARY)
    scripts = {name: draw(_member_scripts(name)) for name in MODELS}
    cascade = a_fitted_cascade(*steps, pool=MEMBERS)
    return Case(plan, scripts, draw(st.booleans()), retries=draw(st.integers(0, 1)), cascade=cascade)


def comparable(script: Script) -> str | None:
    """What a member's answer counts for."""
    calls = any(isinstance(step, ToolCallDelta) for step in script)
    return None if calls or fails_after(script) is not None else said_by(script) or None


def follow_policy(case: Case) -> tuple[list[str], str]:
    """The models that are asked, and whose answer is given, by the cascade itself and what the scripts say."""
    assert case.cascade is not None
    asked: list[Answered] = []
    while True:
        move = case.cascade.next_move(0.0, asked)
        if move.action is not Action.ASK:
            break
        asked.append(Answered(move.model, comparable(case.scripts[move.model])))
    names = [given.model for given in asked]
    held = [name for name in names if fails_after(case.scripts[name]) is None]
    if move.action is Action.ACCEPT:
        return names, move.model
    if case.plan[-1].model == "frontier":
        return [*names, "frontier"], "frontier" if fails_after(case.scripts["frontier"]) is None else ""
    return names, move.leader or (held[-1] if held else "")


@examples
@given(panel_cases())
def test_a_panel_keeps_the_life_cycle_and_gives_the_answer_its_cascade_chooses(case: Case) -> None:
    seen = asyncio.run(play(case))
    cycle = LifeCycle.of(seen.events)
    asked, winner = follow_policy(case)
    event("conferred" if cycle.conferred else "one member")
    assert [each.model for each in seen.events if isinstance(each, AttemptStarted)] == asked
    if seen.failed is None:
        cycle.end()
        completed = seen.events[-1]
        assert isinstance(completed, Completed)
        attempts, cost = completed.attempts, completed.cost
        event(f"answered by member {asked.index(winner)} of {len(asked)}")
        assert completed.model == winner
        assert cycle.shown == said_by(case.scripts[winner])
    else:
        cycle.fail()
        failure = failure_on_the_wire(seen.failed)
        attempts, cost = failure.attempts, failure.cost
        event("failed")
        assert not winner
    assert [attempt.model for attempt in attempts] == asked
    assert all([check.check for check in attempt.checks] for attempt in attempts if attempt.model != "frontier")
    assert cost.attempts_nano_usd == cost_of(attempts)
    assert cost.total_nano_usd == cost.attempts_nano_usd + 77


@examples
@given(panel_cases(), st.integers(0, 12))
def test_a_caller_who_leaves_a_panel_leaves_every_member_settled(case: Case, events: int) -> None:
    async def leave() -> Execution:
        execution, _, _ = started(case)
        async with aclosing(execution.events()) as left:
            try:
                for _ in range(events):
                    await anext(left)
            except (StopAsyncIteration, CompletionFailed):
                pass
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return execution

    settlement = asyncio.run(leave()).settlement
    assert len({attempt.index for attempt in settlement.attempts}) == len(settlement.attempts)
    assert settlement.cost.attempts_nano_usd == sum(a.cost_nano_usd or 0 for a in settlement.attempts)
    assert [attempt.outcome.value for attempt in settlement.attempts].count("accepted") <= 1


async def test_startup_noise_does_not_commit() -> None:
    noisy: Script = [UsageReport(Usage(5, 0)), UsageReport(Usage(5, 1)), UpstreamCut("cut")]
    well: Script = [domain.TextDelta("mid"), Finished(FinishReason.STOP, Usage(5, 1))]
    plan = [PlanStep("small", StepKind.PRIMARY), PlanStep("mid", StepKind.FALLBACK)]
    seen = await play(Case(plan, {"small": noisy, "mid": well}, stream=True))
    assert seen.failed is None
    assert [type(e).__name__ for e in seen.events[1:]] == [
        "AttemptStarted",
        "AttemptEnded",
        "AttemptStarted",
        "TextDelta",
        "Completed",
    ]


def _decided(*modes: int) -> Started:
    plan = [PlanStepMessage(model=name, stream_mode=mode) for name, mode in zip(NAMES, modes, strict=False)]  # type: ignore[arg-type]
    return Started(completion_id="id", decision=Decision(decision_id="id", plan=plan))


_ACCEPTED = Attempt(model="small", outcome=AttemptOutcome.ATTEMPT_OUTCOME_ACCEPTED)
_FAILED = Attempt(model="small", outcome=AttemptOutcome.ATTEMPT_OUTCOME_FAILED)
_BEGUN = AttemptStarted(model="small", kind=StepKindMessage.STEP_KIND_PRIMARY)
_RIVAL = AttemptStarted(index=1, model="mid", kind=StepKindMessage.STEP_KIND_FALLBACK)
_DONE = Completed(model="small", attempts=[_ACCEPTED])


@pytest.mark.parametrize(
    "lie",
    [
        [_BEGUN],
        [_decided(0), _decided(0)],
        [_decided(0), TextDelta(text="a")],
        [_decided(0), _BEGUN, TextDelta(text="")],
        [_decided(0), _BEGUN, _DONE, TextDelta(text="a")],
        [_decided(0), _BEGUN, _DONE, _DONE],
        [_decided(0), AttemptStarted(model="small", kind=StepKindMessage.STEP_KIND_PRIMARY, index=1)],
        [_decided(0), AttemptStarted(model="other", kind=StepKindMessage.STEP_KIND_PRIMARY)],
        [_decided(0, 0), _BEGUN, AttemptEnded(attempt=_FAILED)],
        [_decided(0, 0), _BEGUN, AttemptEnded(attempt=_ACCEPTED, next_model="mid")],
        [_decided(0, 0), _BEGUN, AttemptEnded(attempt=_FAILED, next_model="mid", superseded=True)],
        [_decided(3, 0), _BEGUN, TextDelta(text="a"), AttemptEnded(attempt=_FAILED, next_model="mid")],
        [_decided(1, 0), _BEGUN, TextDelta(text="a"), AttemptEnded(attempt=_FAILED, next_model="mid", superseded=True)],
        [_decided(0, 0), _BEGUN, AttemptEnded(attempt=_FAILED, next_model="mid"), AttemptStarted(model="small")],
        [_decided(0, 0), _BEGUN, _RIVAL, TextDelta(text="a")],
        [_decided(0, 0), _BEGUN, _RIVAL, AttemptEnded(attempt=_ACCEPTED, next_model="mid")],
        [_decided(0, 0), _BEGUN, _RIVAL, AttemptEnded(attempt=_FAILED, next_model="small")],
        [_decided(0, 0), _BEGUN, TextDelta(text="a"), _RIVAL],
        [_decided(0), _BEGUN, Completed(model="mid", attempts=[_ACCEPTED])],
        [_decided(0), _BEGUN, Completed(model="small", attempts=[_FAILED])],
        [_decided(0), _BEGUN, Completed(model="small", attempts=[_FAILED, _ACCEPTED])],
    ],
)
def test_the_automaton_refuses_lies(lie: Sequence[Event]) -> None:
    with pytest.raises(LifeCycleBroken):
        LifeCycle.of(lie)


def test_the_automaton_refuses_an_end_in_the_middle_and_an_error_after_the_end() -> None:
    cycle = LifeCycle.of([_decided(0), _BEGUN])
    with pytest.raises(LifeCycleBroken):
        cycle.end()
    cycle.take(_DONE)
    assert cycle.state is State.COMPLETED
    with pytest.raises(LifeCycleBroken):
        cycle.fail()
