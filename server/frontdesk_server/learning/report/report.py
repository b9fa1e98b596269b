"""What a data set or a ledger export tells, as one HTML page: who is good at what, what it costs and saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality.drift import ModelDrift
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.evaluation.estimates import Evaluation
from frontdesk_server.learning.evaluation.pool_routing import envelope
from frontdesk_server.learning.replay.logged import LoggedDecision
from frontdesk_server.learning.report.page import Headline, Section, render_page, table
from frontdesk_server.learning.report.svg import Line, Point, bars, heatmap, xy_chart

__all__ = ["report_dataset", "report_decisions"]

_MOST_MODELS, _MOST_DOMAINS = 12, 24
_NANO = 1e-9
_STYLES = ("main", "second", "third", "faint")


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
    oracle = float(np.nanmean(np.nanmax(dataset.quality, axis=1)))
    headlines = [
        Headline(f"{len(dataset):,}", "queries"),
        Headline(str(len(dataset.models)), "models"),
        Headline(f"{quality[best]:.1%}", f"best alone: {dataset.models[best]}"),
        Headline(f"{oracle:.1%}", "if the right one were always asked"),
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


def report_decisions(decisions: Sequence[LoggedDecision], *, title: str, drift: Sequence[ModelDrift] = ()) -> str:
    """Return the page for a ledger's decisions."""
    costs = np.array([np.nan if d.cost_nano_usd is None else d.cost_nano_usd for d in decisions])
    rated = [d.quality for d in decisions if d.quality is not None]
    explored = sum(d.propensity < 1.0 for d in decisions)
    known = costs[~np.isnan(costs)]
    headlines = [
        Headline(f"{len(decisions):,}", "decisions"),
        Headline(f"{known.sum() * _NANO:,.2f} USD", f"spent, cost known of {len(known):,}"),
        Headline(f"{np.mean(rated):.1%}" if rated else "none", f"mean quality of {len(rated):,} outcomes"),
        Headline(f"{explored / max(1, len(decisions)):.1%}", "decided with a propensity under 1"),
    ]
    share = {model: n / len(decisions) for model, n in Counter(d.model for d in decisions).most_common(_MOST_MODELS)}
    sections = [
        _over_time(decisions),
        Section("Chosen models", "Share of decisions.", bars(share, share=True)),
        Section("Models", "As far as outcomes and costs are known.", _decided_models(decisions)),
        Section("Routers", "Share of decisions.", bars(_router_shares(decisions), share=True)),
        *_drift(drift),
    ]
    first, last = min(d.decided_at for d in decisions), max(d.decided_at for d in decisions)
    return render_page(title, f"Decisions from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}", headlines, sections)


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
    points = [Point(models[j], cost[j] / 1000, quality[j], models[j] in emphasised) for j in shown]
    lines = [Line("best models for their price", _pairs(*front), "faint")] if len(front[0]) > 1 else []
    for (name, (paid, reached)), style in zip(evaluation.curves.items() if evaluation else (), _STYLES, strict=False):
        if len(paid) > 1 and name != "random":
            lines.append(Line(name.replace("_", " "), _pairs(paid, reached), style))
    chart = xy_chart(
        points, lines, x_title="mean cost of a query, micro-USD, logarithmic", y_title="quality", log_x=True
    )
    return Section(
        "Quality and cost", "Up and to the left is better; marked models are beaten by no cheaper one.", chart
    )


def _comparison(evaluation: Evaluation | None) -> Section | None:
    if evaluation is None:
        return None
    result: Mapping[str, Any] = evaluation.result
    names = [
        key
        for key in ("apgr", "cpt50", "cpt80", "cost_saved_at_equal_quality", "cost_saved_at_max_loss")
        if _value(result.get(key)) is not None
    ]
    rows = [
        [name, *(_figure(figures.get(key)) for key in names)]
        for name, figures in (("router", result["router"]), *result["baselines"].items())
    ]
    body = table(["", *(name.replace("_", " ") for name in names)], rows)
    return Section("The router beside what it must beat", "With 95 % intervals from resampling queries.", body)


def _models(dataset: Dataset, cost: NDArray[np.float64]) -> str:
    quality = np.nanmean(dataset.quality, axis=0)
    rows = []
    for j in np.argsort(-quality):
        outcomes = dataset.quality[:, j][~np.isnan(dataset.quality[:, j])]
        error = 1.96 * outcomes.std() / np.sqrt(len(outcomes))
        price = "unknown" if np.isnan(cost[j]) else f"{cost[j] / 1000:,.1f}"
        rows.append([dataset.models[j], f"{quality[j]:.3f} ± {error:.3f}", price, f"{len(outcomes):,}"])
    return table(["model", "quality", "micro-USD a query", "outcomes"], rows)


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


def _over_time(decisions: Sequence[LoggedDecision]) -> Section:
    """Spending so far, beside what always asking the dearest candidate was predicted to cost."""
    ordered = sorted(decisions, key=lambda d: d.decided_at)
    start = ordered[0].decided_at.timestamp()
    hours = [(d.decided_at.timestamp() - start) / 3600 for d in ordered]
    spent = np.cumsum([(d.cost_nano_usd or 0.0) * _NANO for d in ordered])
    dearest = np.cumsum(
        [max([c.predicted_cost_nano_usd or 0.0 for c in d.candidates], default=0.0) * _NANO for d in ordered]
    )
    kept = np.unique(np.linspace(0, len(ordered) - 1, 200).astype(int))
    lines = [Line("spent", tuple((hours[i], float(spent[i])) for i in kept))]
    if dearest[-1] > 0:
        lines.append(Line("dearest candidate", tuple((hours[i], float(dearest[i])) for i in kept), "faint"))
    chart = xy_chart([], lines, x_title="hours since the first decision", y_title="USD so far")
    return Section(
        "Spending", "What was spent, beside the predicted cost of always taking the dearest candidate.", chart
    )


def _decided_models(decisions: Sequence[LoggedDecision]) -> str:
    rows = []
    for model, count in Counter(d.model for d in decisions).most_common(_MOST_MODELS):
        mine = [d for d in decisions if d.model == model]
        rated = [d.quality for d in mine if d.quality is not None]
        costs = [d.cost_nano_usd for d in mine if d.cost_nano_usd is not None]
        quality = f"{np.mean(rated):.3f} ± {1.96 * np.std(rated) / np.sqrt(len(rated)):.3f}" if rated else "unknown"
        price = f"{np.mean(costs) / 1000:,.1f}" if costs else "unknown"
        rows.append([model, f"{count:,}", quality, f"{len(rated):,}", price])
    return table(["model", "decisions", "quality", "outcomes", "micro-USD a decision"], rows)


def _router_shares(decisions: Sequence[LoggedDecision]) -> dict[str, float]:
    return {name or "(none)": n / len(decisions) for name, n in Counter(d.router for d in decisions).most_common()}


def _drift(drift: Sequence[ModelDrift]) -> list[Section]:
    if not drift:
        return []
    rows = []
    for each in drift:
        index, drifted = f"{each.verdict.stability_index:.2f}", "yes" if each.verdict.drifted else "no"
        rows.append([each.classifier, each.model, f"{each.scores:,}", index, drifted])
    about = "The newest predictions beside those of training; from an index of 0.2 on, label and train again."
    return [Section("Drift", about, table(["classifier", "model", "scores", "index", "drifted"], rows))]


def _pairs(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x) / 1000, float(y)) for x, y in zip(xs, ys, strict=True))


def _value(figure: Mapping[str, Any] | None) -> float | None:
    return None if figure is None else figure["value"]


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["value"] is None:
        return ""
    interval = figure["ci95"]
    return f"{figure['value']:.3f}" + (f"  ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")
