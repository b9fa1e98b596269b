"""What nearest neighbours in the embedding would have chosen on logged decisions, at no more than the log's cost.

Each decision has the outcome of the model that was chosen alone. So neighbours' outcomes count by the inverse of their
propensities, as if every model had been tried on all of them; no decision is its own neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.domain.decision import IN_TURN
from frontdesk_server.learning.data.folds import folds_by_group, numbered
from frontdesk_server.learning.evaluation.neighbours import FEWEST, Remembered, ask_other_folds
from frontdesk_server.learning.evaluation.pool_routing import choices_at_cost, expected_costs
from frontdesk_server.learning.replay.logged import LoggedDecision

__all__ = ["CannotAsk", "NeighboursInLog", "ask_neighbours_in_log"]

_MOST, _FOLDS, _SEED = 10_000, 5, 0
"""The newest decisions are asked about, as many as take seconds."""


class CannotAsk(Exception):
    """Why there are no neighbours to ask."""


@dataclass(frozen=True, slots=True)
class NeighboursInLog:
    """Implements `replay.ReplayPolicy` for the decisions that neighbours were asked about."""

    chosen: Mapping[str, str]
    """By decision id the model that its neighbours would have chosen."""
    number: int
    limit: str
    """At what cost, to be read after "would have chosen"."""
    doubt: float
    """By what to multiply the error of what they are estimated to come to."""

    def route_logged(self, decision: LoggedDecision) -> Mapping[str, float]:
        """Return the model that is chosen, with certainty."""
        return {self.chosen[decision.decision_id]: 1.0}

    def choices(self, decision: LoggedDecision) -> tuple[str, ...]:
        """Return the model that is chosen."""
        return (self.chosen[decision.decision_id],)


def ask_neighbours_in_log(decisions: Sequence[LoggedDecision], embedder: Embedder) -> NeighboursInLog:
    """Ask about the newest of these decisions, each of which has its text and an outcome.

    Raises:
        CannotAsk: they are too few, or all of one model.
    """
    decisions = sorted(decisions, key=lambda d: d.decided_at)[-_MOST:]
    texts = [decision.text or "" for decision in decisions]
    models = tuple(sorted({decision.model for decision in decisions}))
    if len(set(texts)) < FEWEST:
        raise CannotAsk(
            f"{len(set(texts))} queries have prompt and outcome and gave another model a chance, {FEWEST} are needed"
        )
    if len(models) == 1:
        raise CannotAsk(f"all outcomes are of {models[0]}")
    taken = np.array([models.index(decision.model) for decision in decisions])
    quality = _where(taken, [decision.quality for decision in decisions], len(models))
    vectors = np.asarray(embedder.embed_many(texts), dtype=np.float64)
    weights = np.array([1.0 / decision.propensity for decision in decisions])
    asked = Remembered(models, quality, vectors, numbered(texts), weights)
    found = ask_other_folds(asked, folds_by_group(texts, _FOLDS, _SEED), "the other decisions", _SEED)
    open_ = np.array([[0.0 if _could_take(d, model) else np.nan for model in models] for d in decisions])
    cost = _where(taken, [decision.cost_nano_usd for decision in decisions], len(models))
    limit = "at no more than its cost"
    if np.isnan(cost).all(axis=0).any():
        cost, limit = np.where(np.isnan(quality), np.nan, 1.0), "whatever it costs, as some costs are unknown"
    expected = expected_costs(cost, np.array([float(len(text)) for text in texts]))
    spent = float(expected[np.arange(len(decisions)), taken].mean())
    chosen = choices_at_cost(found.expected, expected, open_, expected, spent)
    if chosen is None:  # what was taken is always within its own cost
        raise CannotAsk("no choice of theirs keeps within the log's cost")
    names = {decision.decision_id: models[column] for decision, column in zip(decisions, chosen, strict=True)}
    return NeighboursInLog(names, found.number, limit, found.doubt)


def _where(taken: NDArray[np.int64], values: Sequence[float | None], models: int) -> NDArray[np.float64]:
    """The values [n, models] of the models that were taken, NaN elsewhere."""
    matrix = np.full((len(values), models), np.nan)
    matrix[np.arange(len(values)), taken] = [np.nan if value is None else value for value in values]
    return matrix


def _could_take(decision: LoggedDecision, model: str) -> bool:
    """Whether a model, or a cascade of some, was there to be chosen."""
    return model == decision.model or decision.known_models.issuperset(model.split(IN_TURN))
