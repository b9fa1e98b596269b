"""Execution pushes: one coroutine runs the plan, a sink that waits holds all of it up, and it reports once."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from types import FrameType

import pytest
from frontdesk_server.domain.affinity import NO_AFFINITY
from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.errors import CompletionFailed, DeadlineExceeded, UpstreamFailed
from frontdesk_server.domain.events import (
    AttemptStarted,
    Batch,
    Completed,
    CompletionEvent,
    Finished,
    Started,
    TextDelta,
)
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.books import Books
from frontdesk_server.execution.execution import Execution

from tests.fakes import FakeBackend, NoLedger, Script, answer, plan_of, routed
from tests.unit.execution.test_executor import CLOCK, Desk


@dataclass
class Told(NoLedger):
    """A ledger that remembers what it was told, in order."""

    what: list[str] = field(default_factory=list)

    async def record_decision(self, routed: RoutedQuery) -> None:
        self.what.append("decision")

    async def record_settlement(
        self, routed: RoutedQuery, settlement: Settlement, *, answer: Answer | None, error_reason: str
    ) -> None:
        outcomes = ",".join(attempt.outcome.value for attempt in settlement.attempts)
        self.what.append(f"settled {outcomes} {error_reason}".rstrip())


def told_by(ledger: Told, script: Script, *, stream: bool = True) -> Execution:
    """An execution whose ledger this is."""
    desk, query = Desk({"small": [script]}), routed(plan_of("small"))
    books = Books(ledger, NO_AFFINITY)
    return desk.executor.start(query, LocalCall(), CLOCK.monotonic() + 30, books, stream=stream)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (answer("four"), ["TextDelta", "settled accepted", "Completed"]),
        ([UpstreamFailed("500")], ["settled failed UPSTREAM_FAILED"]),
        ([TextDelta("fo"), UpstreamFailed("500")], ["TextDelta", "settled failed UPSTREAM_FAILED"]),
    ],
    ids=["answered", "failed", "broken"],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_the_ledger_hears_the_decision_first_and_the_end_once_before_the_caller_does(
    script: Script, told: list[str], stream: bool
) -> None:
    ledger = Told()
    execution = told_by(ledger, script, stream=stream)

    async def emit(event: CompletionEvent) -> None:
        ledger.what.append(type(event).__name__)

    try:
        completion = await execution.run(emit)
        assert completion.answer == execution.answer
    except CompletionFailed:
        told = [what for what in told if stream or what != "TextDelta"]
    assert ledger.what == ["decision", "Started", "AttemptStarted", *told]


@pytest.mark.parametrize("leaves_at", [Started, AttemptStarted, TextDelta])
async def test_a_sink_whose_caller_is_gone_ends_the_request_as_cancelled(leaves_at: type[CompletionEvent]) -> None:
    ledger = Told()
    execution = told_by(ledger, [TextDelta("a"), 60.0])

    async def emit(event: CompletionEvent) -> None:
        if isinstance(event, leaves_at):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await execution.run(emit)
    attempts = "" if leaves_at is Started else "cancelled"
    assert ledger.what == ["decision", f"settled {attempts} CANCELLED"]


async def test_a_sink_that_fails_for_a_deadline_fails_the_request_with_what_it_came_to() -> None:
    ledger = Told()
    execution = told_by(ledger, [TextDelta("12345678"), 60.0])

    async def emit(event: CompletionEvent) -> None:
        if isinstance(event, TextDelta):
            raise DeadlineExceeded("the caller did not read")

    with pytest.raises(CompletionFailed) as failure:
        await execution.run(emit)
    assert failure.value.reason == "DEADLINE_EXCEEDED"
    assert failure.value.settlement.attempts[0].usage.output_tokens == 2
    assert ledger.what == ["decision", "settled cancelled DEADLINE_EXCEEDED"]


class CountingBackend(FakeBackend):
    """Says one delta after the other for as long as it is read."""

    def __init__(self) -> None:
        super().__init__({})
        self.read = 0

    async def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        while True:
            self.read += 1
            yield [TextDelta("a")]
            await asyncio.sleep(0)


async def test_a_sink_that_waits_stops_our_reading_and_no_timer_runs_meanwhile() -> None:
    desk = Desk({})
    backend = CountingBackend()
    desk.tools.backends["fake"] = backend  # type: ignore[index]
    stuck = asyncio.Event()

    async def emit(event: CompletionEvent) -> None:
        if isinstance(event, TextDelta) and backend.read == 3:
            stuck.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(desk.start(routed(plan_of("small"))).run(emit))
    await stuck.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert backend.read == 3
    running.cancel()
    await asyncio.wait([running])


class PiecewiseBackend(FakeBackend):
    """Every delta comes by a read of its own."""

    def __init__(self, deltas: int) -> None:
        super().__init__({})
        self.deltas = deltas

    async def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        for _ in range(self.deltas):
            await asyncio.sleep(0)
            yield [TextDelta("a")]
        yield [Finished(FinishReason.STOP, Usage(1, 1))]


async def frames_of(deltas: int) -> Counter[str]:
    """Frames of coroutines and asynchronous generators that were entered or resumed for so many deltas."""
    desk = Desk({})
    desk.tools.backends["fake"] = PiecewiseBackend(deltas)  # type: ignore[index]
    execution = desk.start(routed(plan_of("small")))
    frames: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        flags = frame.f_code.co_flags
        if event == "call" and flags & inspect.CO_ASYNC_GENERATOR:
            frames["generators"] += 1
        elif (
            event == "call"
            and flags & inspect.CO_COROUTINE
            and "/frontdesk_server/execution/" in frame.f_code.co_filename
        ):
            frames["coroutines"] += 1

    async def emit(event: CompletionEvent) -> None:
        if isinstance(event, Completed):
            sys.setprofile(None)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        await execution.run(emit)
    finally:
        sys.setprofile(before)
    return frames


async def test_a_delta_passes_one_generator_which_is_the_backends_and_few_coroutines() -> None:
    few, many = await frames_of(100), await frames_of(200)
    assert many["generators"] - few["generators"] == 2 * 100  # it is resumed for the read, and when that has come
    assert many["coroutines"] - few["coroutines"] <= 5 * 100
