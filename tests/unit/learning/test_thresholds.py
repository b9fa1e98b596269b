from dataclasses import replace

import numpy as np
import pytest
from frontdesk_server.learning.embedding.thresholds import best_threshold, fit_thresholds
from frontdesk_server.routing.references import Reference, ReferenceIndex
from numpy.typing import NDArray

AXES = np.eye(4, dtype=np.float32)
INDEX = ReferenceIndex((Reference("billing", "a"), Reference("code", "b")), AXES[:2], scoring="nearest")


def towards(axis: int, cosine: float) -> NDArray[np.float32]:
    """A unit vector at that cosine to an axis, otherwise on the fourth, which no reference knows."""
    return np.asarray(cosine * AXES[axis] + np.sqrt(1 - cosine**2) * AXES[3], np.float32)


def test_the_threshold_lies_in_the_gap_between_right_and_wrong() -> None:
    scores, right = np.array([0.9, 0.2, 0.7, 0.4]), np.array([True, False, True, False])
    assert 0.4 < best_threshold(scores, right, np.ones(4)) < 0.7


@pytest.mark.parametrize(("right", "passes"), [(True, True), (False, False)])
def test_where_all_are_right_or_wrong_all_pass_or_none(right: bool, passes: bool) -> None:
    scores = np.array([0.3, 0.3, 0.8])
    threshold = best_threshold(scores, np.full(3, right), np.ones(3))
    assert (scores >= threshold).tolist() == [passes] * 3


def test_equal_scores_are_never_told_apart() -> None:
    threshold = best_threshold(np.array([0.5, 0.5, 0.5]), np.array([True, False, False]), np.ones(3))
    assert threshold > 0.5


def test_weights_decide_between_losing_and_letting_pass() -> None:
    scores, right = np.array([0.5, 0.6]), np.array([True, False])
    assert best_threshold(scores, right, np.array([3.0, 1.0])) < 0.5
    assert best_threshold(scores, right, np.array([1.0, 3.0])) > 0.6


def test_every_label_gets_the_threshold_that_its_examples_ask_for() -> None:
    billing = [towards(0, cosine) for cosine in np.linspace(0.3, 0.9, 40)]
    code = [towards(1, cosine) for cosine in np.linspace(0.7, 0.9, 40)]
    strange = [towards(1, cosine) for cosine in np.linspace(0.3, 0.6, 40)]
    labels: list[str | None] = ["billing"] * 40 + ["code"] * 40 + [None] * 40
    fit = fit_thresholds(INDEX, np.stack([*billing, *code, *strange]), labels)
    assert fit.thresholds["billing"] < fit.thresholds["code"]
    assert 0.5 < fit.thresholds["code"] < 0.7
    assert fit.accuracy > 0.95 > fit.accuracy_without_thresholds == pytest.approx(2 / 3)
    assert (fit.examples, fit.out_of_scope_examples) == (120, 40)
    fitted = replace(INDEX, thresholds=fit.thresholds, default_threshold=fit.default_threshold)
    assert fitted.match(towards(1, 0.4)).label is None
    assert fitted.match(towards(0, 0.4)).label == "billing"


def test_a_label_with_few_examples_stays_near_the_pooled_threshold() -> None:
    vectors = np.stack([*(towards(0, cosine) for cosine in np.linspace(0.3, 0.9, 60)), towards(1, 0.95)])
    labels = [*(["billing" if row >= 30 else None for row in range(60)]), None]
    fit = fit_thresholds(INDEX, vectors, labels)
    assert abs(fit.thresholds["code"] - fit.default_threshold) < 0.1


def test_a_reference_does_not_vouch_for_itself() -> None:
    vectors = np.concatenate([INDEX.vectors, towards(0, 0.6)[None]])
    index = replace(INDEX, references=(*INDEX.references, Reference("billing", "c")), vectors=vectors)
    fit = fit_thresholds(index, np.stack([AXES[0], AXES[1], towards(0, 0.6)]), ["billing", None, "billing"])
    assert fit.default_threshold < 0.61


def test_examples_of_a_label_without_references_are_refused() -> None:
    with pytest.raises(ValueError, match="no references for: legal"):
        fit_thresholds(INDEX, AXES[:1], ["legal"])
    with pytest.raises(ValueError, match="at least one"):
        fit_thresholds(INDEX, AXES[:0], [])
