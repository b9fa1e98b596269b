"""Requests as random as can be, played on an executor over scripted models; the events are those of the wire."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from random import Random

from frontdesk import Event
from frontdesk.events import event_of
from frontdesk.v1.router_service_pb2 import CompletionFailure
from frontdesk.v1.routing_pb2 import Attempt
from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.config.checks import CheckConfig, HeuristicCheck, VerifierCheck
from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.config.service import BreakerConfig, ExecutionConfig, RetryConfig
from frontdesk_server.domain import events as domain
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode
from frontdesk_server.domain.errors import (
    CompletionFailed,
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamUnreachable,
)
from frontdesk_server.domain.events import (
    CitationDelta,
    Finished,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.model import Deployment, Timeouts
from frontdesk_server.domain.provider import Citation, ProviderBlock, ProviderState
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.asking import Asker
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.checks import build_check
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.execution import Execution
from frontdesk_server.execution.executor import Executor
from frontdesk_server.execution.order import AttemptTools
from frontdesk_server.rpc.encode_events import encode_event
from frontdesk_server.rpc.status import status_of
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.fakes import NO_BOOKS, FakeBackend, Script, a_model, routed
from tests.sink import events_of

CLOCK = SystemClock()
PANEL = "default/cascade"
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
MODELS["frontier"] = replace(
    MODELS["frontier"], deployments=(*MODELS["frontier"].deployments, Deployment("fake", "dead-frontier"))
)
"""Its second deployment fails every call at once, which nobody may notice."""
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
AT_ONCE: tuple[UpstreamError, ...] = (
    UpstreamCredentialsRefused("401"),
    UpstreamRequestRefused("404"),
    UpstreamFailed("500"),
    UpstreamUnreachable("refused"),
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
    dead: UpstreamError = AT_ONCE[0]
    batch_size: int = 1


@dataclass
class Seen:
    """What came of it."""

    events: list[Event] = field(default_factory=list)
    failed: CompletionFailed | None = None
    calls: list[BackendCall] = field(default_factory=list)


# Texts differ between models, so that a delta in the wrong place shows. "I do not know." is what the heuristic rejects.
NOISE = st.lists(st.builds(UsageReport, st.just(Usage(5, 0))), max_size=2)
ENDINGS: st.SearchStrategy[Script] = st.one_of(
    st.integers(0, 40).map(lambda tokens: [Finished(FinishReason.STOP, Usage(5, tokens))]),
    st.sampled_from(ERRORS).map(lambda error: [error]),
    st.just([HANG_SECONDS]),
    st.just([]),
    st.just([Finished(FinishReason.STOP, Usage())]),
)


# What answers hold beside their text. State comes after the part that it belongs to.
BESIDES: tuple[tuple[domain.Delta, ...], ...] = (
    (),
    (ReasoningDelta("hm", part=1),),
    (ReasoningDelta("hm", part=1), ProviderStateDelta(ProviderState("fake", '{"id":"r1"}'), part=1)),
    (ToolCallDelta(0, "id", "f", "{}", part=1),),
    (ProviderBlockDelta(ProviderBlock("fake", '{"type":"searched"}'), part=1),),
    (ProviderStateDelta(ProviderState("fake", '{"container":{"id":"c1"}}')),),
    (CitationDelta(Citation("https://example.org", "A page")),),
)


@st.composite
def beside(draw: st.DrawFn, texts: Sequence[domain.Delta]) -> list[domain.Delta]:
    """The texts, and what an answer holds beside them somewhere among them."""
    at = draw(st.integers(0, len(texts)))
    return [*texts[:at], *draw(st.sampled_from(BESIDES)), *texts[at:]]


@st.composite
def _scripts(draw: st.DrawFn, model: str) -> Script:
    said = draw(st.sampled_from([(), (f"{model} says ", "a lot ", f"of {model}"), (f"{model}.",), ("I do not know.",)]))
    deltas = draw(beside([domain.TextDelta(text) for text in said]))
    return [*draw(NOISE), *deltas[: draw(st.integers(0, len(deltas)))], *draw(ENDINGS)]


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
    retries, dead = draw(st.integers(0, 1)), draw(st.sampled_from(AT_ONCE))
    batch_size = draw(st.integers(1, 4))
    return Case(steps, scripts, draw(st.booleans()), verdicts, retries, dead=dead, batch_size=batch_size)


def started(case: Case, seconds: float = 30) -> tuple[Execution, FakeBackend]:
    """The case's execution, and the backend that will be called."""
    judge: list[Script] = [
        [domain.TextDelta(str(verdict)), Finished(FinishReason.STOP, Usage(5, 1))]
        for verdict in case.verdicts or (100,)
    ]
    scripts = {name: [script] for name, script in case.scripts.items()}
    backend = FakeBackend({**scripts, "judge": judge, "dead-frontier": [[case.dead]]}, case.batch_size)
    random = Random(1)
    conditions = LiveConditions(BreakerConfig(min_calls=1000, window=1000), CLOCK)
    retry = RetryConfig(max_retries=case.retries, base_ms=0.1, max_ms=1)
    tools = AttemptTools({"fake": backend}, conditions, Balancer(random, conditions), retry, CLOCK, random)
    ask = Asker(tools, MODELS)
    checks = {name: build_check(check, ask) for name, check in CHECKS.items()}
    query = routed(case.plan)
    query = replace(query, decision=replace(query.decision, router_cost_nano_usd=77))
    hedges = {"default": HedgeConfig(after_ms=1, max_cost_nano_usd=10**12)} if case.hedge else {}
    fitted = {} if case.cascade is None else {PANEL: case.cascade}
    executor = Executor(tools, MODELS, checks, ExecutionConfig(), hedges=hedges, fitted=fitted)
    deadline = CLOCK.monotonic() + seconds
    return executor.start(query, LocalCall(), deadline, NO_BOOKS, stream=case.stream), backend


async def play(case: Case) -> Seen:
    """Execute the case; the events are what goes over the wire."""
    execution, backend = started(case)
    seen = Seen(calls=backend.calls)

    async def emit(happened: domain.CompletionEvent) -> None:
        on_the_wire = event_of(encode_event(happened))
        assert on_the_wire is not None
        seen.events.append(on_the_wire)

    try:
        await execution.run(emit)
    except CompletionFailed as failure:
        seen.failed = failure
    return seen


async def leave(case: Case, events: int, seconds: float = 30) -> Execution:
    """Execute the case until the caller leaves after so many events, or its deadline comes; nothing runs on."""
    execution, _ = started(case, seconds)
    async with aclosing(events_of(execution)) as left:
        try:
            for _ in range(events):
                await anext(left)
        except (StopAsyncIteration, CompletionFailed):
            pass
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return execution


def failure_on_the_wire(failed: CompletionFailed) -> CompletionFailure:
    """The account in the details of the status."""
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
