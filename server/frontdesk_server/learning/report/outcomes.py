"""What recorded outcomes tell, as one HTML page: who is good at what, what it costs and saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.domain.measures import MEASURES, words
from frontdesk_server.domain.money import PER_THOUSAND, in_thousands, per_thousand
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.drawing.svg import Line, Point, heatmap, xy_chart
from frontdesk_server.learning.evaluation.added import verdicts
from frontdesk_server.learning.evaluation.estimates import Evaluation
from frontdesk_server.learning.evaluation.pool_routing import envelope
from frontdesk_server.learning.report.page import Headline, Section, render_page, table

__all__ = ["report_dataset"]

_MOST_MODELS, _MOST_DOMAINS = 12, 24


def report_dataset(dataset: Dataset, *, title: str, evaluation: Evaluation | None = None) -> str:
    """Return the page for recorded outcomes, with the curves of an evaluation where one is given.

    Models without any known outcome are left out. Raises DatasetError where that leaves none.
    """
    tried = [model for j, model in enumerate(dataset.models) if not np.isnan(dataset.quality[:, j]).all()]
    if not tried:
        raise DatasetError("no quality is known of any model")
    dataset = dataset.select_models(tried)
    quality = np.nanmean(dataset.quality, axis=0)
    known_cost = ~np.isnan(dataset.cost_nano_usd).all(axis=0)
    cost = np.full(len(quality), np.nan)
    cost[known_cost] = np.nanmean(dataset.cost_nano_usd[:, known_cost], axis=0)
    best = int(quality.argmax())
    compared = (~np.isnan(dataset.quality)).sum(axis=1) > 1
    headlines = [
        Headline(f"{len(dataset):,}", "queries"),
        Headline(str(len(dataset.models)), "models"),
        Headline(f"{quality[best]:.3f}", f"best alone: {dataset.models[best]}"),
        *_oracle(dataset, compared),
        *_savings(evaluation),
    ]
    sections = [
        _cost_and_quality(dataset.models, quality, cost, evaluation),
        _comparison(evaluation),
        Section(
            "Models", "Every model asked alone, on the queries for which its outcome is known.", _models(dataset, cost)
        ),
        _domains(dataset, quality),
    ]
    subtitle = f"{len(dataset):,} queries, {len(dataset.models)} models, data {dataset.sha256[:12]}"
    return render_page(title, subtitle, headlines, [section for section in sections if section is not None])


def _oracle(dataset: Dataset, compared: NDArray[np.bool_]) -> list[Headline]:
    """Only queries of which several models' outcomes are known tell what the right one would have come to."""
    if not compared.any():
        return []
    best = float(np.nanmean(np.nanmax(dataset.quality[compared], axis=1)))
    every = "" if compared.all() else f", of {compared.sum():,} queries that several models answered"
    return [Headline(f"{best:.3f}", f"if the right one were always asked{every}")]


def _savings(evaluation: Evaluation | None) -> list[Headline]:
    saved = _value(evaluation.result.get("cost_saved_at_equal_quality")) if evaluation else None
    return [] if saved is None else [Headline(f"{saved:.0%}", "cost saved at equal quality")]


def _cost_and_quality(
    models: Sequence[str], quality: NDArray[np.float64], cost: NDArray[np.float64], evaluation: Evaluation | None
) -> Section | None:
    priced = [j for j in range(len(models)) if np.isfinite(cost[j]) and cost[j] > 0]
    if not priced:
        return None
    shown = [j for j in priced if evaluation is None or models[j] in evaluation.points]
    front = envelope(cost[shown], quality[shown])
    emphasised = {
        models[j] for j in shown if any(cost[j] == c and quality[j] == q for c, q in zip(*front, strict=True))
    }
    points = [Point(models[j], in_thousands(cost[j]), quality[j], models[j] in emphasised) for j in shown]
    lines = [Line("best models for their price", _pairs(*front))] if len(front[0]) > 1 else []
    for name, (paid, reached) in evaluation.curves.items() if evaluation else ():
        if len(paid) > 1 and name not in ("random", "fixed"):
            lines.append(Line(words(name), _pairs(paid, reached)))
    chart = xy_chart(points, lines, x_title=f"{PER_THOUSAND}, logarithmic", y_title="quality", log_x=True)
    return Section(
        "Quality and cost", "Up and to the left is better; marked models are beaten by no cheaper one.", chart
    )


def _comparison(evaluation: Evaluation | None) -> Section | None:
    if evaluation is None:
        return None
    result: Mapping[str, Any] = evaluation.result
    shown = {key: measure for key, measure in MEASURES.items() if _value(result.get(key)) is not None}
    rows = [
        [words(name), *(measure.told(figures.get(key)) for key, measure in shown.items())]
        for name, figures in (("router", result["router"]), *result["baselines"].items())
    ]
    body = table(["", *(measure.name for measure in shown.values())], rows)
    lead = " ".join((*verdicts(result), "In brackets 95 % intervals from resampling queries."))
    return Section("The router beside what it must beat", lead, body)


def _models(dataset: Dataset, cost: NDArray[np.float64]) -> str:
    quality = np.nanmean(dataset.quality, axis=0)
    rows = []
    for j in np.argsort(-quality):
        outcomes = dataset.quality[:, j][~np.isnan(dataset.quality[:, j])]
        error = 1.96 * outcomes.std() / np.sqrt(len(outcomes))
        price = per_thousand(cost[j])
        rows.append([dataset.models[j], f"{quality[j]:.3f} ± {error:.3f}", price, f"{len(outcomes):,}"])
    return table(["model", "quality", PER_THOUSAND, "outcomes"], rows)


def _domains(dataset: Dataset, quality: NDArray[np.float64]) -> Section | None:
    domains = [name for name, _ in Counter(d for d in dataset.domains if d).most_common(_MOST_DOMAINS)]
    if len(domains) < 2:
        return None
    columns = np.argsort(-quality)[:_MOST_MODELS]
    of = np.array(dataset.domains)
    cells = []
    for domain in sorted(domains):
        outcomes = dataset.quality[of == domain][:, columns]
        known = ~np.isnan(outcomes)
        sums, counts = np.where(known, outcomes, 0.0).sum(axis=0), known.sum(axis=0)
        cells.append(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).tolist())
    chart = heatmap(sorted(domains), [dataset.models[j] for j in columns], cells)
    return Section("Who is good at what", "Mean quality by domain; the best models first.", chart)


def _pairs(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((in_thousands(float(x)), float(y)) for x, y in zip(xs, ys, strict=True))


def _value(figure: Mapping[str, Any] | None) -> float | None:
    return None if figure is None else figure["value"]
