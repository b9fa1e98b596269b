from dataclasses import replace

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.evaluation.comparable import NotComparable
from frontdesk_server.learning.evaluation.curve import pair_curve
from frontdesk_server.learning.evaluation.evaluate import evaluate_pair, evaluate_pool
from frontdesk_server.learning.evaluation.neighbours import neighbours_of
from frontdesk_server.learning.evaluation.pool_routing import (
    best_at_cost,
    best_single,
    choices_at_cost,
    envelope,
    expected_costs,
    pool_points,
)

from tests.unit.learning.conftest import make_dataset

KEYS = {"apgr", "cpt20", "cpt50", "cpt80", "cost_saved_at_equal_quality", "quality", "cost", "quality_at_equal_cost"}


def test_the_curve_of_a_perfect_score_by_hand() -> None:
    """The strong model wins the two of ten queries with the highest scores; the edges give shares 1.0 to 0.0."""
    strong = np.array([1.0] * 10)
    weak = np.array([1.0] * 8 + [0.0] * 2)
    curve = pair_curve(np.arange(10.0), weak, strong)
    np.testing.assert_allclose(curve.strong_share, np.arange(11) / 10)
    np.testing.assert_allclose(curve.quality, [0.8, 0.9, *[1.0] * 9])
    assert curve.apgr == pytest.approx((0.05 + 0.15 + 8 * 0.2) / 10 / 0.2)
    assert curve.cpt(50) == pytest.approx(10.0)
    assert curve.cpt(80) == pytest.approx(16.0)


def test_equal_scores_route_together() -> None:
    curve = pair_curve(np.array([0.0, 0.0, 0.0, 1.0]), np.zeros(4), np.array([0.0, 0.0, 0.0, 1.0]))
    assert set(curve.strong_share) == {0.0, 0.25, 1.0}


def test_models_that_do_not_differ_have_no_gap_to_recover() -> None:
    assert np.isnan(pair_curve(np.arange(20.0), np.ones(20), np.ones(20)).apgr)


def test_a_pair_stands_beside_its_baselines(outcomes: Dataset) -> None:
    score = np.array([float(domain == "formulas") for domain in outcomes.domains])
    score += 0.01 * np.random.default_rng(0).random(len(score))
    result = evaluate_pair(outcomes, "large", "small", score, resamples=50).result
    assert set(result) >= KEYS
    assert KEYS == set(result["router"]) == set(result["baselines"]["random"])
    assert result["baselines"].keys() == {"prompt_length", "oracle", "random"}
    low, high = result["apgr"]["ci95"]
    assert low < result["apgr"]["value"] < high
    assert result["apgr"]["value"] > 0.7
    assert result["baselines"]["random"]["apgr"]["value"] == pytest.approx(0.5, abs=0.05)
    assert result["baselines"]["oracle"]["apgr"]["value"] > result["apgr"]["value"]
    assert result["models"]["large"]["cost"] == pytest.approx(10_000.0)


def test_nearest_neighbours_stand_beside_every_router(outcomes: Dataset) -> None:
    """They tell animals from formulas, which a score by dice does not."""
    neighbours = neighbours_of(outcomes, load_default(), None, seed=0)
    dice = np.random.default_rng(0).random((len(outcomes), 2))
    pair = evaluate_pair(outcomes, "large", "small", dice[:, 0], neighbours=neighbours, resamples=10).result
    pool = evaluate_pool(outcomes, outcomes.models, dice, neighbours=neighbours, resamples=10).result
    assert pair["baselines"]["neighbours"]["apgr"]["value"] > 0.7
    assert pool["baselines"]["neighbours"]["cost_saved_at_equal_quality"]["value"] > 0.3
    for result in (pair, pool):
        added = result["routing_adds"]
        assert added["over_neighbours"] < -3 * added["over_neighbours_error"]
        assert added["beats_shuffle"] is added["beats_neighbours"] is False


def test_equal_quality_saves_what_need_not_be_asked(outcomes: Dataset) -> None:
    """By the oracle's score the strong model is needed only where the weak one fails and it does not."""
    gap = outcomes.quality[:, 1] - outcomes.quality[:, 0]
    result = evaluate_pair(outcomes, "large", "small", gap, resamples=10).result
    needed = (gap > 0).mean()
    saved = result["cost_saved_at_equal_quality"]["value"]
    assert saved > (1.0 - needed) * 0.9
    assert result["quality"]["value"] >= outcomes.quality[:, 1].mean()
    assert result["cost"]["value"] == pytest.approx((1.0 - saved) * 10_000.0)


def test_outcomes_of_one_model_a_query_compare_nothing(outcomes: Dataset) -> None:
    """So a ledger has them; a pool would save 0 with the interval [0, 0]."""
    quality = outcomes.quality.copy()
    quality[::2, 0] = np.nan
    quality[1::2, 1] = np.nan
    disjoint = make_dataset(outcomes.prompts, outcomes.models, quality, outcomes.domains)
    with pytest.raises(NotComparable, match="replay"):
        evaluate_pair(disjoint, "large", "small", np.zeros(len(outcomes)))
    with pytest.raises(NotComparable, match="of 240 of 240 queries the outcome of one model alone"):
        evaluate_pool(disjoint, disjoint.models, np.zeros(quality.shape))


def test_a_pool_saves_by_sending_easy_queries_to_cheap_models(outcomes: Dataset) -> None:
    predicted = np.column_stack([[float(d == "animals") for d in outcomes.domains], np.full(len(outcomes), 0.9)])
    result = evaluate_pool(outcomes, outcomes.models, predicted, resamples=20).result
    assert result["best_single"] == "large"
    assert result["cost_saved_at_equal_quality"]["value"] > 0.3
    assert result["baselines"]["oracle"]["cost_saved_at_equal_quality"]["value"] > 0.4
    assert result["baselines"]["fixed"]["cost_saved_at_equal_quality"]["value"] == 0.0
    assert result["baselines"]["shuffled"]["cost_saved_at_equal_quality"]["value"] == 0.0
    assert result["apgr"]["value"] is None


def test_a_model_of_unknown_outcome_is_not_chosen() -> None:
    quality = np.array([[0.2, np.nan], [0.2, 1.0]])
    cost = np.array([[1.0, np.nan], [1.0, 2.0]])
    predicted = np.array([[0.1, 0.9], [0.1, 0.9]])
    paid, reached = pool_points(predicted, np.array([[1.0, 2.0]] * 2), quality, cost)
    assert reached[0] == pytest.approx(0.6)
    assert paid[0] == pytest.approx(1.5)


def test_what_a_cost_affords() -> None:
    """Of the prices, the lowest whose choices keep within the cost; of points, the best."""
    quality = np.array([[0.0, 1.0], [0.0, 1.0]])
    cost = np.array([[1.0, 3.0]] * 2)
    gains_on_the_first = np.array([[0.5, 0.9], [0.5, 0.6]])
    chosen = [choices_at_cost(gains_on_the_first, cost, quality, cost, limit) for limit in (3.0, 2.0, 1.0)]
    assert [columns.tolist() for columns in chosen if columns is not None] == [[1, 1], [1, 0], [0, 0]]
    assert choices_at_cost(gains_on_the_first, cost, quality, cost, 0.5) is None
    assert best_at_cost(np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.9, 0.8]), 3.0) == (2.0, 0.9)
    assert np.isnan(best_at_cost(np.array([1.0]), np.array([0.2]), 0.5)).all()


def test_the_best_single_model_must_be_known_nearly_always() -> None:
    quality = np.full((100, 2), 0.5)
    quality[:, 1] = np.nan
    quality[:50, 1] = 1.0
    assert best_single(quality) == 0


def test_expected_costs_grow_with_the_query() -> None:
    sizes = np.array([10.0, 20.0, 30.0, 40.0])
    costs = expected_costs(np.column_stack([sizes * 2, np.full(4, 7.0)]), sizes)
    np.testing.assert_allclose(costs, np.column_stack([sizes * 2, np.full(4, 7.0)]), atol=1e-6)


def test_the_envelope_keeps_what_no_cheaper_point_beats() -> None:
    cost, quality = envelope(np.array([3.0, 1.0, 2.0, 4.0]), np.array([0.6, 0.5, 0.4, 0.9]))
    np.testing.assert_allclose(cost, [1.0, 3.0, 4.0])
    np.testing.assert_allclose(quality, [0.5, 0.6, 0.9])


@pytest.mark.parametrize("paid", [0.0, 500.0])
def test_models_that_cost_nothing_are_weighed_like_others(outcomes: Dataset, paid: float) -> None:
    """Nothing is saved where nothing is paid; of three models two are free, so that the usual cost is 0."""
    cost = np.zeros_like(outcomes.cost_nano_usd)
    cost[:, 0] = paid
    free = replace(outcomes, cost_nano_usd=cost)
    score = np.random.default_rng(0).random(len(free))
    pair = evaluate_pair(free, free.models[0], free.models[1], score, resamples=2).result
    pool = evaluate_pool(free, free.models, np.column_stack([score] * len(free.models)), resamples=2).result
    if not paid:
        assert pair["cost_saved_at_equal_quality"]["value"] == pool["cost_saved_at_equal_quality"]["value"] == 0.0
    assert pool["quality_at_equal_cost"]["value"] >= np.nanmean(free.quality, axis=0).min()


def test_prices_are_in_terms_of_what_is_paid_where_most_models_are_free() -> None:
    expected = np.tile([0.0, 0.0, 100.0], (4, 1))
    predicted = np.tile([0.2, 0.5, 0.9], (4, 1))
    chosen = choices_at_cost(predicted, expected, np.zeros((4, 3)), expected, limit=0.0)
    assert chosen is not None
    assert chosen.tolist() == [1, 1, 1, 1]
