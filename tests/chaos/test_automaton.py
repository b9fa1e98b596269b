"""The automaton refuses streams that lie."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from frontdesk import (
    AttemptEnded,
    AttemptStarted,
    CitationDelta,
    Completed,
    Event,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from frontdesk.v1.routing_pb2 import Attempt, AttemptOutcome, Decision
from frontdesk.v1.routing_pb2 import PlanStep as PlanStepMessage
from frontdesk.v1.routing_pb2 import StepKind as StepKindMessage

from tests.chaos.automaton import LifeCycle, LifeCycleBroken, State
from tests.chaos.plays import (
    NAMES,
)


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
        [_decided(0), ProviderBlockDelta()],
        [_decided(0), CitationDelta()],
        [_decided(0), _BEGUN, ProviderStateDelta(part=0)],
        [_decided(0), _BEGUN, TextDelta(text="a"), ProviderStateDelta(part=1)],
        [_decided(0), _BEGUN, TextDelta(text="a"), ProviderBlockDelta(part=0)],
        [_decided(0), _BEGUN, ProviderBlockDelta(part=0), ProviderBlockDelta(part=0)],
        [_decided(0), _BEGUN, _DONE, CitationDelta()],
        [_decided(3, 0), _BEGUN, ProviderStateDelta(), AttemptEnded(attempt=_FAILED, next_model="mid")],
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
        [_decided(0, 0), _BEGUN, ProviderBlockDelta(), _RIVAL],
        [_decided(0), _BEGUN, Completed(model="mid", attempts=[_ACCEPTED])],
        [_decided(0), _BEGUN, Completed(model="small", attempts=[_FAILED])],
        [_decided(0), _BEGUN, Completed(model="small", attempts=[_FAILED, _ACCEPTED])],
    ],
)
def test_the_automaton_refuses_lies(lie: Sequence[Event]) -> None:
    with pytest.raises(LifeCycleBroken):
        LifeCycle.of(lie)


def test_the_automaton_takes_every_kind_of_delta_while_an_attempt_runs() -> None:
    deltas: list[Event] = [
        ReasoningDelta(text="hm", part=0),
        ProviderStateDelta(part=0),
        ProviderBlockDelta(part=1),
        TextDelta(text="a", part=2),
        CitationDelta(part=2),
        ToolCallDelta(part=3),
        ProviderStateDelta(),
    ]
    LifeCycle.of([_decided(0), _BEGUN, *deltas, _DONE]).end()


def test_the_automaton_refuses_an_end_in_the_middle_and_an_error_after_the_end() -> None:
    cycle = LifeCycle.of([_decided(0), _BEGUN])
    with pytest.raises(LifeCycleBroken):
        cycle.end()
    cycle.take(_DONE)
    assert cycle.state is State.COMPLETED
    with pytest.raises(LifeCycleBroken):
        cycle.fail()
