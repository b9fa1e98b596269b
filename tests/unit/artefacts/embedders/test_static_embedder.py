import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import EmbedderError, StaticEmbedder, Vector, load_default
from frontdesk_server.artefacts.embedders.tokens import TokenIds
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tests.unit.artefacts.embedders.tables import WORDS, specification, write_table

DATA = Path(__file__).parents[4] / "server" / "frontdesk_server" / "artefacts" / "embedders" / "data"
DEFAULT_IDS = TokenIds(DATA / "tokenizer.json")
DEFAULT_TOKENIZER = Tokenizer.from_file(str(DATA / "tokenizer.json"))
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 8)).astype(np.float32)


def row(word: str) -> Vector:
    return np.asarray(TABLE[WORDS.index(word)])


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(vector / np.linalg.norm(vector))


def test_a_vector_is_the_normalised_weighted_sum_of_its_tokens(tmp_path: Path) -> None:
    weights = np.linspace(1, 2, len(WORDS)).astype(np.float32)
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embeddings": TABLE, "weights": weights}))
    expected = np.sum([weights[WORDS.index(word)] * row(word) for word in ("pay", "##ing", "bill")], axis=0)
    np.testing.assert_allclose(embedder.embed("Paying bill"), unit(expected), rtol=1e-5)


def test_padding_and_truncation_of_the_tokenizer_file_are_ignored(tmp_path: Path) -> None:
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embeddings": TABLE}))
    np.testing.assert_allclose(embedder.embed("card " * 9 + "lost"), unit(9 * row("card") + row("lost")), rtol=1e-5)


def test_unknown_tokens_do_not_count_and_a_text_of_nothing_else_is_zero(tmp_path: Path) -> None:
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embeddings": TABLE}))
    np.testing.assert_allclose(embedder.embed("xyzzy bill"), unit(row("bill")), rtol=1e-6)
    assert not embedder.embed("xyzzy").any()
    assert not embedder.embed("").any()


def test_a_long_text_is_represented_by_both_its_ends(tmp_path: Path) -> None:
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embeddings": TABLE}))
    vector = embedder.embed("pay " + "the " * 10_000 + "card")
    assert vector @ unit(row("pay")) != pytest.approx(unit(row("the")) @ unit(row("pay")), abs=1e-6)
    middle = embedder.embed("the " * 5_000 + "card " + "the " * 5_000)
    np.testing.assert_allclose(middle, unit(row("the")), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-6), (np.float16, 1e-2), (np.int8, 1e-6)], ids=["f64", "f16", "i8"]
)
def test_tables_of_any_number_type_give_float32(tmp_path: Path, dtype: type, tolerance: float) -> None:
    table = np.rint(TABLE * 20) if dtype is np.int8 else TABLE
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embeddings": table.astype(dtype)}))
    vector = embedder.embed("lost card")
    assert vector.dtype == np.float32
    expected = table[WORDS.index("lost")] + table[WORDS.index("card")]
    np.testing.assert_allclose(vector, unit(expected), rtol=tolerance, atol=tolerance)


def test_a_wordllama_table_is_found_under_its_own_name(tmp_path: Path) -> None:
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embedding.weight": TABLE.astype(np.float16)}))
    np.testing.assert_allclose(embedder.embed("bill"), unit(row("bill")), atol=1e-2)


def test_a_model2vec_mapping_leads_from_token_to_shared_row_and_weights_stay_the_tokens(tmp_path: Path) -> None:
    mapping = np.zeros(len(WORDS), np.int64)
    mapping[WORDS.index("bill")] = 1
    weights = np.ones(len(WORDS))
    weights[WORDS.index("bill")] = 3.0
    tensors: dict[str, NDArray[Any]] = {"embeddings": TABLE[:2], "mapping": mapping, "weights": weights}
    embedder = StaticEmbedder.load(write_table(tmp_path, tensors))
    np.testing.assert_allclose(embedder.embed("bill card"), unit(3 * TABLE[1] + TABLE[0]), rtol=1e-5)
    with pytest.raises(EmbedderError, match="mapping leads out"):
        StaticEmbedder.load(write_table(tmp_path, {**tensors, "mapping": mapping + 1}))


def test_embed_many_equals_embed_one_by_one(tmp_path: Path) -> None:
    embedder = StaticEmbedder.load(write_table(tmp_path, {"embeddings": TABLE}))
    texts = ["pay the bill", "", "my card's lost?"]
    np.testing.assert_array_equal(embedder.embed_many(texts), np.stack([embedder.embed(text) for text in texts]))
    assert embedder.embed_many([]).shape == (0, 8)


def test_the_id_changes_with_table_and_tokenizer(tmp_path: Path) -> None:
    first = StaticEmbedder.load(write_table(tmp_path / "a", {"embeddings": TABLE}), "t")
    same = StaticEmbedder.load(write_table(tmp_path / "b", {"embeddings": TABLE}), "t")
    other = StaticEmbedder.load(write_table(tmp_path / "c", {"embeddings": TABLE + 1}), "t")
    unpadded = specification(padding=None)
    retokenized = StaticEmbedder.load(write_table(tmp_path / "d", {"embeddings": TABLE}, unpadded), "t")
    assert first.id == same.id
    assert len({first.id, other.id, retokenized.id}) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read as safetensors"),
        (b"\xff" * 64, "not a safetensors file"),
        ((2).to_bytes(8, "little") + b"{}", "holds no two-dimensional embeddings"),
        ((30).to_bytes(8, "little") + b'{"embeddings": {"dtype": "F32"', "cannot be read as safetensors"),
    ],
    ids=["empty", "noise", "no table", "broken header"],
)
def test_a_broken_table_file_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    write_table(tmp_path, {"embeddings": TABLE})
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(EmbedderError, match=says):
        StaticEmbedder.load(tmp_path)


def test_a_table_too_short_for_its_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="13 tokens, but 12 vectors"):
        StaticEmbedder.load(write_table(tmp_path, {"embeddings": TABLE[:-1]}))


def test_a_broken_tokenizer_file_is_named(tmp_path: Path) -> None:
    write_table(tmp_path, {"embeddings": TABLE})
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(EmbedderError, match=r"tokenizer\.json"):
        StaticEmbedder.load(tmp_path)


@pytest.mark.parametrize("text", ["pay[PAD]bill", "[UNK]", "[ UNK ]", "pay\x00ing", "PAY\tbill\r\n", "pay" * 40])
def test_the_short_cut_minds_added_tokens_controls_and_long_words(tmp_path: Path, text: str) -> None:
    path = write_table(tmp_path, {}) / "tokenizer.json"
    plain = Tokenizer.from_str(json.dumps(specification(truncation=None, padding=None)))
    assert TokenIds(path).of(text) == plain.encode(text, add_special_tokens=False).ids


@settings(max_examples=100, deadline=None)
@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_the_short_cut_holds_on_the_vocabulary_that_ships(text: str) -> None:
    assert DEFAULT_IDS.of(text) == DEFAULT_TOKENIZER.encode(text, add_special_tokens=False).ids


def test_the_table_that_ships_is_small_and_knows_what_is_alike() -> None:
    size = sum(path.stat().st_size for path in DATA.iterdir())
    assert size < 9_000_000
    embedder = load_default()
    assert embedder.dimension == 256
    assert embedder.id.startswith("frontdesk-static@")
    asked, alike, other = embedder.embed_many(
        ["my credit card was stolen", "somebody took my bank card", "integrate x squared from zero to one"]
    )
    assert asked @ alike > 0.4 > asked @ other
    np.testing.assert_allclose(np.linalg.norm([asked, alike, other], axis=1), 1.0, rtol=1e-5)


def test_the_default_table_is_loaded_once_whatever_is_reloaded() -> None:
    assert load_default() is load_default()
