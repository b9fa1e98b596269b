"""Learn then test: the cheapest policy whose loss against the strongest model stays under a limit, with a guarantee.

Policies are ordered from safest to cheapest before the outcomes are looked at. Each is tested for "loses more than
max_loss"; fixed-sequence testing goes down the order at the full level and stops at the first that is not rejected,
Bonferroni tests all at a level shared among them. Either way the chance that the chosen policy loses more than max_loss
is at most 1 - confidence, for any sample size (Angelopoulos et al., "Learn then test", 2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.calibration.bounds import TESTS, labels_needed

__all__ = ["Calibrated", "Certificate", "Policies", "calibrate"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Procedure = Literal["fixed-sequence", "bonferroni"]


@dataclass(frozen=True, slots=True, eq=False)
class Policies:
    """Policies from safest to cheapest, replayed on recorded outcomes; the first always asks the strongest model."""

    thresholds: tuple[float, ...]
    """What tells them apart; its meaning is the router's."""
    loss: Matrix
    """[n, policies], quality lost against the strongest model, in [-1, 1]."""
    cost: Matrix
    """[n, policies]; the unit does not matter."""

    def __post_init__(self) -> None:
        if self.loss.shape != self.cost.shape or self.loss.shape[1] != len(self.thresholds):
            raise ValueError("thresholds, loss and cost must name the same policies")
        if np.abs(self.loss[:, 0]).max(initial=0.0) > 0.0:
            raise ValueError("the first policy must always ask the strongest model")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was certified, from what, and how; written into the artefact."""

    threshold: float
    n: int
    max_loss: float
    delta: float
    test: str
    procedure: str
    observed_loss: float
    p_value: float
    cost_saved: float
    """Observed share of the strongest model's cost."""
    data_sha256: str
    date: str
    subject: str
    """What the threshold belongs to, such as a pair of models or a cascade's policy."""

    def as_json(self) -> dict[str, Any]:
        """Return what is written and printed."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The outcome: `index` is the chosen policy, 0 when nothing beyond the strongest model could be certified."""

    index: int
    certificate: Certificate
    more_labels_needed: int | None
    """About how many more would likely certify the next cheaper policy; None when that is not to be expected."""
    next_threshold: float | None
    """The next cheaper policy; None when the cheapest of all is certified."""


def calibrate(
    policies: Policies,
    *,
    max_loss: float,
    confidence: float,
    test: str = "betting",
    procedure: Procedure = "fixed-sequence",
    subject: str = "",
    data_sha256: str = "",
    seed: int = 0,
) -> Calibrated:
    """Choose the cheapest policy that can be certified. Rows are shuffled by `seed`, as the betting test demands."""
    if not (0.0 <= max_loss < 1.0 and 0.0 < confidence < 1.0):
        raise ValueError("max_loss must lie in [0, 1) and confidence in (0, 1)")
    delta = 1.0 - confidence
    order = np.random.default_rng(seed).permutation(len(policies.loss))
    loss = policies.loss[order]
    level = delta if procedure == "fixed-sequence" else delta / max(1, loss.shape[1] - 1)
    p_values = np.concatenate([[0.0], TESTS[test](loss[:, 1:], max_loss, level)])
    in_sequence, passed = procedure == "fixed-sequence", p_values <= level
    certified = np.logical_and.accumulate(passed) if in_sequence else passed
    cost = policies.cost.mean(axis=0)
    index = int(min(np.flatnonzero(certified), key=cost.__getitem__))
    following = _next_cheaper(cost, index, in_sequence)
    needed = None
    if following is not None:
        first = int(certified.argmin()) if in_sequence else following
        failed = first + np.flatnonzero(~passed[first : following + 1])
        needed = _all_of(labels_needed(loss[:, each], max_loss, level, TESTS[test]) for each in failed)
    certificate = Certificate(
        threshold=policies.thresholds[index],
        n=len(loss),
        max_loss=max_loss,
        delta=round(delta, 12),
        test=test,
        procedure=procedure,
        observed_loss=float(loss[:, index].mean()),
        p_value=float(p_values[index]),
        cost_saved=float(1.0 - cost[index] / cost[0]) if cost[0] else 0.0,
        data_sha256=data_sha256,
        date=datetime.now(UTC).date().isoformat(),
        subject=subject,
    )
    return Calibrated(
        index,
        certificate,
        None if needed is None else _rounded_up(needed - len(loss)),
        None if following is None else policies.thresholds[following],
    )


def _next_cheaper(cost: Vector, index: int, in_sequence: bool) -> int | None:
    """The policy that would be chosen with a little more evidence: the first that is cheaper, or else the dearest."""
    cheaper = np.flatnonzero(cost < cost[index])
    if not len(cheaper):
        return None
    return int(cheaper[0] if in_sequence else cheaper[cost[cheaper].argmax()])


def _all_of(needed: Iterable[int | None]) -> int | None:
    """The most that any needs, None where one has no number."""
    known = list(needed)
    return None if None in known else max(number for number in known if number is not None)


def _rounded_up(labels: int) -> int:
    """To two digits: it is no better known."""
    step = int(10 ** max(0, len(str(labels)) - 2))
    return labels + -labels % step
