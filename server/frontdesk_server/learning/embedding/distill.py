"""Distilling a sentence encoder into a static table, of the layout that `embedders.StaticEmbedder` loads.

1. Each token goes alone through the teacher for its first vector, as model2vec does (Tulkens and van Dongen, 2024).
2. Each token is weighted by smooth inverse frequency (Arora et al., 2017).
3. Vectors are centred on the corpus mean and projected to its leading principal components.
4. A ridge regression, anchored at 1, moves the token vectors so that weighted means of them come close to the
   teacher's vectors of whole texts. Tokens that the corpus never shows keep what the teacher said of them alone.
5. Rows are rounded to int8, a scale each, folded into the token's weight.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from tokenizers import Tokenizer

from frontdesk_server.artefacts.embedders import Matrix, Vector
from frontdesk_server.artefacts.embedders.safetensors import write_safetensors

Progress = Callable[[int, int], None]
"""Told (done, total) after each text that the teacher has read."""


class Teacher(Protocol):
    """A sentence encoder that also reads token ids; `embedders.OnnxEmbedder` is one."""

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        ...

    def embed(self, text: str) -> Vector:
        """Return the vector of a text."""
        ...

    def embed_tokens(self, ids: Sequence[int]) -> Vector:
        """Return the vector of token ids, special tokens included."""
        ...


@dataclass(frozen=True, slots=True)
class DistillSettings:
    """What can be varied in a distillation; the defaults made the table that ships."""

    dimension: int = 256
    """Length of the vectors."""
    smoothing: float = 1e-3
    """SIF's a: tokens more frequent than this share of all tokens lose weight."""
    ridge: float = 0.5
    """How strongly a token's vector is held at what the teacher said of it alone."""
    iterations: int = 20
    """Steps of conjugate gradients."""


@dataclass(frozen=True, slots=True)
class StaticTable:
    """A distilled table: int8 rows of shape (tokens, dimension), a weight a token, the tokenizer's specification."""

    rows: NDArray[np.int8]
    weights: NDArray[np.float32]
    tokenizer: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write `model.safetensors` and `tokenizer.json` into a folder, made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        write_safetensors(folder / "model.safetensors", {"embeddings": self.rows, "weights": self.weights})
        (folder / "tokenizer.json").write_text(json.dumps(self.tokenizer, ensure_ascii=False, separators=(",", ":")))


def distill(
    teacher: Teacher,
    tokenizer: dict[str, Any],
    texts: Sequence[str],
    settings: DistillSettings | None = None,
    progress: Progress = lambda done, total: None,
) -> StaticTable:
    """Distil a teacher, given with the content of its `tokenizer.json`, on texts like those to be embedded."""
    settings = settings or DistillSettings()
    kept, pruned = prune_tokenizer(tokenizer)
    frame = Tokenizer.from_str(json.dumps(tokenizer)).encode("").ids  # what the teacher puts around a text
    total = len(kept) + len(texts)
    token_vectors = np.empty((len(kept), teacher.dimension), np.float32)
    for row, token in enumerate(kept):
        token_vectors[row] = teacher.embed_tokens([*frame[:1], token, *frame[1:]])
        progress(row + 1, total)
    text_vectors = np.empty((len(texts), teacher.dimension), np.float32)
    for row, text in enumerate(texts):
        text_vectors[row] = teacher.embed(text)
        progress(len(kept) + row + 1, total)
    return fit_table(pruned, texts, token_vectors, text_vectors, settings)


def fit_table(
    tokenizer: dict[str, Any],
    texts: Sequence[str],
    token_vectors: Matrix,
    text_vectors: Matrix,
    settings: DistillSettings,
) -> StaticTable:
    """Fit a table from the teacher's vectors of the tokens and of the texts, shapes (tokens, any) and (texts, any)."""
    counts = token_counts(tokenizer, texts)
    sif = sif_weights(np.asarray(counts.sum(axis=0)).ravel(), settings.smoothing)
    unknown = tokenizer["model"]["vocab"].get(tokenizer["model"].get("unk_token"))
    if unknown is not None:
        sif[unknown] = 0.0
    centred = _unit_rows(text_vectors - text_vectors.mean(axis=0))
    axes = _principal_axes(centred, settings.dimension)
    means = _weighted_means(counts, sif)
    start = (token_vectors - token_vectors.mean(axis=0)) @ axes
    targets = centred @ axes
    reached = means @ start
    start *= (reached * targets).sum() / (reached * reached).sum()  # single tokens and texts differ in length
    rows = _anchored_ridge(means, targets, start, settings.ridge, settings.iterations)
    scales = np.maximum(np.abs(rows).max(axis=1), 1e-12) / 127.0
    quantised = np.rint(rows / scales[:, None]).astype(np.int8)
    return StaticTable(quantised, (sif * scales).astype(np.float32), tokenizer)


def prune_tokenizer(specification: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
    """Return the token ids worth a row, and the specification reduced and renumbered to them.

    Special tokens (but the unknown one) and BERT's `[unused…]` placeholders go: a static table has no use for them.
    """
    model = specification["model"]
    special = {token["content"] for token in specification.get("added_tokens", ())} - {model.get("unk_token")}
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    kept = [token for token in tokens if token not in special and not token.startswith("[unused")]
    pruned = {
        **specification,
        "added_tokens": [],
        "post_processor": None,
        "padding": None,
        "truncation": None,
        "model": {**model, "vocab": {token: row for row, token in enumerate(kept)}},
    }
    return [model["vocab"][token] for token in kept], pruned


def token_counts(tokenizer: dict[str, Any], texts: Sequence[str]) -> sparse.csr_array:
    """Return how often each token stands in each text, shape (texts, tokens)."""
    encodings = Tokenizer.from_str(json.dumps(tokenizer)).encode_batch(list(texts), add_special_tokens=False)
    columns = np.concatenate([np.array(encoding.ids, np.int64) for encoding in encodings])
    rows = np.repeat(np.arange(len(texts)), [len(encoding.ids) for encoding in encodings])
    shape = (len(texts), len(tokenizer["model"]["vocab"]))
    return sparse.csr_array((np.ones(len(columns), np.float32), (rows, columns)), shape=shape)


def sif_weights(frequencies: NDArray[np.float32], smoothing: float) -> NDArray[np.float32]:
    """Return a / (a + p) of each token, shape (tokens,).

    p is the mean of the corpus share and of what Zipf's law gives for the token's place in the vocabulary (which
    WordPiece sorts by frequency), so that tokens that a small corpus lacks do not all count as equally rare.
    """
    zipf = 1.0 / (np.arange(len(frequencies)) + 10.0)
    share = 0.5 * frequencies / frequencies.sum() + 0.5 * zipf / zipf.sum()
    return np.asarray(smoothing / (smoothing + share), np.float32)


def _weighted_means(counts: sparse.csr_array, weights: NDArray[np.float32]) -> sparse.csr_array:
    weighted = counts.multiply(weights[None, :]).tocsr()
    totals = np.maximum(np.asarray(weighted.sum(axis=1)).ravel(), 1e-6)
    return sparse.diags_array(1.0 / totals).dot(weighted).tocsr().astype(np.float32)


def _principal_axes(vectors: Matrix, dimension: int) -> Matrix:
    _, axes = np.linalg.eigh(vectors.T @ vectors)  # eigenvalues ascend
    return np.ascontiguousarray(axes[:, ::-1][:, :dimension], np.float32)


def _anchored_ridge(means: sparse.csr_array, targets: Matrix, start: Matrix, ridge: float, iterations: int) -> Matrix:
    """Minimise |means X - targets|² + ridge |X - start|² by conjugate gradients, all columns at once."""
    transposed = means.T.tocsr()
    residual = transposed @ (targets - means @ start)
    change, direction = np.zeros_like(start), residual.copy()
    norms = (residual * residual).sum(axis=0)
    for _ in range(iterations):
        image = transposed @ (means @ direction) + ridge * direction
        step = norms / np.maximum((direction * image).sum(axis=0), 1e-20)
        change += step * direction
        residual -= step * image
        previous, norms = norms, (residual * residual).sum(axis=0)
        direction = residual + norms / np.maximum(previous, 1e-20) * direction
    return start + change


def _unit_rows(vectors: Matrix) -> Matrix:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
