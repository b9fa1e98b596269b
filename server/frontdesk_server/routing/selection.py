"""Turns predictions into one model by the caller's wishes, for any number of models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy

_NANO_USD_PER_CENT = 10_000_000


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected of one model: quality in [0, 1] and its standard deviation."""

    quality: float
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one answer of one model is expected to take; None is unknown."""

    cost_nano_usd: int | None
    time_to_first_token_seconds: float | None


def prior_predictions(models: Iterable[Model], difficulty: float) -> dict[str, Prediction]:
    """What the models' prior qualities say of a query; a model without one is left out.

    The prior is the quality on queries of difficulty 0.5. It grows to 1 for the easiest query and falls to its square
    for the hardest: weak models lose most on what is hard.
    """
    exponent = 2 * difficulty
    return {model.name: Prediction(model.quality**exponent) for model in models if model.quality is not None}


@dataclass(frozen=True, slots=True)
class Preferences:
    """Wishes with the router's defaults filled in.

    `cost_weight` is quality per 0.01 USD, `latency_weight` quality per second to the first token.
    """

    quality_floor: float | None = None
    cost_weight: float = 0.0
    latency_weight: float = 0.0

    def resolved(self, policy: RoutingPolicy) -> Preferences:
        """These, overridden by a caller's policy, whose floor alone asks for the cheapest model that reaches it."""
        if policy.quality_floor is None and policy.cost_weight is None and policy.latency_weight is None:
            return self
        only_floor = policy.cost_weight is None and policy.latency_weight is None
        return Preferences(
            self.quality_floor if policy.quality_floor is None else policy.quality_floor,
            _either(policy.cost_weight, 0.0 if only_floor else self.cost_weight),
            _either(policy.latency_weight, 0.0 if only_floor else self.latency_weight),
        )


@dataclass(frozen=True, slots=True)
class Scored:
    """One model with what selection went by."""

    model: str
    quality: float
    cost: float
    seconds: float
    utility: float


@dataclass(frozen=True, slots=True)
class Selection:
    """Models best first; never empty."""

    ranked: Sequence[Scored]
    reason: str

    @property
    def model(self) -> str:
        """The selected model."""
        return self.ranked[0].model


def select(
    predictions: Mapping[str, Prediction], outlooks: Mapping[str, Outlook], preferences: Preferences
) -> Selection:
    """Rank the predicted models, of which there must be one.

    With a floor: models that reach it come first, cheapest first, or best utility first where weights are given; the
    others follow by quality. Without: best utility first. Utility is quality less weighted cost and latency. An unknown
    cost or latency counts as the greatest that is known, but never wins a tie. Ties go to the better, the cheaper, the
    faster model, then by name, so that the result never depends on the order of the models.
    """
    scored = _score(predictions, outlooks, preferences)
    floor = preferences.quality_floor
    weighted = preferences.cost_weight > 0 or preferences.latency_weight > 0

    def key(model: Scored) -> tuple[float | str, ...]:
        tie = (-model.quality, model.cost, model.seconds, model.model)
        if floor is None:
            return (-model.utility, *tie)
        if model.quality < floor:
            return (1.0, *tie)
        return (0.0, -model.utility if weighted else model.cost, *tie)

    ranked = sorted(scored, key=key)
    return Selection(ranked, _reason(ranked[0], preferences, weighted))


def _score(
    predictions: Mapping[str, Prediction], outlooks: Mapping[str, Outlook], preferences: Preferences
) -> list[Scored]:
    costs = {name: outlooks[name].cost_nano_usd for name in predictions}
    waits = {name: outlooks[name].time_to_first_token_seconds for name in predictions}
    dearest = max((cost for cost in costs.values() if cost is not None), default=0)
    slowest = max((wait for wait in waits.values() if wait is not None), default=0.0)
    scored = []
    for name, prediction in predictions.items():
        cost, wait = costs[name], waits[name]
        utility = (
            prediction.quality
            - preferences.cost_weight * (dearest if cost is None else cost) / _NANO_USD_PER_CENT
            - preferences.latency_weight * (slowest if wait is None else wait)
        )
        scored.append(
            Scored(
                name,
                prediction.quality,
                math.inf if cost is None else cost,
                math.inf if wait is None else wait,
                utility,
            )
        )
    return scored


def _reason(best: Scored, preferences: Preferences, weighted: bool) -> str:
    floor = preferences.quality_floor
    quality = f"{best.model} with predicted quality {best.quality:.2f}"
    if floor is None:
        return f"{quality} has the best utility" if weighted else f"{quality} is the best"
    if best.quality < floor:
        return f"{quality} is the best; none reaches the floor of {floor:.2f}"
    return f"{quality} is the {'best' if weighted else 'cheapest'} that reaches the floor of {floor:.2f}"


def _either(first: float | None, second: float) -> float:
    return second if first is None else first
