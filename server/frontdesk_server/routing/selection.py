"""Turns predictions into one model by the caller's wishes, for any number of models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from frontdesk_server.domain.either import either
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.value import value

NANO_USD_PER_CENT = 10_000_000


class Prediction(NamedTuple):
    """What is expected of one model: quality in [0, 1] and its standard deviation."""

    quality: float
    uncertainty: float | None = None


class Outlook(NamedTuple):
    """What one answer of one model is expected to take; None is unknown."""

    cost_nano_usd: int | None
    time_to_first_token_seconds: float | None


def prior_quality(quality: float, difficulty: float) -> float:
    """What a model's prior quality, that on queries of difficulty 0.5, says of a query.

    It grows to 1 for the easiest query and falls to its square for the hardest: weak models lose most on what is hard.
    """
    return math.pow(quality, 2 * difficulty)


@value
class Preferences:
    """Wishes with the router's defaults filled in.

    `cost_weight` is quality per 0.01 USD, `latency_weight` quality per second to the first token.
    """

    quality_floor: float | None = None
    cost_weight: float = 0.0
    latency_weight: float = 0.0

    @property
    def weighted(self) -> bool:
        """Whether cost or latency is weighed against quality."""
        return self.cost_weight > 0 or self.latency_weight > 0

    def resolved(self, policy: RoutingPolicy) -> Preferences:
        """These, overridden by a caller's policy, whose floor alone asks for the cheapest model that reaches it."""
        if policy.quality_floor is None and policy.cost_weight is None and policy.latency_weight is None:
            return self
        only_floor = policy.cost_weight is None and policy.latency_weight is None
        return Preferences(
            self.quality_floor if policy.quality_floor is None else policy.quality_floor,
            either(policy.cost_weight, 0.0 if only_floor else self.cost_weight),
            either(policy.latency_weight, 0.0 if only_floor else self.latency_weight),
        )


class Scored(NamedTuple):
    """One model with what selection went by."""

    model: str
    quality: float
    cost: float
    seconds: float
    utility: float


class Selection(NamedTuple):
    """The selected model, and why it is the first."""

    model: str
    reason: str


def select(
    predictions: Mapping[str, Prediction], outlooks: Mapping[str, Outlook], preferences: Preferences
) -> Selection:
    """The first by `rank` of the predicted models, of which there must be one, and why it is that."""
    best = min(_score(predictions, outlooks, preferences), key=_order(preferences))
    return Selection(best.model, _reason(best, preferences))


def rank(
    predictions: Mapping[str, Prediction], outlooks: Mapping[str, Outlook], preferences: Preferences
) -> list[Scored]:
    """Rank the predicted models, best first.

    With a floor: models that reach it come first, cheapest first, or best utility first where weights are given; the
    others follow by quality. Without: best utility first. Utility is quality less weighted cost and latency. An unknown
    cost or latency counts as the greatest that is known, but never wins a tie. Ties go to the better, the cheaper, the
    faster model, then by name, so that the result never depends on the order of the models.
    """
    return sorted(_score(predictions, outlooks, preferences), key=_order(preferences))


def _order(preferences: Preferences) -> Callable[[Scored], tuple[float | str, ...]]:
    """What the models are ordered by."""
    floor, weighted = preferences.quality_floor, preferences.weighted

    def order(scored: Scored) -> tuple[float | str, ...]:
        model, quality, cost, seconds, utility = scored
        if floor is None:
            return -utility, -quality, cost, seconds, model
        if quality < floor:
            return 1.0, -quality, cost, seconds, model
        return 0.0, -utility if weighted else cost, -quality, cost, seconds, model

    return order


def _score(
    predictions: Mapping[str, Prediction], outlooks: Mapping[str, Outlook], preferences: Preferences
) -> Iterator[Scored]:
    weighted = preferences.weighted
    dearest, slowest = _greatest([outlooks[name] for name in predictions]) if weighted else (0, 0.0)
    per_nano_usd, per_second = preferences.cost_weight / NANO_USD_PER_CENT, preferences.latency_weight
    for name, (quality, _) in predictions.items():
        cost, seconds = outlooks[name]
        utility = quality
        if weighted:
            utility -= per_nano_usd * (dearest if cost is None else cost)
            utility -= per_second * (slowest if seconds is None else seconds)
        yield Scored(
            name, quality, math.inf if cost is None else cost, math.inf if seconds is None else seconds, utility
        )


def _greatest(outlooks: Sequence[Outlook]) -> tuple[int, float]:
    """The greatest cost and the longest wait that are known."""
    costs = [outlook.cost_nano_usd for outlook in outlooks if outlook.cost_nano_usd is not None]
    waits = [
        outlook.time_to_first_token_seconds for outlook in outlooks if outlook.time_to_first_token_seconds is not None
    ]
    return max(costs, default=0), max(waits, default=0.0)


def _reason(best: Scored, preferences: Preferences) -> str:
    floor, weighted = preferences.quality_floor, preferences.weighted
    quality = f"{best.model} with predicted quality {best.quality:.2f}"
    if floor is None:
        return f"{quality} has the best utility" if weighted else f"{quality} is the best"
    if best.quality < floor:
        return f"{quality} is the best; none reaches the floor of {floor:.2f}"
    return f"{quality} is the {'best' if weighted else 'cheapest'} that reaches the floor of {floor:.2f}"
