import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.embedders import load_default
from frontdesk_server.predictor import (
    TASKS,
    Artefact,
    ArtefactError,
    EmbedderMismatchError,
    Predictor,
    default_artefact_path,
)
from frontdesk_server.predictor.features import MAX_TERM_WORDS, hashed_terms
from frontdesk_server.predictor.predict import expected_quality
from frontdesk_server.predictor.signals import SIGNAL_NAMES, text_signals, words_of

PAIRS = Path(__file__).resolve().parents[2] / "data" / "short_hard_long_easy.json"


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return Artefact.load(default_artefact_path())


@pytest.fixture(scope="module")
def predictor(artefact: Artefact) -> Predictor:
    return Predictor(artefact, load_default())


def signals_of(text: str) -> dict[str, float]:
    words = words_of(text)
    return dict(zip(SIGNAL_NAMES, text_signals(text, words, [word.lower() for word in words]).tolist(), strict=True))


def test_the_default_artefact_is_small_and_names_its_origin(artefact: Artefact) -> None:
    assert sum(file.stat().st_size for file in default_artefact_path().iterdir()) < 2_000_000
    assert artefact.has_tasks
    assert len(artefact.data_sha256) == 64
    assert artefact.metrics["ece"] < 0.08


def test_it_never_routes_on_length_alone(predictor: Predictor) -> None:
    """Short hard queries must count as harder than long easy ones, which length alone gets wrong every time."""
    pairs: Sequence[Sequence[str]] = json.loads(PAIRS.read_text(encoding="utf-8"))
    assert len(pairs) >= 40
    assert all(len(hard) < len(easy) for hard, easy in pairs)
    hard, easy = (np.asarray(predictor.predict_many(side).difficulty) for side in zip(*pairs, strict=True))
    assert (hard > easy).mean() >= 0.85


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("hello, how are you doing?", "chat"),
        ("Write a Python function that flattens a nested list.", "code"),
        ("How do you say good luck in Swedish?", "translate"),
        ("What is 17 plus 25?", "math"),
        ("Summarise the following text in one sentence: The council met on Tuesday and closed the road.", "summarise"),
        ("Which country has the most islands?", "knowledge"),
        ("Write a poem about a lighthouse keeper", "creative"),
    ],
)
def test_tasks_of_plain_requests(predictor: Predictor, text: str, task: str) -> None:
    assert predictor.predict(text).task == task


def test_a_batch_predicts_what_single_calls_predict(predictor: Predictor) -> None:
    texts = ["hi", "Prove that the square root of 2 is irrational.", "", "x" * 20_000, "für 你好 ok"]
    batch = predictor.predict_many(texts)
    for row, text in enumerate(texts):
        single = predictor.predict(text)
        np.testing.assert_allclose(batch[row].quality, single.quality, atol=1e-5)
        np.testing.assert_allclose(batch[row].uncertainty, single.uncertainty, atol=1e-5)
        np.testing.assert_allclose(batch.tasks[row], single.tasks, atol=1e-5)


def test_predictions_stay_in_their_ranges(predictor: Predictor) -> None:
    found = predictor.predict_many(["?", "1 " * 5000, "=" * 900, "\n".join("A. x" for _ in range(50)), "WHY" * 300])
    assert np.isfinite(found.quality).all()
    assert found.quality.min() >= 0.0
    assert found.quality.max() <= 1.0
    assert found.uncertainty.min() > 0.0
    assert found.uncertainty.max() <= 0.5
    np.testing.assert_allclose(np.asarray(found.tasks).sum(axis=1), 1.0, atol=1e-5)
    assert np.asarray(found.tasks).shape == (5, len(TASKS))


def test_an_artefact_comes_back_as_it_was_saved(artefact: Artefact, tmp_path: Path) -> None:
    certified = artefact.with_certificate({"epsilon": 0.02})
    certified.save(tmp_path)
    read = Artefact.load(tmp_path)
    assert (read.models, read.metrics, read.created) == (artefact.models, artefact.metrics, artefact.created)
    assert read.certificates == ({"epsilon": 0.02},)
    assert read.arrays.keys() == artefact.arrays.keys()
    assert all((read.arrays[name] == artefact.arrays[name]).all() for name in read.arrays)


def test_a_damaged_artefact_is_refused(artefact: Artefact, tmp_path: Path) -> None:
    artefact.save(tmp_path)
    content = bytearray((tmp_path / "arrays.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "arrays.npz").write_bytes(content)
    with pytest.raises(ArtefactError, match="checksum"):
        Artefact.load(tmp_path)


def test_pickled_arrays_are_refused(artefact: Artefact, tmp_path: Path) -> None:
    artefact.save(tmp_path)
    np.savez(tmp_path / "arrays.npz", idf=np.array([{"a": 1}], dtype=object))
    manifest = json.loads((tmp_path / "artefact.json").read_text())
    manifest["checksums"]["arrays.npz"] = hashlib.sha256((tmp_path / "arrays.npz").read_bytes()).hexdigest()
    (tmp_path / "artefact.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError, match="not a readable artefact"):
        Artefact.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format_version": 2}, "format version 2"), ({"kind": "cascade"}, "not a quality-predictor artefact")],
)
def test_another_version_or_kind_is_refused(artefact: Artefact, tmp_path: Path, change: dict, message: str) -> None:
    artefact.save(tmp_path)
    manifest = json.loads((tmp_path / "artefact.json").read_text())
    (tmp_path / "artefact.json").write_text(json.dumps(manifest | change))
    with pytest.raises(ArtefactError, match=message):
        Artefact.load(tmp_path)


def test_an_absent_artefact_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="frontdesk train"):
        Artefact.load(tmp_path / "absent")


def test_another_embedder_is_refused(artefact: Artefact) -> None:
    class Other:
        id = "other@1"
        dimension = 256
        blocking = False

    with pytest.raises(EmbedderMismatchError, match="'other@1'"):
        Predictor(artefact, Other())


def test_hashed_terms_count_words_and_pairs() -> None:
    buckets, damped = hashed_terms(["a", "b", "a", "b"], 20)
    assert len(buckets) == 4  # a, b, "a b", "b a"
    assert sorted(damped.tolist()) == pytest.approx([1.0, 1.693, 1.693, 1.693], abs=1e-3)
    assert (np.diff(buckets) > 0).all()
    assert len(hashed_terms([], 20)[0]) == 0
    assert len(hashed_terms(["same"] * 10 * MAX_TERM_WORDS, 20)[0]) == 2


def test_signals_tell_structure() -> None:
    plain, options = signals_of("hi"), signals_of("Which of these is not true?\nA. 12\nB. 15\nC. None of the above")
    assert plain["options"] == 0.0
    assert options["options"] == pytest.approx(np.log1p(3))
    assert options["numeric_options"] == pytest.approx(2 / 3)
    assert options["negated"] == 1.0
    assert options["asks"] == 1.0
    assert signals_of("def f(x):\n    return x;")["code"] > 0.0
    assert signals_of("In 1848 and 1871 it rained.")["years"] == pytest.approx(np.log1p(2))
    assert signals_of("你好吗")["foreign_letters"] == 1.0


def test_expected_quality_of_an_unmeasured_model_falls_with_difficulty() -> None:
    assert expected_quality(0.5, 0.5) == pytest.approx(0.5)
    assert expected_quality(0.9, 0.2) > 0.95 > expected_quality(0.4, 0.2) > expected_quality(0.4, 0.9)
