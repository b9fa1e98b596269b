"""Text to token ids by a tokenizer.json file, with a short cut for plain text under BERT's uncased rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
from tokenizers import Tokenizer

from frontdesk_server.artefacts.embedders.protocol import EmbedderError
from frontdesk_server.domain.unusable import in_words

_UNUSUAL = r"[^\t\n\r -~]"
_MEMO_MAX_PIECES = 50_000
_MEMO_MAX_CHARACTERS = 32


class TokenIds:
    """Token ids of texts, without special tokens, padding or truncation.

    Under BERT's uncased rules no token reaches across white space, so the tokens of what stands between it are
    remembered: the same ids as the tokenizer's, ten times faster. Texts beyond printable ASCII, and other tokenizers,
    take the long way.
    """

    __slots__ = ("_memo", "_tokenizer", "_unusual", "unknown_id")

    def __init__(self, path: Path) -> None:
        try:
            content = path.read_bytes()
            specification = orjson.loads(content)
            self._tokenizer = Tokenizer.from_buffer(content)
        except Exception as error:  # tokenizers raises bare Exception
            raise EmbedderError(f"{path}: cannot be read as a tokenizer: {in_words(error)}") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.unknown_id = self._tokenizer.token_to_id(specification["model"].get("unk_token") or "[UNK]")
        added = [re.escape(token["content"]) for token in specification.get("added_tokens", ())]
        self._unusual = re.compile("|".join([_UNUSUAL, *added])) if _is_bert_uncased(specification) else None
        self._memo: dict[str, list[int]] = {}

    @property
    def count(self) -> int:
        """Number of token ids."""
        return self._tokenizer.get_vocab_size()

    def of(self, text: str) -> list[int]:
        """Return the ids of a text's tokens."""
        if self._unusual is None or self._unusual.search(text):
            return self._encode(text)
        memo = self._memo
        ids: list[int] = []
        for piece in text.lower().split():
            ids += memo.get(piece) or self._remember(piece)
        return ids

    def _remember(self, piece: str) -> list[int]:
        ids = self._encode(piece)
        if len(piece) <= _MEMO_MAX_CHARACTERS:
            if len(self._memo) >= _MEMO_MAX_PIECES:
                self._memo.clear()  # what is common comes back at once
            self._memo[piece] = ids
        return ids

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def _is_bert_uncased(specification: dict[str, Any]) -> bool:
    normalizer = specification.get("normalizer") or {}
    pre_tokenizer = specification.get("pre_tokenizer") or {}
    return (
        normalizer.get("type") == "BertNormalizer"
        and normalizer.get("lowercase") is True
        and pre_tokenizer.get("type") == "BertPreTokenizer"
        and specification["model"].get("type") == "WordPiece"
    )
