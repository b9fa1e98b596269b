"""Sentence encoders from a local ONNX folder, laid out as sentence-transformers lays out its models.

Needs the optional extra `onnx` (onnxruntime). Nothing is ever downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from frontdesk_server.artefacts.embedders.protocol import EmbedderError, Matrix, Vector
from frontdesk_server.domain.extras import brought_by
from frontdesk_server.domain.unusable import in_words

Pooling = Literal["cls", "mean", "max", "last"]
"""How token vectors become one: the first token's, their mean, their maximum, the last token's."""

_POOLING_KEYS: Mapping[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}
_USUAL_MAX_TOKENS = 512
_MODULES = {"Transformer", "Pooling", "Normalize"}
_MODEL_FILES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How an encoder's output becomes a vector. `from_folder` reads it from the model's own files."""

    pooling: Pooling = "mean"
    """How token vectors become one."""
    max_tokens: int = _USUAL_MAX_TOKENS
    """Tokens that the encoder reads of a text, special tokens included; the rest is cut."""
    normalize: bool = True
    """Whether vectors get length 1. Everything in Frontdesk that compares vectors expects it."""
    prefix: str = ""
    """Put before every text, for encoders trained with one ("query: ")."""

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        *,
        pooling: Pooling | None = None,
        max_tokens: int | None = None,
        normalize: bool | None = None,
        prefix: str = "",
    ) -> EncoderSettings:
        """Read `1_Pooling/config.json`, `sentence_bert_config.json`, `modules.json`; what is given overrides them."""
        modules = [str(module["type"]).rsplit(".", 1)[-1] for module in _read_json(folder / "modules.json") or ()]
        if unsupported := set(modules) - _MODULES:
            raise EmbedderError(
                f"{folder}: modules.json asks for {', '.join(sorted(unsupported))}, which is not supported"
            )
        if pooling is None:
            pooling = _pooling(folder)
        elif pooling not in get_args(Pooling):
            raise EmbedderError(f"pooling must be one of {', '.join(get_args(Pooling))}, not {pooling!r}")
        if max_tokens is None:
            max_tokens = int(
                (_read_json(folder / "sentence_bert_config.json") or {}).get("max_seq_length") or _USUAL_MAX_TOKENS
            )
        if normalize is None:
            normalize = "Normalize" in modules or not modules
        return cls(pooling, max_tokens, normalize, prefix)


class OnnxEmbedder:
    """A transformer sentence encoder run by onnxruntime: milliseconds a text, so give it to a thread."""

    __slots__ = ("_inputs", "_output", "_session", "_settings", "_tokenizer", "dimension", "id")

    blocking = True

    def __init__(
        self, folder: Path, settings: EncoderSettings | None = None, *, model_file: str = "", threads: int = 1
    ) -> None:
        """Load the folder's model (`model_file`, or the first usual name found) and `tokenizer.json`.

        `threads` is what onnxruntime may use for one text. Raises `EmbedderError`.
        """
        self._settings = settings or EncoderSettings.from_folder(folder)
        path = _model_path(folder, model_file)
        self._session = _session(path, threads)
        try:
            self._tokenizer = Tokenizer.from_buffer((folder / "tokenizer.json").read_bytes())
        except Exception as error:  # tokenizers raises bare Exception
            raise EmbedderError(f"{folder}: tokenizer.json cannot be read: {in_words(error)}") from error
        # Some files pad every text to a fixed length: five times the work, and for nothing.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._settings.max_tokens)
        self._inputs = [argument.name for argument in self._session.get_inputs()]
        self._output = self._session.get_outputs()[0].name
        self.dimension = int(self.embed("dimension").shape[0])
        self.id = f"{folder.resolve().name}@{_content_hash(path, folder / 'tokenizer.json', self._settings)}"

    def embed(self, text: str) -> Vector:
        """Return the vector of one text, shape (dimension,)."""
        return self.embed_tokens(self._tokenizer.encode(self._settings.prefix + text).ids)

    def embed_many(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of several texts, shape (len(texts), dimension).

        One text a call, since the activations of int8 models are quantised over the whole batch: a text's vector would
        depend on its neighbours.
        """
        return np.stack([self.embed(text) for text in texts]) if texts else np.empty((0, self.dimension), np.float32)

    def embed_tokens(self, ids: Sequence[int]) -> Vector:
        """Return the vector of token ids, special tokens included, shape (dimension,)."""
        row = np.array([ids], np.int64)
        filled = {"input_ids": row, "attention_mask": np.ones_like(row)}
        feed = {name: filled.get(name, np.zeros_like(row)) for name in self._inputs}
        output: NDArray[np.float32] = np.asarray(self._session.run([self._output], feed)[0], np.float32)[0]
        vector: Vector = _pool(output, self._settings.pooling) if output.ndim == 2 else output
        length = np.linalg.norm(vector) if self._settings.normalize else 1.0
        return (vector / (length or 1.0)).astype(np.float32, copy=False)


def _pool(token_vectors: NDArray[np.float32], pooling: Pooling) -> Vector:
    match pooling:
        case "cls":
            pooled = token_vectors[0]
        case "last":
            pooled = token_vectors[-1]
        case "max":
            pooled = token_vectors.max(axis=0)
        case "mean":
            pooled = token_vectors.mean(axis=0)
    return np.asarray(pooled)


def _pooling(folder: Path) -> Pooling:
    config = _read_json(folder / "1_Pooling" / "config.json")
    if config is None:
        return "mean"
    asked = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    if len(asked) != 1 or asked[0] not in _POOLING_KEYS:
        raise EmbedderError(
            f"{folder}: 1_Pooling/config.json asks for {asked}; supported: one of {', '.join(_POOLING_KEYS)}"
        )
    return _POOLING_KEYS[asked[0]]


def _model_path(folder: Path, model_file: str) -> Path:
    for name in (model_file,) if model_file else _MODEL_FILES:
        if (folder / name).is_file():
            return folder / name
    raise EmbedderError(f"{folder}: holds no {model_file or ' or '.join(_MODEL_FILES)}")


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EmbedderError(f"an ONNX encoder needs onnxruntime: {brought_by('onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no public base
        reason = str(error).rpartition(" : ")[2]  # after the number and the name of its class
        raise EmbedderError(f"{path}: cannot be loaded as an ONNX model: {reason}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EmbedderError(f"{path}: cannot be read: {in_words(error)}") from error
    except ValueError as error:
        raise EmbedderError(f"{path}: is not JSON: {error}") from error


def _content_hash(model: Path, tokenizer: Path, settings: EncoderSettings) -> str:
    digest = sha256(repr(astuple(settings)).encode())
    for path in (model, tokenizer):
        with path.open("rb") as file:
            digest.update(file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
