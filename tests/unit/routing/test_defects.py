"""A strategy in which something unforeseen goes wrong: the request goes on, and the defect is logged and counted."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from frontdesk_server.artefacts.embedders import Matrix
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.defects import frames_of, type_of
from frontdesk_server.domain.errors import UpstreamFailed
from frontdesk_server.routing.cutoff import Cutoff
from frontdesk_server.routing.selection import Prediction
from frontdesk_server.routing.strategies.base import (
    MOST_REASON_CHARACTERS,
    Ranking,
    RoutingContext,
    Strategy,
    consult,
)
from frontdesk_server.routing.strategies.chain import Chain
from frontdesk_server.routing.strategies.model import FixedModel
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.metrics import Metrics
from frontdesk_server.telemetry.observer import TelemetryObserver
from structlog.typing import EventDict

from tests.conftest import DefectLog
from tests.fakes import FakeClock
from tests.unit.routing.desk import FakeAsk, FakeEmbedder, a_context, engine_of, route
from tests.virtual_time import in_virtual_time

SECRET = "my salary is 90,000"


@dataclass(frozen=True, slots=True)
class Broken:
    """A strategy with a defect."""

    path: str = "default/chain.0/broken"
    kind: str = "broken"

    async def rank(self, context: RoutingContext) -> Ranking:
        raise LookupError(f"no {context.signals.text}")


async def test_a_strategy_with_a_defect_fails_and_the_next_one_decides(caught_defects: DefectLog) -> None:
    metrics = Metrics()
    call = TelemetryObserver(metrics=metrics).call_started("frontdesk.v1.RouterService/Route", {})
    context = replace(a_context(SECRET), observation=call.route_started())

    ranking = await consult(Chain("default/chain", (Broken(), FixedModel("default/chain.1/model", "mid"))), context)

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    failed = ranking.steps_taken[1]
    assert (failed.verdict, failed.reason) == (Verdict.FAILED, "failed unexpectedly: LookupError")
    (line,) = caught_defects
    assert (line["event"], line["part"], line["path"]) == ("defect.caught", "strategy", "default/chain.0/broken")
    assert line["error_type"] == "LookupError"
    assert str(line["frames"]).startswith("['routing/test_defects.py:")
    assert SECRET not in str(line)
    labels = {"frontdesk_defect_part": "strategy", "error_type": "LookupError"}
    assert metrics.registry.get_sample_value(f"{names.DEFECTS.prometheus_name}_total", labels) == 1
    caught_defects.clear()


@dataclass(frozen=True, slots=True)
class Gives:
    """A strategy that gives what it was given, or raises it."""

    given: Any
    path: str = "default/chain.0/gives"
    kind: str = "gives"

    async def rank(self, context: RoutingContext) -> Ranking:
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given  # type: ignore[no-any-return]


OUT_OF_FORM = {
    "a cancelled task of its own": asyncio.CancelledError(),
    "an exit": SystemExit(1),
    "nothing": None,
    "a text": "mid",
    "a verdict as a text": Ranking("CHOSE", "it is best", "mid"),  # type: ignore[arg-type]
    "a model of another type": Ranking(Verdict.CHOSE, "it is best", 7),  # type: ignore[arg-type]
    "a model that does not exist": Ranking(Verdict.CHOSE, "it is best", "nosuchmodel"),
    "no model": Ranking(Verdict.CHOSE, "it is best"),
    "a reason that is no text": Ranking(Verdict.CHOSE, None, "mid"),  # type: ignore[arg-type]
    "a reason that is no Unicode": Ranking(Verdict.CHOSE, "\ud800", "mid"),
    "no number as its confidence": Ranking(Verdict.CHOSE, "it is best", "small", confidence=math.nan),
    "no number as a score": Ranking(Verdict.CHOSE, "it is best", "small", scores={"small": math.inf}),
    "no number as its propensity": Ranking(Verdict.CHOSE, "it is best", "small", propensity=math.nan),
    "a quality above one": Ranking(Verdict.CHOSE, "it is best", "small", predictions={"small": Prediction(5.0)}),
    "a propensity of nothing": Ranking(Verdict.CHOSE, "it is best", "small", propensity=0.0),
    "a propensity above one": Ranking(Verdict.CHOSE, "it is best", "small", propensity=7.0),
}


@pytest.mark.parametrize("given", OUT_OF_FORM.values(), ids=OUT_OF_FORM)
async def test_what_is_no_ranking_fails_and_the_next_one_decides(given: Any, caught_defects: DefectLog) -> None:
    chain = Chain("default/chain", (Gives(given), FixedModel("default/chain.1/model", "mid")))
    ranking = await consult(chain, a_context())
    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    assert ranking.steps_taken[1].verdict is Verdict.FAILED
    assert ranking.propensity == 1.0
    (line,) = caught_defects
    assert line["path"] == "default/chain.0/gives"
    caught_defects.clear()


async def test_what_a_strategy_forbade_holds_although_its_choice_is_nonsense(caught_defects: DefectLog) -> None:
    private = Ranking(Verdict.CHOSE, "it is private", "nosuchmodel", restricted_to=frozenset({"local"}))
    ranking = await consult(Gives(private), a_context())

    assert (ranking.verdict, ranking.restricted_to) == (Verdict.FAILED, frozenset({"local"}))
    caught_defects.clear()


async def test_a_strategy_that_does_not_conclude_is_in_the_path_with_a_reason_of_bounded_length() -> None:
    gives = Gives(Ranking(Verdict.CHOSE, "x" * 1_000_000, "mid"))
    ranking = await consult(Chain("default/chain", (gives,)), a_context())

    assert [step.path for step in ranking.steps_taken] == ["default/chain", "default/chain.0/gives"]
    assert ranking.reason == "x" * (MOST_REASON_CHARACTERS - 1) + "…"
    assert {step.reason for step in ranking.steps_taken} == {ranking.reason}


async def test_a_caller_that_leaves_ends_the_strategy() -> None:
    class Waits(Gives):
        async def rank(self, context: RoutingContext) -> Ranking:
            await asyncio.Event().wait()
            raise AssertionError

    asking = asyncio.create_task(consult(Waits(None), a_context()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize("kind", ["embedding", "llm"])
async def test_a_defect_below_a_strategy_is_the_strategys(kind: str, caught_defects: DefectLog) -> None:
    class BrokenEmbedder(FakeEmbedder):
        async def embed(self, texts: Sequence[str]) -> Matrix:
            raise KeyError(SECRET)

    strategy = {"embedding": "{kind: embedding, references: {small: [hi]}}", "llm": "{kind: llm, model: small}"}[kind]
    engine = engine_of(
        f"routers: {{default: {{default_model: mid, strategy: {strategy}}}}}",
        ask=FakeAsk(ZeroDivisionError(SECRET)),
        embedder=BrokenEmbedder(),
    )
    decision = await route(engine, SECRET)

    assert (decision.model, decision.strategy, decision.path[0].verdict) == ("mid", "default", Verdict.FAILED)
    assert "failed unexpectedly" in decision.reason
    assert {line["part"] for line in caught_defects} == {"strategy"}
    assert SECRET not in str(caught_defects)
    caught_defects.clear()


def test_a_defect_is_named_with_its_module_and_its_innermost_frames_first() -> None:
    def outer() -> None:
        for _ in range(1):
            inner()

    def inner() -> None:
        raise UpstreamFailed(SECRET)

    with pytest.raises(UpstreamFailed) as raised:
        outer()

    frames = frames_of(raised.value)
    assert [frame.split()[-1] for frame in frames[:2]] == ["inner", "outer"]
    assert type_of(raised.value) == "frontdesk_server.domain.errors.UpstreamFailed"
    assert type_of(KeyError("x")) == "KeyError"


class WaitsForEver(Gives):
    """A strategy that bounds nothing of what it waits for."""

    async def rank(self, context: RoutingContext) -> Ranking:
        await asyncio.Event().wait()
        raise AssertionError


class TakesNoNotice(Gives):
    """A strategy that goes on when it is cancelled; the end of the loop ends it."""

    async def rank(self, context: RoutingContext) -> Ranking:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return Ranking(Verdict.CHOSE, "it heard nothing", "small")


class AwaitsWhatTakesNoNotice(Gives):
    """One whose own task goes on, so that it is not even told that it is cancelled."""

    async def rank(self, context: RoutingContext) -> Ranking:
        return await asyncio.create_task(TakesNoNotice(None).rank(context))


class Blocks(Gives):
    """A strategy that keeps the thread for three seconds."""

    async def rank(self, context: RoutingContext) -> Ranking:
        assert isinstance(context.clock, FakeClock)
        context.clock.seconds += 3
        restricted_to = frozenset({"mid", "small"})
        return Ranking(Verdict.CHOSE, "it took its time", "small", restricted_to=restricted_to)


async def _consulted(*strategies: Strategy) -> Ranking:
    context = a_context()
    cutoff = Cutoff(context.clock.monotonic() + 1.0, context.clock, set())
    return await cutoff.watch(consult(Chain("default/chain", strategies), replace(context, cutoff=cutoff)))


@in_virtual_time
async def test_strategies_that_wait_for_ever_are_cut_short_and_the_next_one_decides() -> None:
    never = WaitsForEver(None)
    ranking = await _consulted(never, TakesNoNotice(None), never, Gives(Ranking(Verdict.CHOSE, "at once", "mid")))

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    verdicts = [step.verdict for step in ranking.steps_taken[1:4]]
    assert verdicts == [Verdict.TIMED_OUT, Verdict.TIMED_OUT, Verdict.TIMED_OUT]
    assert ranking.steps_taken[1].reason == "did not decide in time"
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


@pytest.mark.parametrize("deaf", [TakesNoNotice(None), AwaitsWhatTakesNoNotice(None)])
@in_virtual_time
async def test_a_strategy_that_takes_no_notice_is_left_behind_and_warned_of_once(
    deaf: Strategy, log_lines: Sequence[EventDict]
) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    ranking = await _consulted(deaf, deaf, FixedModel("default/chain.2/model", "mid"))

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    assert [step.verdict for step in ranking.steps_taken[1:3]] == [Verdict.TIMED_OUT] * 2
    assert loop.time() - started < 1.4
    (line,) = log_lines
    assert (line["event"], line["path"]) == ("strategy.left_behind", "default/chain.0/gives")


async def test_what_a_strategy_that_blocked_the_thread_chose_is_refused_but_not_what_it_forbade(
    log_lines: Sequence[EventDict],
) -> None:
    blocks = Blocks(None)
    ranking = await _consulted(blocks, blocks, FixedModel("default/chain.2/model", "mid"))

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    verdicts = [(step.verdict, step.reason) for step in ranking.steps_taken[1:3]]
    assert verdicts == [
        (Verdict.TIMED_OUT, "decided 2,000 ms too late"),
        (Verdict.TIMED_OUT, "decided 3,000 ms too late"),
    ]
    assert ranking.restricted_to == frozenset({"mid", "small"})
    (line,) = log_lines
    assert (line["event"], line["path"], line["blocked_ms"]) == ("strategy.blocked", "default/chain.0/gives", 3000)


async def test_what_blocked_the_thread_of_a_running_loop_is_refused_but_not_what_it_forbade() -> None:
    class BlocksForReal(Gives):
        async def rank(self, context: RoutingContext) -> Ranking:
            time.sleep(0.4)  # noqa: ASYNC251  (this is what must not be done)
            restricted_to = frozenset({"mid", "small"})
            return Ranking(Verdict.CHOSE, "it took its time", "small", restricted_to=restricted_to)

    clock = SystemClock()
    cutoff = Cutoff(clock.monotonic() + 0.1, clock, set())
    context = replace(a_context(), clock=clock, cutoff=cutoff)
    chain = Chain("default/chain", (BlocksForReal(None), FixedModel("default/chain.1/model", "mid")))
    ranking = await cutoff.watch(consult(chain, context))

    assert (ranking.verdict, ranking.model) == (Verdict.CHOSE, "mid")
    assert ranking.steps_taken[1].verdict is Verdict.TIMED_OUT
    assert ranking.restricted_to == frozenset({"mid", "small"})
    assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]


@in_virtual_time
async def test_a_caller_that_leaves_when_a_strategy_is_cut_short_leaves() -> None:
    asking = asyncio.create_task(_consulted(WaitsForEver(None)))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(1.1, asking.cancel)
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_routing_cuts_its_strategies_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FixedModel, "rank", WaitsForEver.rank)
    router = "{default_model: small, strategy: {kind: model, model: mid}, strategy_timeout_ms: 1}"

    decision = await route(engine_of(f"routers: {{default: {router}}}"), "hi")

    assert (decision.model, decision.path[0].verdict) == ("small", Verdict.TIMED_OUT)
