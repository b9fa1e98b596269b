"""What a ledger's decisions tell, as one HTML page: what was chosen, what it came to, and what it saved.

Costs are those that were settled, and so is what the strongest model would have cost: its prices for the very tokens of
the answer. Predictions are shown only where nothing was settled, and then named so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np

from frontdesk_server.artefacts.quality.drift import ModelDrift
from frontdesk_server.domain.money import PER_THOUSAND, per_thousand, saved_share, usd
from frontdesk_server.domain.usage import NANO_USD_PER_USD
from frontdesk_server.learning.drawing.svg import Line, bars, xy_chart
from frontdesk_server.learning.replay.added import Rival
from frontdesk_server.learning.replay.logged import LoggedDecision
from frontdesk_server.learning.report.page import Headline, Section, render_page, table

__all__ = ["report_decisions"]

_MOST_MODELS = 12
_DRAWN_POINTS = 200
_UNITS = (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0))
_LEAST_UNITS = 3
"""An axis of time counts in the longest unit of which it holds so many."""
_ROUTED = "routed"

Amount = Callable[[LoggedDecision], float | None]


def report_decisions(
    decisions: Sequence[LoggedDecision],
    *,
    title: str,
    drift: Sequence[ModelDrift] = (),
    rivals: Sequence[Rival] = (),
) -> str:
    """Return the page for a ledger's decisions, beside what they must beat."""
    ordered = sorted(decisions, key=lambda d: d.decided_at)
    share = {model: n / len(decisions) for model, n in Counter(d.model for d in decisions).most_common(_MOST_MODELS)}
    sections = [
        *_over_time(ordered),
        Section("Chosen models", "Share of decisions.", bars(share, share=True)),
        *_added(rivals),
        Section("Models", f"By the model chosen; cost as settled, in {PER_THOUSAND}.", _models(decisions)),
        Section("Routers", "Share of decisions.", bars(_router_shares(decisions), share=True)),
        *_drift(drift),
    ]
    first, last = ordered[0].decided_at, ordered[-1].decided_at
    subtitle = f"Decisions from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    return render_page(title, subtitle, _headlines(decisions), sections)


def _headlines(decisions: Sequence[LoggedDecision]) -> list[Headline]:
    asked = [d for d in decisions if _was_asked(d)]
    known = [d.cost_nano_usd for d in asked if d.cost_nano_usd is not None]
    rated = [d.quality for d in decisions if d.quality is not None]
    explored = sum(d.propensity < 1.0 for d in decisions)
    only_routed = f"decisions, {len(decisions) - len(asked):,} of them without a call"
    unknown = f"; that of {len(asked) - len(known):,} more is unknown" if len(known) < len(asked) else ""
    return [
        Headline(f"{len(decisions):,}", "decisions" if len(asked) == len(decisions) else only_routed),
        Headline(usd(sum(known)) if known else "unknown", f"spent on {len(known):,} calls{unknown}"),
        *_saved(decisions),
        Headline(f"{np.mean(rated):.2f}", f"mean quality of {len(rated):,} reported outcomes")
        if rated
        else Headline("none", "outcomes were reported"),
        Headline(f"{explored / len(decisions):.1%}", "decided with a propensity under 1"),
    ]


def _saved(decisions: Sequence[LoggedDecision]) -> list[Headline]:
    whole = [d for d in decisions if d.strongest_cost_nano_usd is not None]
    saved = sum(d.saved_nano_usd or 0.0 for d in whole)
    share = saved_share(saved, sum(d.strongest_cost_nano_usd or 0.0 for d in whole))
    if share is None:
        return []
    verb = "saved" if share >= 0 else "overspent"
    return [Headline(f"{abs(share):.1%}", f"{verb} on {len(whole):,} whole answers against the strongest model")]


def _was_asked(decision: LoggedDecision) -> bool:
    """Whether a model was asked; an export that tells no status tells so by its cost."""
    return decision.cost_nano_usd is not None or decision.status not in ("", _ROUTED)


def _over_time(ordered: Sequence[LoggedDecision]) -> list[Section]:
    whole = [d for d in ordered if d.strongest_cost_nano_usd is not None]
    if whole:
        beside = sum(d.cost_nano_usd or 0.0 for d in ordered) - sum(d.cost_nano_usd or 0.0 for d in whole)
        further = f" Calls without a whole answer cost {usd(beside)} more." if beside else ""
        lines = {"spent": lambda d: d.cost_nano_usd, "strongest model": lambda d: d.strongest_cost_nano_usd}
        about = f"Whole answers, beside the strongest model's prices for the same tokens; both as settled.{further}"
        return [Section("Spending", about, _sums(whole, lines))]
    settled = [d for d in ordered if d.cost_nano_usd is not None]
    if settled:
        about = "As settled. What the strongest model would have cost is not in the log."
        return [Section("Spending", about, _sums(settled, {"spent": lambda d: d.cost_nano_usd}))]
    predicted = [d for d in ordered if _dearest(d) is not None and _chosen(d) is not None]
    if predicted:
        about = "No call was settled. The predicted cost of what was chosen, beside that of the dearest candidate."
        drawn: dict[str, Amount] = {"chosen, predicted": _chosen, "dearest, predicted": _dearest}
        return [Section("Predicted spending", about, _sums(predicted, drawn))]
    return []


def _chosen(decision: LoggedDecision) -> float | None:
    candidate = decision.candidate(decision.model)
    return None if candidate is None else candidate.predicted_cost_nano_usd


def _dearest(decision: LoggedDecision) -> float | None:
    known = [c.predicted_cost_nano_usd for c in decision.candidates if c.predicted_cost_nano_usd is not None]
    return max(known, default=None)


def _sums(ordered: Sequence[LoggedDecision], lines: dict[str, Amount]) -> str:
    """Draw amounts added up over time."""
    start = ordered[0].decided_at
    seconds = [(d.decided_at - start).total_seconds() for d in ordered]
    unit, length = next((each for each in _UNITS if seconds[-1] >= _LEAST_UNITS * each[1]), _UNITS[-1])
    kept = np.unique(np.linspace(0, len(ordered) - 1, _DRAWN_POINTS).astype(int))
    drawn = []
    for name, amount in lines.items():
        total = list(accumulate((amount(d) or 0.0) / NANO_USD_PER_USD for d in ordered))
        drawn.append(Line(name, tuple((seconds[i] / length, total[i]) for i in kept)))
    return xy_chart([], drawn, x_title=f"{unit} since {start:%Y-%m-%d %H:%M:%S} UTC", y_title="USD so far")


def _added(rivals: Sequence[Rival]) -> list[Section]:
    if not rivals:
        return []
    rows = [
        [rival.name, f"{rival.outcomes:,}", *map(_quality, (rival.reached, rival.quality)), rival.gain]
        for rival in rivals
    ]
    about = " ".join(
        (
            *(rival.verdict for rival in rivals),
            "Estimated by the propensities, from the outcomes of decisions that gave another model a chance; ± one "
            "standard error.",
        )
    )
    body = table(["beside", "outcomes", "as decided", "beside it", "routing adds, points"], rows)
    return [Section("What routing itself adds", about, body)]


def _quality(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _models(decisions: Sequence[LoggedDecision]) -> str:
    rows = []
    for model, count in Counter(d.model for d in decisions).most_common(_MOST_MODELS):
        mine = [d for d in decisions if d.model == model]
        rated = [d.quality for d in mine if d.quality is not None]
        costs = [d.cost_nano_usd for d in mine if d.cost_nano_usd is not None]
        whole = [d.strongest_cost_nano_usd for d in mine if d.strongest_cost_nano_usd is not None]
        quality = f"{np.mean(rated):.3f} ± {1.96 * np.std(rated) / np.sqrt(len(rated)):.3f}" if rated else "unknown"
        rows.append(
            [
                model,
                f"{count:,}",
                quality,
                f"{len(rated):,}",
                per_thousand(float(np.mean(costs)) if costs else None),
                per_thousand(float(np.mean(whole)) if whole else None),
            ]
        )
    return table(["model", "decisions", "quality", "outcomes", "cost", "strongest model"], rows)


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
