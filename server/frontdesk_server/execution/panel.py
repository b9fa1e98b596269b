"""A fitted cascade at work on one request: its members are asked one by one, and any of their answers may be given.

An answer is held, and its attempt stays open, until the panel concludes, because agreement with a later member may show
that an earlier answer is good. Then every member whose answer is not given ends as rejected, before the first delta of
the one that is, or before the model that takes over is asked. A member that fails has no answer, and ends at once.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from frontdesk_server.artefacts.cascade.policy import Action, Answered, FittedCascade, NextMove
from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, CheckResult
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted, Delta
from frontdesk_server.domain.query import ToolCall
from frontdesk_server.execution.account import Account
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.steps import Steps

CHECK = "fitted"
"""What the verdicts of a fitted cascade are called on attempts."""


@dataclass(slots=True)
class Heard:
    """A member that was asked, and what it said; `checks` are the panel's verdicts on its answer."""

    run: AttemptRun
    deltas: list[Delta] = field(default_factory=list)
    checks: tuple[CheckResult, ...] = ()

    @property
    def model(self) -> str:
        """The member."""
        return self.run.model.name


class Panel:
    """One request's panel. Iterate `confer()`; after it `winner` is whose answer is given.

    Without a winner the plan goes on at `position`, which is the plan's end where no model is left to ask, then for
    reason of `error`.
    """

    def __init__(
        self,
        cascade: FittedCascade,
        routed: RoutedQuery,
        steps: Steps,
        start: Callable[[int, StepKind], AttemptRun],
        account: Account,
        defects: DefectCounter,
    ) -> None:
        self.winner: Heard | None = None
        self.position = 0
        self.error: UpstreamError | None = None
        self._cascade = cascade
        self._plan = routed.decision.plan
        self._difficulty = cascade.looks(routed.decision.signals.text)
        self._steps = steps
        self._start = start
        self._account = account
        self._defects = defects
        self._answered: list[Answered] = []
        self._held: list[Heard] = []

    @property
    def kind(self) -> StepKind:
        """Why another model is asked: the answers so far do not do, or there is none."""
        return StepKind.ESCALATION if self._held else StepKind.FALLBACK

    async def confer(self, position: int, kind: StepKind) -> AsyncGenerator[AttemptStarted | AttemptEnded]:
        """Ask members from this position on, until an answer is accepted or it is another model's turn."""
        check = self._plan[position].check
        end = next((at for at in range(position, self._steps.end) if self._plan[at].check != check), self._steps.end)
        self.position = position
        while self.winner is None and self.position < end:
            heard = Heard(self._start(self.position, kind))
            yield AttemptStarted(heard.run.index, heard.model, kind)
            self.error = await _listen(heard)
            move = self._next_move(heard, [step.model for step in self._plan[self.position + 1 : end]])
            failed = self._take(heard, move)
            await self._make(move, end)
            if failed is not None and self._successor:
                yield AttemptEnded(failed, self._successor)
            kind = self.kind
        losers = [heard for heard in self._held if heard is not self.winner]
        rejected = [self._account.settle(heard.run, AttemptOutcome.REJECTED, heard.checks) for heard in losers]
        for attempt in rejected:
            yield AttemptEnded(attempt, self._successor)

    @property
    def _successor(self) -> str:
        """The model that speaks or is asked next; empty when there is none."""
        if self.winner is not None:
            return self.winner.model
        return self._plan[self.position].model if self.position < self._steps.end else ""

    def _next_move(self, heard: Heard, left: Sequence[str]) -> NextMove:
        """What the cascade does, knowing the answers so far and which members are left."""
        if self.error is None:
            answered = Answered(heard.model, _comparable(heard.run.answer()), heard.run.cost_nano_usd)
        else:
            answered = Answered(heard.model, None)
        self._answered.append(answered)
        asked = [given.model for given in self._answered]
        policy = self._cascade.policy.among({*asked, *left})
        try:
            move = self._cascade.next_move(self._difficulty, self._answered, policy)
        except Exception as error:
            report_defect("check", error, self._defects, check=CHECK)
            return self._unjudged()
        return move if math.isfinite(move.score) else self._unjudged()

    def _unjudged(self) -> NextMove:
        """Where nothing can be told of the answers, the strongest model is asked."""
        return NextMove(Action.ESCALATE, self._cascade.strongest, 1.0, -math.inf, math.inf)

    def _take(self, heard: Heard, move: NextMove) -> Attempt | None:
        """Write the verdict down, and hold the answer; without one the attempt is over, and returned."""
        heard.checks = (_verdict(move, heard.model),)
        if self.error is not None:
            return self._account.settle(heard.run, AttemptOutcome.FAILED, heard.checks, error=self.error)
        self._held.append(heard)
        return None

    async def _make(self, move: NextMove, end: int) -> None:
        """Find the winner, or the next model that may be called. Where there is none, the leading answer stands."""
        leader = next((heard for heard in self._held if heard.model == move.leader), None)
        if move.action is Action.ACCEPT and leader is not None:
            self.winner = leader
            if leader is not self._held[-1]:
                leader.checks += (_verdict(move, leader.model),)
            return
        self.position = await self._steps.next(self.position + 1 if move.action is Action.ASK else end)
        if self.position == self._steps.end and self._held:
            self.winner = leader or self._held[-1]


async def _listen(heard: Heard) -> UpstreamError | None:
    """Hear a member out; return why it has no answer."""
    try:
        async with aclosing(heard.run.deltas()) as deltas:
            async for delta in deltas:
                heard.deltas.append(delta)
    except UpstreamError as error:
        return error
    return None


def _comparable(answer: Answer) -> str | None:
    """What members may agree on: text. Neither tool calls nor silence tell whether a member is right."""
    calls = any(isinstance(part, ToolCall) for part in answer.message.parts)
    return None if calls or not answer.text.strip() else answer.text


def _verdict(move: NextMove, model: str) -> CheckResult:
    """What is made of a member's answer: it can only be given when it leads."""
    leads = move.leader == model
    detail = "no answer can be compared"
    if move.leader:
        limit = f"up to {move.accept_at_most:+.3f} is accepted" if move.accept_at_most > -1 else "none is accepted yet"
        detail = f"{move.leader} leads, predicted to lose {move.score:+.3f} against the strongest model; {limit}"
    score = _kept(move.score) if leads else 0.0
    return CheckResult(CHECK, score, _kept(move.accept_at_most), leads and move.action is Action.ACCEPT, detail)


def _kept(loss: float) -> float:
    """A loss of quality in [-1, 1] as a score in [0, 1]; at 0.5 the strongest model would do no better."""
    return (1 - min(1.0, max(-1.0, loss))) / 2
