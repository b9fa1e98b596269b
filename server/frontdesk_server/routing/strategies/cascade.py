"""cascade: cheapest first. Execution asks the models and judges their answers, this lays out the steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import model_validator

from frontdesk_server.artefacts.cascade.artefact import load_cascade
from frontdesk_server.artefacts.cascade.policy import Action, FittedCascade, NextMove
from frontdesk_server.artefacts.quality import ArtefactError
from frontdesk_server.config.base import Count, Section
from frontdesk_server.config.checks import (
    AgreementCheck,
    CheckConfig,
    CombinedCheck,
    HeuristicCheck,
    LogprobCheck,
    SelfRatingCheck,
    VerifierCheck,
)
from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.config.values import Location
from frontdesk_server.domain.decision import IN_TURN, PlanStep, StepKind, StreamMode, Verdict
from frontdesk_server.domain.model import Capability
from frontdesk_server.domain.tokens import estimate_tokens
from frontdesk_server.routing.scope import Scope
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude
from frontdesk_server.routing.strategies.chain import Chain

_SHIPPED_PROMPT_TOKENS = 32
"""Of the prompts that ship, without query and answer, at least."""
_RATING_TOKENS = 2
"""Of the shortest rating, such as 85."""
_MOST_CHARACTERS_OF_TOKEN = 16
"""Beyond runs of white space, which are no answer."""


class CascadeStep(Section):
    """A model and the check its answer must pass."""

    model: str
    check: CheckConfig | None = None
    """Default: none, the answer is accepted. Only the last step may have none."""


class CascadeConfig(StrategyConfig):
    """Cheapest first; each answer must pass its check, or a fitted cascade decides which answer is given."""

    kind: Literal["cascade"]
    steps: tuple[CascadeStep, ...] = ()
    """Models and checks, written by hand. Either these or an artefact."""
    artefact: str | None = None
    """Folder made by `frontdesk cascade-fit`. Relative paths start at the configuration."""
    stream_mode: StreamMode = StreamMode.HOLD
    """When answers reach the caller. A fitted cascade holds them."""
    gate_tokens: Count = 16
    """First tokens that `gate` checks."""

    @model_validator(mode="after")
    def _checked(self) -> CascadeConfig:
        if bool(self.steps) == (self.artefact is not None):
            raise ValueError("give either steps or an artefact")
        if self.artefact is not None and self.stream_mode is not StreamMode.HOLD:
            raise ValueError(
                f"stream_mode {self.stream_mode.value} cannot go with an artefact: "
                "an earlier answer may turn out to be the best, so all are held"
            )
        for step in self.steps[:-1]:
            if step.check is None:
                raise ValueError(f"step {step.model} needs a check, or no later step is ever asked")
        return self


@dataclass(frozen=True, slots=True)
class PlannedStep:
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
    steps: Sequence[PlannedStep]
    kind: str = "cascade"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The steps that can be taken; abstains when there is none."""
        started = context.clock.monotonic()
        steps = tuple(planned.step for planned in self.steps if planned.possible(context))
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
        difficulty = cascade.difficulty_of(context.signals.text)
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
    reason = f"cascade {IN_TURN.join(step.model for step in steps)}{because}"
    first = replace(steps[0], kind=StepKind.PRIMARY)
    return Ranking(Verdict.CHOSE, reason, first.model, steps=(first, *steps[1:]))


@builds(CascadeConfig)
def build_cascade(config: CascadeConfig, site: Site) -> Strategy:
    """Build it from its steps, whose checks are kept by their paths, or from its artefact."""
    if config.artefact is not None:
        return _build_fitted(config.artefact, site)
    scope, location = site.scope, site.location
    steps = []
    for index, step in enumerate(config.steps):
        place = (*location, "steps", index)
        scope.check_candidate(step.model, (*place, "model"))
        if step.check is None:
            steps.append(PlannedStep(PlanStep(step.model, StepKind.ESCALATION)))
            continue
        check = f"{site.path}.{index}"
        scope.trees.checks[check] = step.check
        gate_tokens = config.gate_tokens if config.stream_mode is StreamMode.GATE else 0
        plan_step = PlanStep(step.model, StepKind.ESCALATION, check, config.stream_mode, gate_tokens)
        steps.append(PlannedStep(plan_step, frozenset(_asked_by(step.check, step.model, (*place, "check"), scope))))
    return Cascade(site.path, tuple(steps))


def _build_fitted(artefact: str, site: Site) -> Strategy:
    """Build it from an artefact, and keep the cascade by its path; what cannot be used leaves nothing to ask."""
    scope, place = site.scope, (*site.location, "artefact")
    try:
        cascade = load_cascade(scope.tools.folder / artefact)
    except ArtefactError as error:
        scope.fault(place, str(error))
        return Chain(site.path, ())
    for name in (*(step.model for step in cascade.policy.steps), cascade.strongest):
        if name not in scope.models:
            known = ", ".join(sorted(scope.models))
            scope.fault(place, f"the cascade asks {name!r}, which is none of the router's models; there are {known}")
    scope.trees.fitted[site.path] = cascade
    return Fitted(site.path, cascade)


def _asked_by(check: CheckConfig, judged: str, location: Location, scope: Scope) -> Iterator[str]:
    """The models that a check asks, beside the one whose answer is judged; what the check cannot have is noted."""
    match check:
        case CombinedCheck():
            for index, part in enumerate(check.checks):
                yield from _asked_by(part, judged, (*location, "checks", index), scope)
        case LogprobCheck():
            scope.check_capability(judged, Capability.LOGPROBS, location)
        case SelfRatingCheck():
            _check_rating(check, judged, location, scope)
        case VerifierCheck():
            scope.check_pooled(check.model, (*location, "model"))
            _check_rating(check, check.model, (*location, "model"), scope)
            yield check.model
        case HeuristicCheck():
            _check_length(check, judged, location, scope)
        case AgreementCheck() if check.model is not None:
            scope.check_pooled(check.model, (*location, "model"))
            yield check.model


def _check_rating(check: SelfRatingCheck | VerifierCheck, rater: str, location: Location, scope: Scope) -> None:
    """Note where the prompt is no template of a rating, or the rater has no room for one of the shortest answer."""
    place = location[:-1] if isinstance(check, VerifierCheck) else location
    scope.check_template(check.prompt, ("{answer}",), (*place, "prompt"), known=("{query}", "{fence}"))
    needed = _SHIPPED_PROMPT_TOKENS if check.prompt is None else estimate_tokens(check.prompt)
    scope.check_room(rater, needed, _RATING_TOKENS, "a rating", location)


def _check_length(check: HeuristicCheck, judged: str, location: Location, scope: Scope) -> None:
    """Note where no answer of the model can be as long as is demanded."""
    model = scope.pool.get(judged)
    most = None if model is None else model.max_output_tokens
    if most is not None and check.min_characters > most * _MOST_CHARACTERS_OF_TOKEN:
        message = f"{judged} writes at most {most} tokens, which are never {check.min_characters} characters"
        scope.fault((*location, "min_characters"), message)
