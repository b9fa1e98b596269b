"""Builds the strategy `cascade` from its configuration: steps written by hand, or what `frontdesk cascade-fit` made."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from frontdesk_server.artefacts.cascade.artefact import load_cascade
from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.artefacts.quality import ArtefactError
from frontdesk_server.config.checks import (
    AgreementCheck,
    CheckConfig,
    CombinedCheck,
    HeuristicCheck,
    LogprobCheck,
    SelfRatingCheck,
    VerifierCheck,
)
from frontdesk_server.config.strategies import CascadeConfig
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode
from frontdesk_server.domain.model import Capability
from frontdesk_server.domain.tokens import estimate_tokens
from frontdesk_server.routing.nodes.scope import Location, Scope
from frontdesk_server.routing.strategies.base import Strategy
from frontdesk_server.routing.strategies.cascade import Cascade, Fitted, LaidStep
from frontdesk_server.routing.strategies.chain import Chain

_SHIPPED_PROMPT_TOKENS = 32
"""Of the prompts that ship, without query and answer, at least."""
_RATING_TOKENS = 2
"""Of the shortest rating, such as 85."""
_MOST_CHARACTERS_OF_TOKEN = 16
"""Beyond runs of white space, which are no answer."""


def build_cascade(
    config: CascadeConfig, path: str, location: Location, scope: Scope, checks: MutableMapping[str, CheckConfig]
) -> Strategy:
    """Build it from its steps, and add their checks by their paths."""
    steps = []
    for index, step in enumerate(config.steps):
        place = (*location, "steps", index)
        scope.check_candidate(step.model, (*place, "model"))
        if step.check is None:
            steps.append(LaidStep(PlanStep(step.model, StepKind.ESCALATION)))
            continue
        check = f"{path}.{index}"
        checks[check] = step.check
        gate_tokens = config.gate_tokens if config.stream_mode is StreamMode.GATE else 0
        plan_step = PlanStep(step.model, StepKind.ESCALATION, check, config.stream_mode, gate_tokens)
        steps.append(LaidStep(plan_step, frozenset(_asked_by(step.check, step.model, (*place, "check"), scope))))
    return Cascade(path, tuple(steps))


def build_fitted(
    artefact: str, path: str, location: Location, scope: Scope, fitted: MutableMapping[str, FittedCascade]
) -> Strategy:
    """Build it from an artefact, and add the cascade by its path; what cannot be used leaves nothing to ask."""
    place = (*location, "artefact")
    try:
        cascade = load_cascade(scope.tools.folder / artefact)
    except ArtefactError as error:
        scope.fault(place, str(error))
        return Chain(path, ())
    for name in (*(step.model for step in cascade.policy.steps), cascade.strongest):
        if name not in scope.models:
            known = ", ".join(sorted(scope.models))
            scope.fault(place, f"the cascade asks {name!r}, which is none of the router's models; there are {known}")
    fitted[path] = cascade
    return Fitted(path, cascade)


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
