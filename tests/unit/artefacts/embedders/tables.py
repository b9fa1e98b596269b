"""Small tokenizers, tables and encoders that the tests make."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from frontdesk_server.artefacts.embedders import Matrix, Vector
from frontdesk_server.artefacts.embedders.safetensors import write_safetensors
from numpy.typing import NDArray

WORDS = ("[UNK]", "[PAD]", "pay", "##ing", "bill", "card", "lost", "the", "?", "é", "'", "s", "my")


def specification(**changes: Any) -> dict[str, Any]:
    """An uncased WordPiece tokenizer as BERT's, over WORDS."""
    return {
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {
            "strategy": {"Fixed": 16},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 1,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "added_tokens": [_special(0, "[UNK]"), _special(1, "[PAD]")],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: row for row, word in enumerate(WORDS)},
        },
        **changes,
    }


def write_table(folder: Path, tensors: dict[str, NDArray[Any]], tokenizer: dict[str, Any] | None = None) -> Path:
    """Write a static folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", tensors)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer or specification()))
    return folder


class LetterEmbedder:
    """A blocking embedder that counts letters and remembers what it was asked."""

    id = "letters@1"
    dimension = 26
    blocking = True

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed(self, text: str) -> Vector:
        counts = np.array([text.count(chr(ord("a") + letter)) for letter in range(26)], np.float32)
        return counts / np.float32(np.linalg.norm(counts) or 1.0)

    def embed_many(self, texts: Sequence[str]) -> Matrix:
        self.asked.append(list(texts))
        return np.stack([self.embed(text) for text in texts])


def _special(token_id: int, content: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": token_id, "content": content, **flags, "special": True}
