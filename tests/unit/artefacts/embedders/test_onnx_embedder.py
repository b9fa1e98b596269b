import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import EmbedderError, EncoderSettings, OnnxEmbedder

from tests.unit.artefacts.embedders.onnx_file import gather_model
from tests.unit.artefacts.embedders.tables import WORDS, specification

pytest.importorskip("onnxruntime")

TABLE = np.random.default_rng(1).normal(size=(len(WORDS), 6)).astype(np.float32)
PAY_THE_BILL = [WORDS.index(word) for word in ("pay", "the", "bill")]


def write_encoder(folder: Path, **files: Any) -> Path:
    """An encoder whose token vectors are the rows of TABLE, whatever stands around them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(gather_model(TABLE))
    (folder / "tokenizer.json").write_text(json.dumps(specification()))
    for name, content in files.items():
        path = folder / {"pooling": "1_Pooling/config.json", "bert": "sentence_bert_config.json"}.get(
            name, f"{name}.json"
        )
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def modules(*types: str) -> list[dict[str, str]]:
    return [{"type": f"sentence_transformers.models.{type_}"} for type_ in types]


def pooling(mode: str) -> dict[str, Any]:
    return {"word_embedding_dimension": 6, "pooling_mode_cls_token": False, f"pooling_mode_{mode}": True}


@pytest.mark.parametrize(
    ("mode", "pooled"),
    [
        ("cls_token", TABLE[PAY_THE_BILL[0]]),
        ("mean_tokens", TABLE[PAY_THE_BILL].mean(axis=0)),
        ("max_tokens", TABLE[PAY_THE_BILL].max(axis=0)),
        ("lasttoken", TABLE[PAY_THE_BILL[-1]]),
    ],
)
def test_pooling_is_read_from_the_folder(tmp_path: Path, mode: str, pooled: np.ndarray[Any, Any]) -> None:
    folder = write_encoder(tmp_path, pooling=pooling(mode), modules=modules("Transformer", "Pooling"))
    np.testing.assert_allclose(OnnxEmbedder(folder).embed("pay the bill"), pooled, rtol=1e-5)


def test_vectors_are_normalised_when_the_folder_says_so_or_nothing(tmp_path: Path) -> None:
    told = write_encoder(tmp_path / "told", modules=modules("Transformer", "Pooling", "Normalize"))
    silent = write_encoder(tmp_path / "silent")
    for folder in (told, silent):
        assert np.linalg.norm(OnnxEmbedder(folder).embed("pay the bill")) == pytest.approx(1.0, abs=1e-6)


def test_what_is_given_overrides_the_folder(tmp_path: Path) -> None:
    folder = write_encoder(
        tmp_path, pooling=pooling("cls_token"), modules=modules("Transformer"), bert={"max_seq_length": 2}
    )
    assert EncoderSettings.from_folder(folder) == EncoderSettings("cls", 2, normalize=False)
    settings = EncoderSettings.from_folder(folder, pooling="mean", max_tokens=8, normalize=True, prefix="the ")
    vector = OnnxEmbedder(folder, settings).embed("bill")
    mean = TABLE[[WORDS.index("the"), WORDS.index("bill")]].mean(axis=0)
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-5)


def test_a_text_is_cut_at_the_folders_length_and_never_padded(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path, pooling=pooling("lasttoken"), modules=modules(), bert={"max_seq_length": 2})
    the = TABLE[WORDS.index("the")]
    np.testing.assert_allclose(OnnxEmbedder(folder).embed("pay the bill"), the / np.linalg.norm(the), rtol=1e-5)


def test_a_text_has_the_same_vector_alone_and_among_others(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(write_encoder(tmp_path))
    many = embedder.embed_many(["pay the bill", "card", "lost my card"])
    np.testing.assert_array_equal(many[1], embedder.embed("card"))
    assert many.shape == (3, embedder.dimension) == (3, 6)
    assert embedder.embed_many([]).shape == (0, 6)


def test_the_encoder_asks_for_a_thread_and_its_id_tells_settings_apart(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    mean = OnnxEmbedder(folder)
    cls = OnnxEmbedder(folder, EncoderSettings("cls"))
    assert mean.blocking
    assert mean.id != cls.id
    assert mean.id == OnnxEmbedder(folder).id


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"modules": modules("Transformer", "Pooling", "Dense")}, "Dense"),
        ({"pooling": pooling("weightedmean_tokens")}, "1_Pooling"),
        ({"pooling": {**pooling("mean_tokens"), "pooling_mode_cls_token": True}}, "1_Pooling"),
    ],
    ids=["dense layer", "unknown pooling", "two poolings"],
)
def test_what_cannot_be_reproduced_is_refused(tmp_path: Path, files: dict[str, Any], says: str) -> None:
    with pytest.raises(EmbedderError, match=says):
        OnnxEmbedder(write_encoder(tmp_path, **files))


def test_missing_and_broken_models_are_named(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    with pytest.raises(EmbedderError, match=r"holds no other\.onnx"):
        OnnxEmbedder(folder, model_file="other.onnx")
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(EmbedderError, match="cannot be loaded as an ONNX model"):
        OnnxEmbedder(folder)
