"""What a strategy concludes, and whether that keeps to the form: the strategy may be anybody's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType, NoneType
from typing import NamedTuple

from frontdesk_server.domain.decision import PlanStep, StrategyStep, Verdict
from frontdesk_server.domain.defects import type_of
from frontdesk_server.routing.selection import Prediction

_LONGEST_NAME = 40
_MOST_NAMED = 10


class Ranking(NamedTuple):
    """What a strategy concluded.

    With verdict CHOSE, `model` is the choice; `predictions` and `scores` tell what it went by. `steps` are a cascade's,
    the first of which is of `model`. The query is `restricted_to` these models, fallbacks included, whoever decides;
    None does not restrict it. `propensity` is the probability with which this branch of the tree was taken.
    `steps_taken` lists this strategy and every one asked below it, in order.
    """

    verdict: Verdict
    reason: str
    model: str = ""
    confidence: float | None = None
    predictions: Mapping[str, Prediction] = MappingProxyType({})
    scores: Mapping[str, float] = MappingProxyType({})
    steps: tuple[PlanStep, ...] = ()
    restricted_to: frozenset[str] | None = None
    propensity: float = 1.0
    steps_taken: tuple[StrategyStep, ...] = ()

    def after(self, step: StrategyStep) -> Ranking:
        """The same, with this step put before those taken."""
        return Ranking(*self[:-1], steps_taken=(step, *self.steps_taken))


_NUMBER = (int, float)
_FORM: Mapping[str, tuple[type, ...]] = {
    "verdict": (Verdict,),
    "reason": (str,),
    "model": (str,),
    "confidence": (*_NUMBER, NoneType),
    "predictions": (Mapping,),
    "scores": (Mapping,),
    "steps": (tuple,),
    "restricted_to": (frozenset, NoneType),
    "propensity": _NUMBER,
    "steps_taken": (tuple,),
}
_MEMBERS: Mapping[str, tuple[type, ...]] = {
    "predictions": (str,),
    "scores": (str,),
    "steps": (PlanStep,),
    "restricted_to": (str,),
    "steps_taken": (StrategyStep,),
}


def out_of_form(ranking: object, eligible: Collection[str], checks: Collection[str] | None) -> str:
    """What is wrong with the form of what a strategy returned, and what is allowed; empty where nothing is.

    Only models that are `eligible` may be chosen, and steps name these `checks` alone, where they are known.
    """
    if not isinstance(ranking, Ranking):
        return f"returned {type_of(ranking)} and no Ranking"
    for name, types in _FORM.items():
        if not isinstance(value := getattr(ranking, name), types):
            return f"its {name} is {type_of(value)} and no {_named(types)}"
    for name, types in _MEMBERS.items():
        for member in getattr(ranking, name) or ():
            if not isinstance(member, types):
                return f"its {name} hold {type_of(member)} and no {_named(types)}"
    for model, prediction in ranking.predictions.items():
        if not isinstance(prediction, Prediction) or not isinstance(prediction.quality, _NUMBER):
            return f"what it predicts of {_shown(model)} is {type_of(prediction)} and no Prediction of a number"
    for model, score in ranking.scores.items():
        if not isinstance(score, _NUMBER):
            return f"its score of {_shown(model)} is {type_of(score)} and no {_named(_NUMBER)}"
    try:
        ranking.reason.encode()
    except UnicodeEncodeError:
        return "its reason is no Unicode"  # which the contract cannot carry
    return _of_choice(ranking, eligible, checks) if ranking.verdict is Verdict.CHOSE else ""


def is_plain(ranking: Ranking, eligible: Collection[str]) -> bool:
    """Whether nothing can be wrong with a ranking of this house: told in a fifth of the time."""
    return ranking.reason.isascii() and (ranking.verdict is not Verdict.CHOSE or ranking.model in eligible)


def is_restriction(value: object) -> bool:
    """Whether it tells to which models a query is restricted."""
    return isinstance(value, frozenset) and all(isinstance(name, str) for name in value)


def _of_choice(ranking: Ranking, eligible: Collection[str], checks: Collection[str] | None) -> str:
    """What is wrong with its choice and the steps that follow from it."""
    if ranking.steps and ranking.steps[0].model != ranking.model:
        return f"chose {_shown(ranking.model)}, and the first of its steps is of {_shown(ranking.steps[0].model)}"
    for model in (ranking.model, *(step.model for step in ranking.steps)):
        if model not in eligible:
            return f"chose {_shown(model) if model else 'no model'}; {_listed(eligible)} may answer"
    for step in ranking.steps:
        if step.check and checks is not None and step.check not in checks:
            return f"its step of {step.model} names the check {_shown(step.check)}, which there is not"
    if ranking.steps_taken and ranking.steps_taken[0].verdict is not Verdict.CHOSE:
        return "chose, and the first of its steps_taken did not"
    return ""


def _shown(name: object) -> str:
    """A name, which may be any text, in a log."""
    text = repr(str(name)[: _LONGEST_NAME + 1])
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


def _listed(names: Collection[str]) -> str:
    first = sorted(names)[:_MOST_NAMED]
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(first) or 'none'}{more}"


def _named(types: tuple[type, ...]) -> str:
    return " or ".join("None" if each is NoneType else each.__name__ for each in types)
