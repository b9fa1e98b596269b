"""The life cycle of a streamed answer as one small automaton, which every sequence of events must satisfy.

It is the reference: written from the contract alone and read by the callers' eyes, over the messages on the wire.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Self

from frontdesk import (
    AttemptEnded,
    AttemptStarted,
    Completed,
    Event,
    ProviderBlockDelta,
    ProviderStateDelta,
    Started,
    TextDelta,
)
from frontdesk.events import Delta
from frontdesk.v1.routing_pb2 import Attempt, AttemptOutcome, Decision, StepKind, StreamMode


class State(enum.Enum):
    """Where a stream stands."""

    NEW = "new"
    BETWEEN = "between"
    RUNNING = "running"
    RACING = "racing"
    CONFERRING = "conferring"
    COMPLETED = "completed"
    FAILED = "failed"


class LifeCycleBroken(AssertionError):
    """An event came that may not come here."""


class LifeCycle:
    """Takes the events of one stream in order, then either `end` (status OK) or `fail` (any other status)."""

    def __init__(self) -> None:
        self.state = State.NEW
        self.ended: list[Attempt] = []
        """The attempts that another one took over from."""
        self.shown = ""
        """Text of the running attempt."""
        self.raced = False
        """Whether an attempt was hedged."""
        self.conferred = False
        """Whether several members of a panel were asked."""
        self._decision = Decision()
        self._model = ""
        self._index = 0
        self._rival: AttemptStarted | None = None
        self._panel: dict[int, str] = {}
        self._announced = ""
        self._concluding = False
        self._kinds = {StepKind.STEP_KIND_PRIMARY}
        self._streamed = False
        self._parts: set[int] = set()

    @classmethod
    def of(cls, events: Iterable[Event]) -> Self:
        """The life cycle after these events."""
        cycle = cls()
        for event in events:
            cycle.take(event)
        return cycle

    def take(self, event: Event) -> None:
        """Go to the next state, or raise `LifeCycleBroken`."""
        match self.state, event:
            case State.NEW, Started():
                self._start(event)
            case State.BETWEEN, AttemptStarted():
                self._start_attempt(event)
            case State.RUNNING, AttemptStarted() if self._panel_of(self._model):
                self._panel = {self._index: self._model}
                self._join_panel(event)
            case State.CONFERRING, AttemptStarted():
                self._join_panel(event)
            case State.CONFERRING, AttemptEnded():
                self._leave_panel(event)
            case State.RUNNING, AttemptStarted():
                self._hedge(event)
            case State.RACING, AttemptEnded():
                self._end_race(event)
            case State.RUNNING, AttemptEnded():
                self._end_attempt(event)
            case State.RUNNING, Completed():
                self._complete(event)
            case State.RUNNING, delta if isinstance(delta, Delta):
                self._show(delta)
            case _:
                raise LifeCycleBroken(f"{type(event).__name__} in state {self.state.value}")

    def end(self) -> None:
        """The stream ended with status OK."""
        _demand(self.state is State.COMPLETED, f"status OK in state {self.state.value}")

    def fail(self) -> None:
        """The stream ended with another status: at any point, but never after `completed`."""
        _demand(self.state is not State.COMPLETED, "an error after completed")
        self.state = State.FAILED

    def _start(self, event: Started) -> None:
        _demand(event.completion_id == event.decision.decision_id != "", "started names its decision")
        self._decision = event.decision
        self.state = State.BETWEEN

    def _start_attempt(self, event: AttemptStarted) -> None:
        _demand(event.index == len(self.ended), f"attempt {event.index} after {len(self.ended)} others")
        _demand(event.kind in self._kinds, f"attempt of kind {event.kind}")
        _demand(any(event.model == step.model for step in self._decision.plan), "a model outside the plan")
        _demand(self._model in ("", event.model), f"{event.model} starts where {self._model} was announced")
        self._model, self._index, self._streamed, self.shown = event.model, event.index, False, ""
        self._parts = set()
        self.state = State.RUNNING

    def _hedge(self, event: AttemptStarted) -> None:
        """A second attempt starts while the first has shown nothing; none speaks until one of them has ended."""
        _demand(not self._streamed, "an attempt starts beside one that speaks")
        _demand(event.index == len(self.ended) + 1, f"attempt {event.index} beside {len(self.ended)} others")
        _demand(event.kind == StepKind.STEP_KIND_FALLBACK, f"a hedge of kind {event.kind}")
        _demand(any(event.model == step.model for step in self._decision.plan), "a model outside the plan")
        self._rival, self.raced = event, True
        self.state = State.RACING

    def _end_race(self, event: AttemptEnded) -> None:
        attempt, rival = event.attempt, self._rival
        assert rival is not None
        runners = [(self._index, self._model), (rival.index, rival.model)]
        _demand((attempt.index, attempt.model) in runners, "an attempt ended that did not run")
        runners.remove((attempt.index, attempt.model))
        _demand(attempt.outcome in _RACE_LOST, f"outcome {attempt.outcome} of an attempt in a race")
        _demand(not event.superseded, "superseded, though nothing was shown")
        (self._index, self._model), self._rival = runners[0], None
        _demand(event.next_model == self._model, "the other attempt does not take over")
        self.ended.append(attempt)
        self.state = State.RUNNING

    def _panel_of(self, model: str) -> str:
        """The panel's name, which all of its members have for a check: a strategy's path, and no step's of it."""
        return next((s.check for s in self._decision.plan if s.model == model and s.check.endswith("/cascade")), "")

    def _join_panel(self, event: AttemptStarted) -> None:
        """A further member is asked while the answers of the others are held."""
        _demand(not self._streamed and not self._concluding, "a member is asked beside an answer that was taken")
        _demand(event.index == len(self.ended) + len(self._panel), f"attempt {event.index} of a panel")
        _demand(event.kind == StepKind.STEP_KIND_ESCALATION, f"a further member of kind {event.kind}")
        _demand(self._panel_of(event.model) == self._panel_of(self._model) != "", "a model outside the panel")
        _demand(self._announced in ("", event.model), f"{event.model} starts where {self._announced} was announced")
        self._panel[event.index] = event.model
        self._announced, self.conferred = "", True
        self.state = State.CONFERRING

    def _leave_panel(self, event: AttemptEnded) -> None:
        """A member failed, and another one is asked or speaks; or the panel has concluded, and all but one leave."""
        attempt = event.attempt
        rejected = attempt.outcome == AttemptOutcome.ATTEMPT_OUTCOME_REJECTED
        _demand(rejected or attempt.outcome == AttemptOutcome.ATTEMPT_OUTCOME_FAILED, "a member ends otherwise")
        _demand(self._panel.pop(attempt.index, "") == attempt.model, "a member ended that was not asked")
        _demand(not event.superseded, "superseded, though nothing was shown")
        _demand(event.next_model != "", "no next model is named")
        _demand(self._announced in ("", event.next_model), "two models are announced")
        self._announced, self._concluding = event.next_model, self._concluding or rejected
        self.ended.append(attempt)
        if not self._panel:
            self._model, self._kinds = self._announced, {StepKind.STEP_KIND_ESCALATION}
            self._announced, self._concluding, self.state = "", False, State.BETWEEN
        elif list(self._panel.values()) == [self._announced]:
            (self._index, self._model), self._panel = next(iter(self._panel.items())), {}
            self._announced, self._concluding, self.state = "", True, State.RUNNING

    def _show(self, event: Delta) -> None:
        match event:
            case TextDelta():
                _demand(event.text != "", "an empty text delta")
                self.shown += event.text
            case ProviderBlockDelta():
                _demand(event.part not in self._parts, "a block comes as a whole, and its part holds nothing else")
            case ProviderStateDelta():
                _demand(not event.HasField("part") or event.part in self._parts, "state before what it belongs to")
        if not isinstance(event, ProviderStateDelta):
            self._parts.add(event.part)
        self._streamed = True

    def _end_attempt(self, event: AttemptEnded) -> None:
        attempt = event.attempt
        _demand((attempt.index, attempt.model) == (self._index, self._model), "another attempt ended")
        kind = _NEXT_KIND.get(attempt.outcome)
        _demand(kind is not None, f"outcome {attempt.outcome} of an attempt with a successor")
        _demand(event.superseded == self._streamed, "superseded must say whether deltas were shown")
        optimistic = StreamMode.STREAM_MODE_OPTIMISTIC
        modes = {step.stream_mode for step in self._decision.plan if step.model == self._model}
        _demand(not event.superseded or optimistic in modes, "deltas were shown before commit, not optimistically")
        self.ended.append(attempt)
        self._model = event.next_model
        _demand(self._model != "", "no next model is named")
        self._kinds = {kind} if kind is not None else set()
        self.state = State.BETWEEN

    def _complete(self, event: Completed) -> None:
        _demand(event.model == self._model, f"{event.model} completes what {self._model} answers")
        account = sorted(event.attempts, key=lambda attempt: attempt.index)
        accepted = [attempt for attempt in account if attempt.outcome == AttemptOutcome.ATTEMPT_OUTCOME_ACCEPTED]
        _demand([attempt.index for attempt in accepted] == [self._index], "another attempt is accepted, or none")
        account.remove(accepted[0])
        _demand(
            account == sorted(self.ended, key=lambda attempt: attempt.index), "the attempts are not those that ended"
        )
        _demand(accepted[0].model == event.model and accepted[0].usage == event.usage, "another attempt's account")
        self.state = State.COMPLETED


_NEXT_KIND = {
    AttemptOutcome.ATTEMPT_OUTCOME_FAILED: StepKind.STEP_KIND_FALLBACK,
    AttemptOutcome.ATTEMPT_OUTCOME_REJECTED: StepKind.STEP_KIND_ESCALATION,
}

_RACE_LOST = {AttemptOutcome.ATTEMPT_OUTCOME_FAILED, AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED}


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LifeCycleBroken(otherwise)
