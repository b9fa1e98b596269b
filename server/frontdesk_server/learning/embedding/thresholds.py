"""Fitting the thresholds under which a query counts as out of scope, one a label, from labelled examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.routing.references import Match, ReferenceIndex

_PRIOR_EXAMPLES = 10.0
"""A label's own threshold counts as much as the pooled one when this many examples are closest to it."""


@dataclass(frozen=True, slots=True)
class ThresholdFit:
    """Fitted thresholds; accuracies are shares of the examples that got their label, or none when out of scope.

    Both are read on the examples that the thresholds were fitted on.
    """

    thresholds: dict[str, float]
    default_threshold: float
    accuracy: float
    accuracy_without_thresholds: float
    examples: int
    out_of_scope_examples: int


def fit_thresholds(
    index: ReferenceIndex,
    vectors: NDArray[np.float32],
    labels: Sequence[str | None],
    *,
    out_of_scope_weight: float = 1.0,
) -> ThresholdFit:
    """Fit thresholds to examples: `vectors` of shape (examples, dimension) and their labels, None for out of scope.

    An example that is a reference itself is compared with all others but it. A threshold is right about an example
    whose closest label is the true one when it lets it pass, and right about any other when it does not;
    `out_of_scope_weight` is what an out-of-scope example counts. A label's threshold is drawn to the pooled one, the
    more so the fewer examples are closest to it. Raises ValueError without examples.
    """
    if not len(labels) or len(labels) != len(vectors):
        raise ValueError(f"need as many labels as vectors, at least one, not {len(labels)} for {len(vectors)}")
    if unknown := sorted({label for label in labels if label is not None} - set(index.labels)):
        raise ValueError(f"no references for: {', '.join(unknown)}")
    matches = [match_apart(index, vector) for vector in vectors]
    scores = np.array([match.score for match in matches])
    right = np.array([match.closest == label for match, label in zip(matches, labels, strict=True)])
    weights = np.array([out_of_scope_weight if label is None else 1.0 for label in labels])
    pooled = best_threshold(scores, right, weights)
    closest = np.array([match.closest for match in matches])
    thresholds = {}
    for label in index.labels:
        own = closest == label
        count = float(own.sum())
        if count:
            fitted = best_threshold(scores[own], right[own], weights[own], near=pooled)
            thresholds[label] = round((count * fitted + _PRIOR_EXAMPLES * pooled) / (count + _PRIOR_EXAMPLES), 4)
    passes = scores >= [thresholds[match.closest] for match in matches]
    out_of_scope = np.array([label is None for label in labels])
    return ThresholdFit(
        thresholds=thresholds,
        default_threshold=round(pooled, 4),
        accuracy=float(np.where(passes, right, out_of_scope).mean()),
        accuracy_without_thresholds=float(right.mean()),
        examples=len(labels),
        out_of_scope_examples=int(out_of_scope.sum()),
    )


def match_apart(index: ReferenceIndex, vector: NDArray[np.float32]) -> Match:
    """Match a vector against all references but those it equals, so that no reference vouches for itself."""
    same = np.flatnonzero(index.vectors @ vector > 1.0 - 1e-5)
    if 0 < len(same) < len(index):
        index = index.removing(index.references[row] for row in same)
    return index.match(vector)


def best_threshold(
    scores: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64], near: float = 0.0
) -> float:
    """Return the threshold that lets the most weight of right examples pass and holds the most of the others back.

    Candidates lie midway between neighbouring scores and a little beyond both ends; of equals, the closest to `near`.
    """
    order = np.argsort(scores)
    ranked = scores[order]
    gains = np.where(right, -weights, weights)[order]  # of raising the threshold past an example
    value = np.concatenate([[0.0], np.cumsum(gains)])
    margin = 0.01
    cuts = np.concatenate([[ranked[0] - margin], (ranked[1:] + ranked[:-1]) / 2, [ranked[-1] + margin]])
    distinct = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    best = np.flatnonzero(distinct & (value >= value[distinct].max() - 1e-9))
    return float(cuts[best[np.abs(cuts[best] - near).argmin()]])
