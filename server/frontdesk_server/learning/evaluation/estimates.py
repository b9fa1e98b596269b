"""Figures with their intervals, in the one form that all results have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.domain.money import PER_THOUSAND, in_thousands
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.evaluation.added import verdicts

__all__ = ["Evaluation", "Figures", "bootstrapped", "plain", "single_models", "spread"]

Matrix = NDArray[np.float64]
Figures = dict[str, dict[str, Any]]
"""By name ``{"value": number or None, "ci95": [low, high] or None}``."""

_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What an evaluation found: figures for JSON and curves for plots."""

    result: dict[str, Any]
    curves: dict[str, tuple[Matrix, Matrix]]
    """By name, position on the axis and quality."""
    points: dict[str, tuple[float, float]]
    """By model, position on the axis and quality of asking it always."""
    priced: bool
    """Whether positions are mean costs of a query in nano-USD; else shares of queries asked of the strong model."""

    @property
    def subject(self) -> str:
        """What its curves show, as a title."""
        told = self.result
        match told["kind"]:
            case "router":
                who = f"router {told['router_name']}"
            case "cascade":
                who = f"a cascade below {told['strongest']}"
            case "pair":
                who = f"routing between {told['weak']} and {told['strong']}"
            case _:
                who = f"routing among {len(told['pool'])} models"
        return f"Quality and cost of {who}: {told['queries']:,} queries"

    @property
    def axis(self) -> str:
        """What is written at the axis of `drawn`."""
        return PER_THOUSAND if self.priced else "share of queries asked of the strong model"

    def drawn(self, position: float) -> float:
        """A position as it is drawn: money in USD per 1,000 queries."""
        return in_thousands(position) if self.priced else position

    def document(self) -> dict[str, Any]:
        """Axis, curves and points as they are drawn, and what is told beside them, for JSON."""
        curves = {
            name: [[self.drawn(float(x)) for x in xs], [float(y) for y in ys]] for name, (xs, ys) in self.curves.items()
        }
        points = {model: [self.drawn(x), y] for model, (x, y) in self.points.items()}
        return {"axis": self.axis, "curves": curves, "points": points, "verdicts": verdicts(self.result)}


def bootstrapped(
    measure: Callable[[NDArray[np.int64]], dict[str, float]],
    queries: int,
    resamples: int,
    rng: np.random.Generator,
    advance: Callable[[int], None],
) -> Figures:
    """Measure on all queries and, for the percentile interval, on resamples of them."""
    values = measure(np.arange(queries))
    draws = []
    for _ in range(resamples):
        draws.append(measure(rng.integers(queries, size=queries)))
        advance(1)
    return {name: _figure(value, [draw[name] for draw in draws]) for name, value in values.items()}


def spread(draws: Sequence[dict[str, float]]) -> Figures:
    """Return the mean of repeated random draws and where 95 percent of them lie."""
    return {
        name: _figure(float(np.mean([draw[name] for draw in draws])), [draw[name] for draw in draws])
        for name in draws[0]
    }


def plain(values: dict[str, float]) -> Figures:
    """Return figures without intervals."""
    return {name: _figure(value, []) for name, value in values.items()}


def single_models(dataset: Dataset) -> dict[str, dict[str, float | None]]:
    """Return quality and mean cost of asking each model always."""
    return {
        model: {
            "quality": float(np.nanmean(dataset.quality[:, j])),
            "cost": None if np.isnan(cost := dataset.cost_nano_usd[:, j]).all() else float(np.nanmean(cost)),
        }
        for j, model in enumerate(dataset.models)
    }


def _figure(value: float, draws: Sequence[float]) -> dict[str, Any]:
    finite = [draw for draw in draws if np.isfinite(draw)]
    interval = [float(edge) for edge in np.percentile(finite, _PERCENTILES)] if len(finite) > 1 else None
    return {"value": float(value) if np.isfinite(value) else None, "ci95": interval}
