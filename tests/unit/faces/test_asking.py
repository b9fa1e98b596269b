"""What a face shows is one model's answer, whatever the execution went through."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.decision import Decision, PlanStep, StepKind, StreamMode
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted, Completed, Delta, Started, TextDelta
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.usage import FinishReason
from frontdesk_server.faces import asking

from tests import full_values as full


@dataclass
class Shown:
    """Keeps what it is told."""

    told: list[Any] = field(default_factory=list)

    async def begin(self, decision: Decision, model: str) -> None:
        self.told.append(f"{model} begins")

    async def delta(self, delta: Delta) -> None:
        assert isinstance(delta, TextDelta)
        self.told.append(delta.text)

    async def complete(self, decision: Decision, completed: Completed) -> None:
        self.told.append(f"{completed.model} is done")


class PlayingDesk:
    """Plays these events."""

    def __init__(self, *events: Any) -> None:
        self._events = events

    async def stream_complete(self, query: Any, policy: Any, call: Any, labels: Any, emit: Any) -> None:
        for event in self._events:
            await emit(event)


def planned(mode: StreamMode) -> Started:
    steps = (PlanStep("a", StepKind.PRIMARY, "check", mode), PlanStep("b", StepKind.ESCALATION))
    return Started(replace(full.DECISION, plan=steps))


A, B = AttemptStarted(0, "a", StepKind.PRIMARY), AttemptStarted(1, "b", StepKind.ESCALATION)
FAILED = AttemptEnded(full.ATTEMPT, "b")
SUPERSEDED = AttemptEnded(full.ATTEMPT, "b", superseded=True)


def done(model: str) -> Completed:
    return Completed(model, FinishReason.STOP, full.USAGE, full.SETTLEMENT)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ((planned(StreamMode.HOLD), A, TextDelta("x"), TextDelta("y"), done("a")), ["a begins", "x", "y", "a is done"]),
        ((planned(StreamMode.HOLD), A, FAILED, B, TextDelta("x"), done("b")), ["b begins", "x", "b is done"]),
        ((planned(StreamMode.HOLD), A, B, FAILED, TextDelta("x"), done("b")), ["b begins", "x", "b is done"]),
        ((planned(StreamMode.HOLD), A, done("a")), ["a begins", "a is done"]),
        (
            (planned(StreamMode.OPTIMISTIC), A, TextDelta("x"), SUPERSEDED, B, TextDelta("y"), done("b")),
            ["b begins", "y", "b is done"],
        ),
        (
            (planned(StreamMode.OPTIMISTIC), A, TextDelta("x"), TextDelta("y"), done("a")),
            ["a begins", "x", "y", "a is done"],
        ),
    ],
)
async def test_deltas_of_a_model_that_does_not_stand_are_never_shown(events: tuple[Any, ...], told: list[str]) -> None:
    shown, desk = Shown(), PlayingDesk(*events)
    await asking.stream(desk, text_query("hi"), RoutingPolicy(), LocalCall(), {}, shown)  # type: ignore[arg-type]
    assert shown.told == told
