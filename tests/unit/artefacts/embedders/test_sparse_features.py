import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import HashedTfidf, SparseVector, fit_idf


def dot(first: SparseVector, second: SparseVector) -> float:
    _, left, right = np.intersect1d(first.indices, second.indices, return_indices=True)
    return float(first.values[left] @ second.values[right])


def test_features_have_length_one_and_distinct_ascending_indices() -> None:
    vector = HashedTfidf().features("How do I reset the password of the account?")
    assert np.linalg.norm(vector.values) == pytest.approx(1.0, abs=1e-6)
    assert (np.diff(vector.indices) > 0).all()
    assert vector.indices.max() < HashedTfidf().buckets


def test_likeness_falls_with_what_is_shared() -> None:
    tfidf = HashedTfidf()
    asked = tfidf.features("reset my password")
    scores = [dot(asked, tfidf.features(text)) for text in ("RESET my password", "reset a pasword", "buy fresh bread")]
    assert scores[0] == pytest.approx(1.0, abs=1e-6)
    assert scores[0] > scores[1] > scores[2]
    assert scores[2] < 0.05


def test_word_order_matters_through_pairs() -> None:
    tfidf = HashedTfidf()
    assert dot(tfidf.features("dog bites man"), tfidf.features("man bites dog")) < 0.99


def test_repetition_is_damped() -> None:
    tfidf = HashedTfidf()
    assert dot(tfidf.features("a b"), tfidf.features("a a a a a a b")) > 0.7


@pytest.mark.parametrize("text", ["", "  \n", "\ud800", "a", "naïve 世界 🙂", "x" * 100_000])
def test_any_text_has_features_or_none(text: str) -> None:
    vector = HashedTfidf().features(text)
    assert len(vector.indices) == len(vector.values)
    assert np.isfinite(vector.values).all()
    assert (len(vector.indices) > 0) == bool(text.strip())


def test_the_hash_is_the_same_in_every_process_and_version() -> None:
    vector = HashedTfidf(1 << 10).features("stable hash")
    word_buckets = [5, 151, 184]  # "stable", "hash" and the pair, by CRC-32
    assert vector.indices.tolist()[:3] == word_buckets
    assert vector.indices.tolist()[3:8] == [532, 551, 595, 624, 636]
    assert len(vector.indices) == 20


def test_the_memo_of_words_does_not_change_features() -> None:
    tfidf = HashedTfidf()
    first, again = tfidf.features("lost my card"), tfidf.features("lost my card")
    np.testing.assert_array_equal(first.indices, again.indices)
    np.testing.assert_array_equal(first.values, again.values)


def test_idf_lifts_what_is_rare() -> None:
    idf = fit_idf(["the card", "the bill", "the bank"])
    tfidf = HashedTfidf(idf=idf)
    common = dot(tfidf.features("the card"), tfidf.features("the bread"))
    assert common < dot(HashedTfidf().features("the card"), HashedTfidf().features("the bread"))
    assert idf.min() == pytest.approx(1.0)


def test_rows_are_a_csr_matrix_of_the_texts_features() -> None:
    tfidf = HashedTfidf(1 << 8)
    texts = ["lost card", "", "pay bill"]
    rows = tfidf.rows(texts)
    assert rows.shape == (3, 256)
    for row, text in enumerate(texts):
        part = slice(rows.starts[row], rows.starts[row + 1])
        np.testing.assert_array_equal(rows.indices[part], tfidf.features(text).indices)
        np.testing.assert_array_equal(rows.values[part], tfidf.features(text).values)


def test_buckets_must_be_a_power_of_two_and_fit_the_idf() -> None:
    with pytest.raises(ValueError, match="power of two"):
        HashedTfidf(1000)
    with pytest.raises(ValueError, match="shape"):
        HashedTfidf(1 << 8, np.ones(4, np.float32))
