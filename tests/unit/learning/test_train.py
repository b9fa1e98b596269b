from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import TASKS, Artefact, Predictor
from frontdesk_server.artefacts.quality.structure import ask_for_ease
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.folds import folds_by_group
from frontdesk_server.learning.training.blocks import Targets
from frontdesk_server.learning.training.factors import fit_factors
from frontdesk_server.learning.training.ferns import fit_ferns
from frontdesk_server.learning.training.heads import LabelledTexts
from frontdesk_server.learning.training.matrix import fit_scaling, read_texts
from frontdesk_server.learning.training.reliability import measure_reliability
from frontdesk_server.learning.training.settings import FEATURES, TrainingSettings
from frontdesk_server.learning.training.stack import fit_stack
from frontdesk_server.learning.training.topics import fit_topics, number_domains, with_topics_out_of_fold
from frontdesk_server.learning.training.train import TrainingError, progress_steps, train

from tests.unit.learning.conftest import make_dataset

WORDS = TrainingSettings(features=("words", "topics", "embedding"), lexical_bits=12)


@pytest.fixture(scope="session")
def artefact(outcomes: Dataset) -> Artefact:
    return train(outcomes, load_default(), TrainingSettings(lexical_bits=12))


def test_a_trained_predictor_tells_queries_apart_that_it_has_not_seen(
    artefact: Artefact, further_outcomes: Dataset
) -> None:
    predicted = Predictor(artefact, load_default()).predict_many(further_outcomes.prompts).quality
    hard = np.array([domain == "formulas" for domain in further_outcomes.domains])
    assert predicted[hard, 0].mean() < 0.35
    assert predicted[~hard, 0].mean() > 0.65
    assert predicted[:, 1].mean() > 0.75
    assert artefact.metrics["brier"] < 0.8 * artefact.metrics["brier_of_mean"]
    assert 0.0 <= artefact.metrics["ece"] < 0.1


def test_the_exported_arrays_predict_what_the_fitted_blocks_predict(outcomes: Dataset, artefact: Artefact) -> None:
    embedder = load_default()
    raw = read_texts(outcomes.prompts, embedder, 12)
    scaling = fit_scaling(raw)
    features = raw.scaled(scaling)
    folds, domains = folds_by_group(outcomes.prompts, 5, 0), number_domains(outcomes.domains)
    factors = fit_factors(outcomes.quality, domains, 16)
    annotated = with_topics_out_of_fold(features, domains, folds)
    topics = fit_topics(features, domains, 2)
    fit = partial(fit_stack, folds=folds, names=FEATURES, groups=len(set(outcomes.prompts)), seed=0)
    of_ease = fit(annotated, Targets(factors.z[:, :1], domains))
    apart = fit(replace(annotated, ease=of_ease.out_of_fold), Targets(factors.z[:, 1:], domains))
    ease = of_ease.predict(topics.annotate(features))
    z = [ease, apart.predict(replace(topics.annotate(features), ease=ease))]
    expected = np.clip(factors.offset + np.hstack(z) @ factors.loadings, 0.0, 1.0)
    predicted = Predictor(artefact, embedder).predict_many(outcomes.prompts).quality
    np.testing.assert_allclose(predicted, expected, atol=0.02)


def test_what_a_fold_is_judged_by_was_learned_and_chosen_without_its_outcomes(outcomes: Dataset) -> None:
    raw = read_texts(outcomes.prompts, load_default(), 12)
    features, folds = raw.scaled(fit_scaling(raw)), folds_by_group(outcomes.prompts, 3, 0)
    domains = np.zeros(len(outcomes), dtype=np.int64)
    draw, own = np.random.default_rng(0), folds == 1
    values = draw.normal(size=(len(outcomes), 2))
    others = np.where(own[:, None], draw.normal(size=values.shape), values)
    names, groups = ("words", "embedding"), len(set(outcomes.prompts))
    before, after = (
        fit_stack(features, Targets(z, domains), folds, names, groups=groups, seed=0) for z in (values, others)
    )
    np.testing.assert_allclose(before.unseen[own], after.unseen[own], atol=1e-9)
    assert np.abs(before.unseen[~own] - after.unseen[~own]).max() > 1e-3


def test_a_model_seen_in_few_rows_keeps_to_what_all_models_share_and_is_less_certain(outcomes: Dataset) -> None:
    quality = np.column_stack([outcomes.quality, outcomes.quality[:, 0]])
    quality[10:, 2] = np.nan
    dataset = make_dataset(outcomes.prompts, ("small", "large", "rare"), quality, outcomes.domains)
    predictor = Predictor(train(dataset, load_default(), WORDS), load_default())
    found = predictor.predict("Tell me about the heron and the mole?")
    assert found.uncertainty[2] > 1.5 * found.uncertainty[0]
    assert 0.3 < found.quality[2] <= 1.0


def test_missing_pairs_are_normal(outcomes: Dataset, further_outcomes: Dataset) -> None:
    quality = outcomes.quality.copy()
    quality[np.random.default_rng(0).random(quality.shape) < 0.4] = np.nan
    dataset = make_dataset(outcomes.prompts, outcomes.models, quality, outcomes.domains)
    predicted = Predictor(train(dataset, load_default(), WORDS), load_default()).predict_many(further_outcomes.prompts)
    hard = np.array([domain == "formulas" for domain in further_outcomes.domains])
    assert predicted.quality[~hard, 0].mean() - predicted.quality[hard, 0].mean() > 0.2


def test_the_same_seed_gives_the_same_artefact_in_as_many_steps_as_announced(outcomes: Dataset, tmp_path: Path) -> None:
    for name in ("a", "b"):
        steps: list[int] = []
        train(outcomes, load_default(), WORDS, advance=steps.append).save(tmp_path / name)
        assert sum(steps) == progress_steps(outcomes, WORDS)
    assert (tmp_path / "a" / "arrays.npz").read_bytes() == (tmp_path / "b" / "arrays.npz").read_bytes()


def test_heads_learn_task_and_difficulty(outcomes: Dataset) -> None:
    texts = [f"{verb} the poem about {i}" for i in range(40) for verb in ("translate", "extract names from")]
    labelled = LabelledTexts(texts, ["translate", "extract"] * 40, [0.1, 0.8] * 40, texts, [1.0] * 80)
    predictor = Predictor(train(outcomes, load_default(), WORDS, labelled=labelled), load_default())
    easy, hard = predictor.predict("translate the poem about tea"), predictor.predict("extract names from the letter")
    assert (easy.task, hard.task) == ("translate", "extract")
    assert easy.tasks is not None
    assert easy.tasks.shape == (len(TASKS),)
    assert easy.tasks.sum() == pytest.approx(1.0, abs=1e-5)
    assert easy.difficulty is not None
    assert hard.difficulty is not None
    assert easy.difficulty < 0.4 < hard.difficulty


def test_texts_of_which_is_known_what_they_do_not_ask_for_are_told_from_it(outcomes: Dataset) -> None:
    """Else a manner of writing that only one task was seen in would be taken for that task."""
    known = [f"{verb} the poem about {i}" for i in range(20) for verb in ("translate", "extract names from")]
    foreign = [f"sag mir bitte {what} {i}" for i in range(20) for what in ("die Schleife", "das Wetter")]
    texts, tasks = [*known, *foreign], [*["translate", "extract"] * 20, *["code", None] * 20]
    only = (texts, tasks, [0.1, 0.8] * 40, texts, [1.0] * 80)
    alike, told = (
        Predictor(train(outcomes, load_default(), WORDS, labelled=labelled), load_default())
        for labelled in (LabelledTexts(*only), LabelledTexts(*only, [*[None] * 40, *[None, "code"] * 20]))
    )
    assert told.predict("sag mir bitte die Schleife 7").task == "code"
    assert told.predict("sag mir bitte das Wetter 7").task != "code"
    assert alike.predict("sag mir bitte das Wetter 7").task == "code"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TrainingSettings(features=("words", "magic")), "unknown feature magic; known: words, topics"),
        (TrainingSettings(unseen_domains=True), "unseen domains need at least 5 domains"),
    ],
)
def test_settings_that_cannot_be_trained_with_say_why(
    outcomes: Dataset, settings: TrainingSettings, message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        train(outcomes, load_default(), settings)


def test_too_little_data_says_how_much_is_needed(outcomes: Dataset) -> None:
    with pytest.raises(TrainingError, match="7 queries with an outcome; training needs at least 20"):
        train(outcomes.take(range(7)), load_default())
    silent = make_dataset(outcomes.prompts, ("a", "b"), outcomes.quality * [[1, np.nan]], outcomes.domains)
    with pytest.raises(TrainingError, match="no outcome at all for model b"):
        train(silent, load_default())


def test_factors_rebuild_complete_outcomes_exactly() -> None:
    quality = np.random.default_rng(0).random((50, 3))
    one_domain = np.zeros(50, dtype=np.int64)
    factors = fit_factors(quality, one_domain, 3)
    np.testing.assert_allclose(factors.offset + factors.z @ factors.loadings, quality, atol=0.2)
    pair = fit_factors(quality[:, :2], one_domain, 2)
    np.testing.assert_allclose(pair.z @ (pair.loadings[:, 0] - pair.loadings[:, 1]) + pair.offset[0] - pair.offset[1],
                               quality[:, 0] - quality[:, 1], atol=1e-2)  # fmt: skip


def test_a_pair_nobody_tried_is_taken_to_be_as_usual_in_its_domain() -> None:
    """Three models, alike in domain 0; in domain 1 the last is better, and was tried on a third of the queries only."""
    rng = np.random.default_rng(0)
    domains = np.repeat([0, 1], 600)
    chances = np.array([[0.7, 0.6, 0.65], [0.5, 0.4, 0.8]])[domains]
    quality = (rng.random(chances.shape) < chances).astype(float)
    untried = (domains == 1) & (rng.random(len(domains)) < 2 / 3)
    quality[untried, 2] = np.nan
    factors = fit_factors(quality, domains, 3)
    gap = factors.offset[2] - factors.offset[0] + factors.z @ (factors.loadings[:, 2] - factors.loadings[:, 0])
    tried = (domains == 1) & ~untried
    assert gap[domains == 0].mean() < 0.0 < gap[tried].mean()
    assert gap[untried].mean() > 0.5 * gap[tried].mean()


def test_ferns_learn_a_rule_of_two_inputs() -> None:
    inputs = np.random.default_rng(0).random((600, 5))
    targets = ((inputs[:, 1] > 0.5) ^ (inputs[:, 3] > 0.5)).astype(float)[:, None]
    ferns = fit_ferns(inputs, targets, ferns=200, depth=6, shrinkage=5.0, seed=0)
    fresh = np.random.default_rng(1).random((300, 5))
    truth = (fresh[:, 1] > 0.5) ^ (fresh[:, 3] > 0.5)
    predicted = ferns.predict(fresh)[:, 0]
    assert predicted[truth].mean() - predicted[~truth].mean() > 0.15


def test_an_input_drawn_more_often_is_asked_for_more_often() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(300, 10)), rng.normal(size=(300, 1))
    asked = [
        (fit_ferns(inputs, targets, ferns=100, depth=3, shrinkage=5.0, seed=0, last_as_many=n).columns == 9).mean()
        for n in (1, 9)
    ]
    assert asked[0] < 0.2
    assert 0.4 < asked[1] < 0.6


def test_ferns_of_what_sets_models_apart_ask_for_the_expected_ease(outcomes: Dataset) -> None:
    ferns = train(outcomes, load_default(), TrainingSettings(features=("ferns",), lexical_bits=12)).arrays
    ask = ask_for_ease(ferns)
    leaves = ferns["fern_leaves"].reshape(len(ask), -1, 2)
    assert leaves[ask, :, 1].any()
    assert not leaves[ask, :, 0].any()


def test_folds_never_split_a_group() -> None:
    groups = ["a", "b", "a", "c", "d", "e", "b"]
    folds = folds_by_group(groups, 3, seed=0)
    assert folds[0] == folds[2]
    assert folds[1] == folds[6]
    assert set(folds) == {0, 1, 2}


def test_reliability_of_a_calibrated_and_of_a_boastful_predictor() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random((4000, 1))
    outcome = (rng.random((4000, 1)) < probability).astype(float)
    honest = measure_reliability(["m"], probability, outcome)[0]
    boastful = measure_reliability(["m"], np.full_like(probability, 0.95), outcome)[0]
    assert honest.ece < 0.03
    assert honest.brier < honest.brier_of_mean
    assert boastful.ece == pytest.approx(0.45, abs=0.03)


def test_topics_are_told_by_words_that_few_texts_hold() -> None:
    """Twelve domains of twelve words each, every text names one of them among what all texts say."""
    rows = np.arange(600)
    domains = rows % 12
    prompts = [
        f"please tell us what you know of w{chr(97 + d)}{chr(97 + r // 12 % 12)}"
        for r, d in zip(rows, domains, strict=True)
    ]
    raw = read_texts(prompts, load_default(), 12)
    features = raw.scaled(fit_scaling(raw))
    features = replace(features, dense=np.zeros_like(features.dense), signals=np.zeros_like(features.signals))
    folds = folds_by_group([str(row) for row in rows], 5, seed=0)
    topics = with_topics_out_of_fold(features, domains, folds).topics
    assert (topics.argmax(axis=1) == domains).mean() > 0.95
    assert topics[rows, domains].mean() > 0.8
