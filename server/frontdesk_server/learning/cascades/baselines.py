"""What a cascade must beat: models alone and mixed, plain rules and routers, and its own escalations dealt at random.

All of them choose their models and thresholds in hindsight on the very queries that they are read on, which favours
them. The escalations are dealt with the members and the number of them that were asked: whose answer then leads, and
what all of this costs, is looked up on the query that they are dealt to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.data.recorded import RecordedAnswers
from frontdesk_server.learning.evaluation.added import Added
from frontdesk_server.learning.evaluation.estimates import Figures, bootstrapped, plain
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.pool_routing import best_at_cost, choices_by_price, expected_costs
from frontdesk_server.learning.evaluation.same_cost import Choices, beside_at_same_cost

__all__ = ["Policies", "baselines_of", "best_mixed", "compare", "deal", "savings", "stacked"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]
LeadOf = Callable[[tuple[int, ...]], NDArray[np.intp]]
"""Member columns that were asked, ascending -> the column of the leading answer [n]."""

_LENGTH_CUTS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Policies:
    """What some policies come to on each query, both [policies, n]."""

    quality: Matrix
    cost: Matrix
    mixed: bool = True
    """Whether two of them may be mixed at random."""

    def points(self) -> tuple[Vector, Vector]:
        """Mean cost and quality of each."""
        return self.cost.mean(axis=1), self.quality.mean(axis=1)


def stacked(parts: Iterable[tuple[Vector, Vector]]) -> Policies:
    """Return the policies that come to these qualities and costs, each [n]."""
    quality, cost = zip(*parts, strict=True)
    return Policies(np.array(quality), np.array(cost))


def deal(asked: NDArray[np.bool_], lead: LeadOf, quality: Matrix, cost: Matrix) -> tuple[Vector, Vector]:
    """What each query comes to, and costs, under escalations that are dealt to it at random; all [n, models]."""
    rows, strongest = np.arange(len(quality)), quality.shape[1] - 1
    reached, spent = np.zeros((2, len(quality)))
    for models, count in zip(*np.unique(asked, axis=0, return_counts=True), strict=True):
        answer = strongest if models[-1] else lead(tuple(int(member) for member in np.flatnonzero(models)))
        share = count / len(asked)
        reached += share * quality[rows, answer]
        spent += share * cost[:, models].sum(axis=1)
    return reached, spent


def baselines_of(data: RecordedAnswers, nearby: Neighbours | None, dealt: Policies) -> dict[str, Policies]:
    """Models mixed at random and alone, long prompts to the strongest, agreement, neighbours, an oracle, a shuffle."""
    quality, cost = data.quality, data.cost_nano_usd
    length = np.array([float(len(prompt)) for prompt in data.prompts])
    cuts = np.quantile(length, np.linspace(0.0, 1.0, _LENGTH_CUTS + 1))
    long = [(j, length > cut) for j in range(data.members) for cut in cuts]
    agreeing = [_agreement(data, asked) for size in (2, 3) for asked in combinations(range(data.members), size)]
    good = np.where(quality >= quality[:, -1:], cost, np.inf).argmin(axis=1)
    rows = np.arange(len(data))
    baselines = {
        "random": Policies(quality.T, cost.T),
        "fixed": Policies(quality.T, cost.T, mixed=False),
        "shuffled": dealt,
        "prompt_length": Policies(
            np.array([np.where(is_long, quality[:, -1], quality[:, j]) for j, is_long in long]),
            np.array([np.where(is_long, cost[:, -1], cost[:, j]) for j, is_long in long]),
        ),
        "oracle": stacked([(quality[rows, good], cost[rows, good])]),
    }
    if agreeing:
        baselines["agreement"] = stacked(agreeing)
    if nearby is not None:
        routed = np.array(list(choices_by_price(nearby.expected, expected_costs(cost, length), quality, cost)))
        baselines["neighbours"] = Policies(quality[rows, routed], cost[rows, routed])
    return baselines


def compare(
    data: RecordedAnswers,
    choices: Choices,
    nearby: Neighbours | None,
    baselines: Mapping[str, Policies],
    max_loss: float,
    *,
    resamples: int = 0,
    rng: np.random.Generator | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[dict[str, Figures], Added]:
    """Return what each baseline reaches at no more than the cost of choices, and saves at a loss; and what they add."""
    limit = float(choices.cost_nano_usd.mean())
    beside, added = beside_at_same_cost(data, choices, nearby)
    draw: dict[str, Any] = {"resamples": resamples, "rng": rng or np.random.default_rng(0), "advance": advance}
    found = {
        name: _within(policies, limit) | bootstrapped(partial(savings, data, policies, max_loss), len(data), **draw)
        for name, policies in baselines.items()
    }
    found["shuffled"] |= beside["shuffled"]
    mixed, alone = best_mixed(*baselines["random"].points(), limit), found["fixed"]["quality"]["value"]
    if alone is not None and mixed > alone:
        found["random"] |= plain({"quality": mixed, "cost": limit})
    return found, added


def savings(data: RecordedAnswers, policies: Policies, max_loss: float, rows: Rows) -> dict[str, float]:
    """Savings read off a set of policies, always asking the strongest model among them."""
    loss = data.quality[rows, -1].mean() - policies.quality[:, rows].mean(axis=1)
    saved = 1.0 - policies.cost[:, rows].mean(axis=1) / data.cost_nano_usd[rows, -1].mean()
    loss, saved = np.append(loss, 0.0), np.append(saved, 0.0)
    return {
        f"cost_saved_at_{name}": best_mixed(loss, saved, allowed)
        if policies.mixed
        else float(saved[loss <= allowed + 1e-12].max())
        for name, allowed in (("equal_quality", 0.0), ("max_loss", max_loss))
    }


def best_mixed(paid: Vector, gained: Vector, allowed: float) -> float:
    """Return the most that is gained for what may be paid, each [policies]; two policies may be mixed at random."""
    within, beyond = paid <= allowed + 1e-12, paid > allowed + 1e-12
    if not within.any():
        return float("nan")
    best = float(gained[within].max())
    if not beyond.any():
        return best
    share = (allowed - paid[within][:, None]) / (paid[beyond] - paid[within][:, None])
    mixed = gained[within][:, None] * (1.0 - share) + gained[beyond] * share
    return max(best, float(mixed.max()))


def _within(policies: Policies, limit: float) -> Figures:
    """Quality and cost of the best policy that costs no more."""
    cost, quality = best_at_cost(*policies.points(), limit)
    return plain({"quality": quality, "cost": cost})


def _agreement(data: RecordedAnswers, asked: tuple[int, ...]) -> tuple[Vector, Vector]:
    """Ask these members at once and the strongest model where they do not all agree."""
    groups = data.groups[:, asked]
    agree = (groups == groups[:, :1]).all(axis=1) & (groups[:, 0] >= 0)
    quality = np.where(agree, data.quality[:, asked[0]], data.quality[:, -1])
    cost = data.cost_nano_usd[:, asked].sum(axis=1) + np.where(agree, 0.0, data.cost_nano_usd[:, -1])
    return quality, cost
