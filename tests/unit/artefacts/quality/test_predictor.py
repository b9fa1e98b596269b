import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import Matrix, Vector, load_default
from frontdesk_server.artefacts.quality import (
    TASKS,
    Artefact,
    ArtefactError,
    EmbedderMismatchError,
    Predictor,
    default_artefact_path,
    words,
)
from frontdesk_server.artefacts.quality.features import MAX_TERM_WORDS, FeatureSpec, TextFeatures, TextReader
from frontdesk_server.artefacts.quality.signals import SIGNAL_NAMES, STRUCTURE_NAMES
from frontdesk_server.artefacts.quality.words import Vocabulary

from benchmarks.difficulty.sets import sentences

DATA = Path(__file__).resolve().parents[3] / "data"
PAIRS, IN_LANGUAGES = DATA / "short_hard_long_easy.json", DATA / "six_languages.json"
LANGUAGES = ("de", "fr", "es", "pt", "zh", "ja")


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return Artefact.load(default_artefact_path())


@pytest.fixture(scope="module")
def predictor(artefact: Artefact) -> Predictor:
    return Predictor(artefact, load_default())


def features_of(text: str) -> TextFeatures:
    return TextReader(FeatureSpec(20), None).read(text, np.zeros(1, np.float32))


def signals_of(text: str) -> dict[str, float]:
    return dict(zip(SIGNAL_NAMES, features_of(text).signals.tolist(), strict=True))


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_are_read_for_what_they_ask_and_not_by_length(predictor: Predictor, language: str) -> None:
    texts = json.loads(IN_LANGUAGES.read_text(encoding="utf-8"))[language]
    hard, easy = predictor.predict(texts["short_hard"]), predictor.predict(texts["long_easy"])
    assert hard.difficulty is not None
    assert easy.difficulty is not None
    assert hard.difficulty > easy.difficulty + 0.2


@pytest.mark.parametrize("language", LANGUAGES)
def test_programming_is_told_from_other_requests_in_other_languages(predictor: Predictor, language: str) -> None:
    """Of sentences that name neither code nor a language, four of five pairs are in order."""
    code, other = (
        predictor.predict_many([text for kind in kinds for text in sentences("untouched", language, kind)]).tasks
        for kinds in (("code",), ("hard", "easy"))
    )
    assert code is not None
    assert other is not None
    place = TASKS.index("code")
    assert (code[:, place][:, None] > other[:, place]).mean() > 0.8


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_expected_to_fare_alike_in_every_language(predictor: Predictor, language: str) -> None:
    """No outcome is recorded of other languages: the artefact is taught to expect of them what it does of English."""
    english = predictor.predict("Which metal is liquid at room temperature?\nA. Iron\nB. Mercury\nC. Tin\nD. Zinc")
    other = predictor.predict(json.loads(IN_LANGUAGES.read_text(encoding="utf-8"))[language]["metal"])
    assert np.abs(other.quality - english.quality).mean() < 0.1


def test_a_batch_predicts_what_single_calls_predict(predictor: Predictor) -> None:
    texts = ["hi", "Prove that the square root of 2 is irrational.", "", "x" * 20_000, "für 你好 ok"]
    batch = predictor.predict_many(texts)
    assert batch.tasks is not None
    for row, text in enumerate(texts):
        single = predictor.predict(text)
        np.testing.assert_allclose(batch[row].quality, single.quality, atol=1e-5)
        np.testing.assert_allclose(batch[row].uncertainty, single.uncertainty, atol=1e-5)
        assert single.tasks is not None
        np.testing.assert_allclose(batch.tasks[row], single.tasks, atol=1e-5)


def test_predictions_are_those_of_the_formula(artefact: Artefact, predictor: Predictor) -> None:
    """However the work is arranged, it comes to what docs/artefacts.md says the arrays mean."""
    pairs: Sequence[Sequence[str]] = json.loads(PAIRS.read_text(encoding="utf-8"))
    reader = TextReader(artefact.features, load_default())
    with_ferns = replace(artefact, arrays={**artefact.arrays, **some_ferns(len(artefact.arrays["loadings"]))})
    for trained, at_work in ((artefact, predictor), (with_ferns, Predictor(with_ferns, load_default()))):
        for text in (*chain(*pairs), "", "für 你好 ok", "=" * 900, "1 " * 5000, "A. x\n" * 50):
            quality, uncertainty, tasks, difficulty = by_formula(trained.arrays, reader.read(text))
            found = at_work.predict(text)
            np.testing.assert_allclose(found.quality, quality, atol=1e-5)
            np.testing.assert_allclose(found.uncertainty, uncertainty, atol=1e-5)
            assert found.tasks is not None
            np.testing.assert_allclose(found.tasks, tasks, atol=1e-5)
            assert found.difficulty == pytest.approx(difficulty, abs=1e-5)


def some_ferns(factors: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {
        "fern_signals": draw.integers(0, len(STRUCTURE_NAMES), (40, 3)).astype(np.int16),
        "fern_thresholds": draw.normal(size=(40, 3)).astype(np.float32),
        "fern_leaves": draw.integers(-99, 99, (40 * 8, factors)).astype(np.int16),
        "fern_scale": np.full(factors, 1e-5, np.float32),
    }


def by_formula(arrays: Mapping[str, np.ndarray], features: TextFeatures) -> tuple[np.ndarray, ...]:
    """Quality, uncertainty, tasks and difficulty, one step after the other in double precision."""
    a = {name: array.astype(np.float64) for name, array in arrays.items()}
    factors = len(a["loadings"])
    signals = np.clip((features.signals - a["signal_mean"]) / a["signal_std"], -5.0, 5.0)
    linear_input = np.concatenate([features.dense, signals / np.sqrt(len(signals))])
    weights = features.damped_counts * a["idf"][features.buckets]
    lexical = weights / (np.linalg.norm(weights) or 1.0) @ (a["lexical"][features.buckets] * a["lexical_scale"])
    outputs = linear_input @ a["linear"] + a["bias"] + lexical
    structure = signals[: len(STRUCTURE_NAMES)]
    distances = ((structure - a["landmarks"]) ** 2).sum(axis=1)
    z = outputs[:factors] + np.exp(-a["gamma"] * distances) @ a["landmark_weights"]
    ferns, depth = a["fern_thresholds"].shape
    leaves = a["fern_leaves"].reshape(ferns, 2**depth, factors) * a["fern_scale"]
    for fern, (asked, thresholds) in enumerate(zip(arrays["fern_signals"], a["fern_thresholds"], strict=True)):
        place = int("".join("1" if answer else "0" for answer in structure[asked] > thresholds), 2)
        z += leaves[fern, place]
    along = (linear_input @ a["posterior_axes"]) ** 2
    variance = along @ a["posterior_variance"] + (linear_input @ linear_input - along.sum()) * a["rest_variance"]
    tasks = np.exp(outputs[factors:-1])
    return (
        np.clip(a["offset"] + z @ a["loadings"], 0.0, 1.0),
        np.minimum(np.sqrt(variance + a["offset_variance"]), 0.5),
        tasks / tasks.sum(),
        1.0 / (1.0 + np.exp(-outputs[-1])),
    )


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
def test_another_version_or_kind_is_refused(
    artefact: Artefact, tmp_path: Path, change: dict[str, object], message: str
) -> None:
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

        def embed(self, text: str) -> Vector:
            raise AssertionError

        def embed_many(self, texts: Sequence[str]) -> Matrix:
            raise AssertionError

    with pytest.raises(EmbedderMismatchError, match="'other@1'"):
        Predictor(artefact, Other())


def test_hashed_terms_count_words_and_pairs() -> None:
    features = features_of("a B A b")
    assert set(features.buckets) == {crc32(term) % 2**20 for term in (b"a", b"b", b"a b", b"b a")}
    assert sorted(features.damped_counts.tolist()) == pytest.approx([1.0, 1.693, 1.693, 1.693], abs=1e-3)
    assert (np.diff(features.buckets) > 0).all()
    assert len(features_of(" ?! ").buckets) == 0
    within = " ".join(["same"] * MAX_TERM_WORDS)
    assert (features_of(f"{within} other").buckets == features_of(within).buckets).all()


def test_characters_are_words_where_a_script_has_no_spaces() -> None:
    features = features_of("你好, ok")
    assert set(features.buckets) == {crc32(term.encode()) % 2**20 for term in ("你", "好", "ok", "你 好", "好 ok")}


def test_an_artefact_that_does_not_say_how_it_cuts_reads_runs_as_it_was_trained_to(
    artefact: Artefact, tmp_path: Path
) -> None:
    artefact.save(tmp_path)
    manifest = json.loads((tmp_path / "artefact.json").read_text())
    del manifest["features"]["cuts_unspaced"]
    (tmp_path / "artefact.json").write_text(json.dumps(manifest))
    old = Artefact.load(tmp_path).features
    assert not old.cuts_unspaced
    found = TextReader(replace(old, lexical_bits=20), None).read("你好, ok", np.zeros(1, np.float32)).buckets
    assert set(found) == {crc32(term.encode()) % 2**20 for term in ("你好", "ok", "你好 ok")}


def test_words_are_read_alike_whatever_was_read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_MEMO_MAX_WORDS", 3)
    vocabulary = Vocabulary()
    for text in ("Don't 1,000.5 x2", "DON'T stop, Straße ΟΔΟΣ İ", "x" * 100, "", "Don't 1,000.5 x2"):
        assert vocabulary.read(text) == Vocabulary().read(text)
    assert vocabulary.read("Don't 1,000.5").lowered == ("don't", "1,000.5")


@pytest.mark.parametrize("text", ["It's 3.5, isn't it? a_b DON'T 1,2,x 007", "".join(map(chr, range(128)))])
def test_words_of_ascii_are_those_of_any_text(text: str) -> None:
    assert Vocabulary().read(f"{text} é").lowered == (*Vocabulary().read(text).lowered, "é")


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
