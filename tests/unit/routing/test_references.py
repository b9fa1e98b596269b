from dataclasses import replace

import numpy as np
import pytest
from frontdesk_server.routing.references import Reference, ReferenceIndex, parse_references
from numpy.typing import NDArray


def unit(*values: float) -> NDArray[np.float32]:
    vector = np.array(values, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


PAY = Reference("billing", "pay my bill")
OWE = Reference("billing", "what do I owe")
PLOT = Reference("code", "plot a list")
VECTORS = np.stack([unit(1, 0, 0), unit(0, 0, 1), unit(0.6, 0.8, 0)])
INDEX = ReferenceIndex((PAY, PLOT, OWE), VECTORS, scoring="nearest")
ASKED = unit(0.9, 0.3, 0.1)


def random_index(counts: list[int], **options: object) -> tuple[ReferenceIndex, NDArray[np.float32]]:
    random = np.random.default_rng(3)
    references = [Reference(f"label {label}", str(row)) for label, count in enumerate(counts) for row in range(count)]
    vectors = random.normal(size=(len(references), 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return ReferenceIndex(tuple(references), vectors, **options), vectors  # type: ignore[arg-type]


def test_nearest_is_the_similarity_to_the_closest_utterance() -> None:
    assert INDEX.labels == ("billing", "code")
    np.testing.assert_allclose(
        INDEX.scores(ASKED), [max(ASKED @ VECTORS[0], ASKED @ VECTORS[2]), ASKED @ VECTORS[1]], rtol=1e-6
    )


def test_centroid_is_the_similarity_to_the_mean_of_all_utterances() -> None:
    index = ReferenceIndex((PAY, PLOT, OWE), VECTORS, scoring="centroid")
    mean = unit(*(VECTORS[0] + VECTORS[2]))
    np.testing.assert_allclose(index.scores(ASKED), [ASKED @ mean, ASKED @ VECTORS[1]], rtol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 50])
@pytest.mark.parametrize("counts", [[4], [1, 7, 2], [30, 1, 1, 3], [5, 5]])
def test_top_k_mean_is_the_mean_of_each_labels_k_closest(k: int, counts: list[int]) -> None:
    index, vectors = random_index(counts, k=k)
    vector = unit(*np.random.default_rng(4).normal(size=16))
    similarities = np.split(vectors @ vector, np.cumsum(counts)[:-1])
    expected = [np.sort(of_label)[::-1][:k].mean() for of_label in similarities]
    np.testing.assert_allclose(index.scores(vector), expected, atol=1e-5)


def test_the_closest_label_wins_when_it_reaches_its_threshold() -> None:
    match = replace(INDEX, thresholds={"billing": 0.9}, default_threshold=0.99).match(ASKED)
    assert (match.label, match.closest, match.threshold) == ("billing", "billing", 0.9)
    assert match.score == pytest.approx(float(ASKED @ VECTORS[0]), abs=1e-6)


@pytest.mark.parametrize(("thresholds", "default"), [({"billing": 0.97}, 0.0), ({}, 0.97), ({"code": 0.0}, 0.97)])
def test_below_the_closest_labels_threshold_a_query_is_out_of_scope(
    thresholds: dict[str, float], default: float
) -> None:
    match = replace(INDEX, thresholds=thresholds, default_threshold=default).match(ASKED)
    assert match.label is None
    assert match.closest == "billing"


def test_a_query_without_any_known_word_is_out_of_scope_of_a_positive_threshold() -> None:
    assert replace(INDEX, default_threshold=0.1).match(np.zeros(3, np.float32)).label is None


def test_a_reference_given_again_replaces_the_first() -> None:
    moved = replace(INDEX, references=(*INDEX.references, PAY), vectors=np.concatenate([VECTORS, unit(0, 1, 0)[None]]))
    assert len(moved) == 3
    assert moved.scores(unit(0, 1, 0))[0] == pytest.approx(1.0)


def test_removing_a_labels_last_reference_removes_the_label() -> None:
    assert INDEX.removing([PLOT]).labels == ("billing",)
    assert INDEX.removing([PAY]).scores(ASKED)[0] == pytest.approx(float(ASKED @ VECTORS[2]), abs=1e-6)
    with pytest.raises(ValueError, match="at least one"):
        INDEX.removing([PAY, PLOT, OWE])


def test_as_many_vectors_as_references_are_needed_and_k_is_positive() -> None:
    with pytest.raises(ValueError, match="not 2 for 3"):
        ReferenceIndex((PAY, PLOT, OWE), VECTORS[:2])
    with pytest.raises(ValueError, match="k must be"):
        ReferenceIndex((PAY,), VECTORS[:1], k=0)


def test_references_are_parsed_from_json_lines() -> None:
    lines = ['{"label": "billing", "text": "pay my bill"}', "", '{"label": "code", "text": "plot a list", "id": 7}']
    assert parse_references(lines) == [PAY, PLOT]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"label": "billing"}', '{"label": "", "text": "x"}', '{"label": 1, "text": ""}']
)
def test_a_line_that_is_no_reference_is_named_by_its_number(line: str) -> None:
    with pytest.raises(ValueError, match="line 3: "):
        parse_references(['{"label": "a", "text": "b"}', "", line])
