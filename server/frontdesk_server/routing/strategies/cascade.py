"""cascade: cheapest first; each answer must pass its check. Execution asks the models, this lays out the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from frontdesk_server.domain.decision import PlanStep, StepKind, Verdict
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
    """Lays out those of its steps that are possible."""

    path: str
    steps: Sequence[LaidStep]
    kind: str = "cascade"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The steps that can be taken; abstains when there is none."""
        started = context.clock.monotonic()
        steps = tuple(laid.step for laid in self.steps if laid.possible(context))
        if not steps:
            return conclude(self, context, started, Ranking(Verdict.ABSTAINED, "none of its models is eligible"))
        reason = f"cascade {' → '.join(step.model for step in steps)}"
        first = replace(steps[0], kind=StepKind.PRIMARY)
        return conclude(self, context, started, Ranking(Verdict.CHOSE, reason, first.model, steps=(first, *steps[1:])))
