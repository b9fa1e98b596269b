"""A fitted cascade at work on one request: its members are asked one by one, and any of their answers may be given.

An answer is held, and its attempt stays open, until the panel concludes, because agreement with a later member may show
that an earlier answer is good. Then every member whose answer is not given ends as rejected, before the first delta of
the one that is, or before the model that takes over is asked. A member that fails has no answer, and ends at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from frontdesk_server.artefacts.cascade.policy import Action, Answered, FittedCascade, NextMove
from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, CheckResult
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import AttemptEnded, Delta
from frontdesk_server.domain.query import ToolCall
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.runners.base import Given, Onward, Request

CHECK = "fitted"
"""What the verdicts of a fitted cascade are called on attempts."""


async def run_panel(request: Request, position: int, kind: StepKind) -> Given | Onward:
    """Ask the members from this position on, and give the answer that is accepted, if one is."""
    cascade = request.plan[position].cascade
    if cascade is None:
        raise RuntimeError("the step is no member of a fitted cascade")
    panel = _Panel(request, cascade, position)
    await panel.confer(kind)
    if panel.winner is None:
        return Onward(panel.position, panel.kind, panel.error)
    for delta in panel.winner.deltas:
        await request.commit(delta)
    return Given(panel.winner.run, panel.winner.checks)


@dataclass(slots=True)
class _Member:
    """A member that was asked, and what it said; `checks` are the panel's verdicts on its answer."""

    run: AttemptRun
    deltas: list[Delta] = field(default_factory=list)
    checks: tuple[CheckResult, ...] = ()

    @property
    def model(self) -> str:
        """Its name."""
        return self.run.model.name

    async def listen(self) -> UpstreamError | None:
        """Hear it out; why it has no answer."""
        try:
            await self.run.run(self._hold)
        except UpstreamError as error:
            return error
        return None

    async def _hold(self, delta: Delta) -> None:
        self.deltas.append(delta)


class _Panel:
    """One request's panel. Once it has conferred, `winner` is whose answer is given.

    Without a winner the plan goes on at `position`, which is the plan's end where no model is left to ask, then for
    reason of `error`.
    """

    def __init__(self, request: Request, cascade: FittedCascade, position: int) -> None:
        self.winner: _Member | None = None
        self.position = position
        self.error: UpstreamError | None = None
        self._request = request
        self._cascade = cascade
        self._plan = request.plan
        self._end = next(
            (at for at in range(position, len(self._plan)) if self._plan[at].cascade is not cascade), len(self._plan)
        )
        self._difficulty = cascade.difficulty_of(request.routed.decision.signals.text)
        self._answered: list[Answered] = []
        self._held: list[_Member] = []

    @property
    def kind(self) -> StepKind:
        """Why another model is asked: the answers so far do not do, or there is none."""
        return StepKind.ESCALATION if self._held else StepKind.FALLBACK

    async def confer(self, kind: StepKind) -> None:
        """Ask members until an answer is accepted or it is another model's turn."""
        request = self._request
        while self.winner is None and self.position < self._end:
            member = _Member(await request.begin(self.position, kind))
            self.error = await member.listen()
            move = self._next_move(member, [step.model.name for step in self._plan[self.position + 1 : self._end]])
            failed = self._take(member, move)
            await self._make(move)
            if failed is not None and self._successor:
                await request.emit(AttemptEnded(failed, self._successor))
            kind = self.kind
        losers = [member for member in self._held if member is not self.winner]
        rejected = [request.account.settle(lost.run, AttemptOutcome.REJECTED, lost.checks) for lost in losers]
        for attempt in rejected:
            await request.emit(AttemptEnded(attempt, self._successor))

    @property
    def _successor(self) -> str:
        """The model that speaks or is asked next; empty when there is none."""
        if self.winner is not None:
            return self.winner.model
        return self._plan[self.position].model.name if self.position < len(self._plan) else ""

    def _next_move(self, member: _Member, left: Sequence[str]) -> NextMove:
        """What the cascade does, knowing the answers so far and which members are left."""
        if self.error is None:
            answered = Answered(member.model, _comparable(member.run.answer()), member.run.cost_nano_usd)
        else:
            answered = Answered(member.model, None)
        self._answered.append(answered)
        asked = [given.model for given in self._answered]
        policy = self._cascade.policy.among({*asked, *left})
        try:
            move = self._cascade.next_move(self._difficulty, self._answered, policy)
        except Exception as error:
            report_defect("check", error, self._request.parent, check=CHECK)
            return self._unjudged()
        return move if math.isfinite(move.score) else self._unjudged()

    def _unjudged(self) -> NextMove:
        """Where nothing can be told of the answers, the strongest model is asked."""
        return NextMove(Action.ESCALATE, self._cascade.strongest, 1.0, -math.inf, math.inf)

    def _take(self, member: _Member, move: NextMove) -> Attempt | None:
        """Write the verdict down, and hold the answer; without one the attempt is over, and returned."""
        member.checks = (_verdict(move, member.model),)
        if self.error is not None:
            outcome = AttemptOutcome.FAILED
            return self._request.account.settle(member.run, outcome, member.checks, error=self.error)
        self._held.append(member)
        return None

    async def _make(self, move: NextMove) -> None:
        """Find the winner, or the next model that may be called. Where there is none, the leading answer stands."""
        leader = next((member for member in self._held if member.model == move.leader), None)
        if move.action is Action.ACCEPT and leader is not None:
            self.winner = leader
            if leader is not self._held[-1]:
                leader.checks += (_verdict(move, leader.model),)
            return
        steps = self._request.steps
        self.position = await steps.next(self.position + 1 if move.action is Action.ASK else self._end)
        if self.position == steps.end and self._held:
            self.winner = leader or self._held[-1]


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
