"""cascade: cheapest first. Execution asks the models and judges their answers, this lays out the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from frontdesk_server.artefacts.cascade.policy import Action, FittedCascade, NextMove
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode, Verdict
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, conclude


@dataclass(frozen=True, slots=True)
class LaidStep:
    """A step, given as an escalation, and the models that its check would ask."""

    step: PlanStep
    check_models: frozenset[str] = frozenset()

    def possible(self, context: RoutingContext) -> bool:
        """Whether its model may answer and its check may read."""
        return self.step.model in context.eligible and all(map(context.may_read, self.check_models))


@dataclass(frozen=True, slots=True)
class Cascade:
    """Steps and checks written by hand: lays out those of its steps that are possible."""

    path: str
    steps: Sequence[LaidStep]
    kind: str = "cascade"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The steps that can be taken; abstains when there is none."""
        started = context.clock.monotonic()
        steps = tuple(laid.step for laid in self.steps if laid.possible(context))
        return conclude(self, context, started, _laid_out(steps))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted cascade: how hard the query looks decides whether its members are asked before the strongest model.

    The check that its members' answers go by has the strategy's own path for a name.
    """

    path: str
    cascade: FittedCascade
    kind: str = "cascade"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The eligible members in their order, then the strongest model; abstains when none of them may answer."""
        started = context.clock.monotonic()
        cascade, strongest = self.cascade, self.cascade.strongest
        policy = cascade.policy.among(context.eligible)
        difficulty = cascade.looks(context.signals.text)
        if not math.isfinite(difficulty):
            failed = Ranking(Verdict.FAILED, "how hard the query looks is no finite number")
            return conclude(self, context, started, failed)
        move = cascade.first_move(difficulty, policy)
        members = tuple(PlanStep(step.model, StepKind.ESCALATION, self.path, StreamMode.HOLD) for step in policy.steps)
        last = (PlanStep(strongest, StepKind.ESCALATION),) if strongest in context.eligible else ()
        if last and (move.action is Action.ESCALATE or context.policy.max_attempts == 1):
            members = ()
        because = _because(move) if policy.steps else "none of its members may be asked"
        return conclude(self, context, started, _laid_out((*members, *last), f": {because}"))


def _because(move: NextMove) -> str:
    limit = "however hard a query is" if move.escalate_above == math.inf else f"up to {move.escalate_above:+.2f}"
    return f"looks {move.score:+.2f} hard, its members are asked {limit}"


def _laid_out(steps: Sequence[PlanStep], because: str = "") -> Ranking:
    if not steps:
        return Ranking(Verdict.ABSTAINED, "none of its models is eligible")
    reason = f"cascade {' → '.join(step.model for step in steps)}{because}"
    first = replace(steps[0], kind=StepKind.PRIMARY)
    return Ranking(Verdict.CHOSE, reason, first.model, steps=(first, *steps[1:]))
