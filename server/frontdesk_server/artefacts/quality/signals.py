"""Numbers read off a text: its structure, its vocabulary, the cues of code, mathematics and reasoning.

No learned part and no I/O. Every signal is a statement about one text alone; length is only one of them, on a
logarithmic scale, since it says little by itself.
"""

import re
from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality.words import CUE_KINDS, Words

__all__ = ["CUE_NAMES", "MAX_CHARS", "SIGNAL_NAMES", "STRUCTURE_NAMES", "text_signals"]

MAX_CHARS = 8_000
"""Text beyond this is not read: what a query is about stands at its beginning or its end."""

_OPTION = re.compile(r"(?m)^[ \t]*\(?[A-J][.):][ \t]*(.*)$")
_SENTENCE = re.compile(r"[.!?](?:\s|$)")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_CODE = re.compile(
    r"```|\bdef \w+\(|#include|=>"
    r"|\w\(\)|[;{}]\s*(?:\n|$)|</?\w+>|\w+\.\w+\(|>>>|\bfor \w+ in |^import |^from \w+ import",
    re.M,
)

_NEGATION, _STATEMENT_WORDS = CUE_KINDS.index("negation"), {"statement", "statements"}
_OPERATORS = b"+-*/<>%"
_COMMON = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \n.,:?!'"
"""Without these, most texts hold no symbol that would have to be counted."""

STRUCTURE_NAMES: tuple[str, ...] = (
    "log_chars",
    "log_stem_chars",
    "log_lines",
    "log_sentences",
    "words_per_sentence",
    "word_length",
    "long_word_share",
    "distinct_share",
    "capital_share",
    "digit_share",
    "log_numbers",
    "longest_number",
    "equations",
    "operators",
    "latex",
    "code",
    "quotes",
    "parentheses",
    "blank",
    "asks",
    "negated",
    "statements",
    "years",
    "foreign_letters",
    "options",
    "option_chars",
    "longest_option",
    "option_spread",
    "numeric_options",
    "option_all_or_none",
)
CUE_NAMES: tuple[str, ...] = tuple(f"cue_{kind}" for kind in CUE_KINDS)
SIGNAL_NAMES: tuple[str, ...] = STRUCTURE_NAMES + CUE_NAMES


def text_signals(text: str, words: Words) -> NDArray[np.float32]:
    """Return the signals of a text, shape (len(SIGNAL_NAMES),). `words` are those of its first MAX_CHARS characters."""
    body = text[:MAX_CHARS]
    first_option = _OPTION.search(body) if "\n" in body else None
    stem = (body[: first_option.start()] if first_option else body).rstrip()
    cues = [0] * len(CUE_KINDS)
    for kind in words.cues:
        if kind is not None:
            cues[kind] += 1
    lowered, number_lengths = words.lowered, words.number_lengths
    word_count = len(lowered) or 1
    chars = len(body) or 1
    digits = sum(number_lengths)
    sentences = len(_SENTENCE.findall(stem)) or 1
    values = [
        log1p(len(text)),
        log1p(len(stem)),
        log1p(body.count("\n")),
        log1p(sentences),
        log1p(word_count / sentences),
        sum(words.lengths) / word_count,
        sum(words.long) / word_count,
        len(set(lowered)) / word_count,
        sum(words.capitalised) / word_count,
        digits / chars,
        log1p(len(number_lengths) - number_lengths.count(0)),
        float(max(number_lengths, default=0)),
        *_symbol_signals(body),
        float("__" in stem),
        float(stem.endswith("?")),
        float(cues[_NEGATION] > 0),
        float(not _STATEMENT_WORDS.isdisjoint(lowered)),
        log1p(len(_YEAR.findall(body))) if digits > 3 else 0.0,
        0.0 if body.isascii() else sum(character > "\u024f" for character in body) / chars,
        *_option_signals(_OPTION.findall(body) if first_option else ()),
    ]
    values += [log1p(count) if count else 0.0 for count in cues]
    return np.array(values, dtype=np.float32)


def _symbol_signals(body: str) -> tuple[float, ...]:
    """Return what symbols tell, from equations to parentheses."""
    symbols = body.encode("utf-8", "surrogatepass").translate(None, _COMMON)
    if not symbols and "import " not in body:
        return (0.0,) * 6
    count = symbols.count
    equations, parentheses = count(b"="), count(b"(")
    looks_like_code = equations or parentheses or b"`" in symbols or b";" in symbols or b"#" in symbols
    return (
        log1p(equations),
        log1p(sum(map(count, _OPERATORS))),
        log1p(count(b"\\") + count(b"$") + count(b"^")),
        log1p(len(_CODE.findall(body))) if looks_like_code or "import " in body else 0.0,
        log1p(count(b'"') + count("\u201c".encode())),
        log1p(parentheses),
    )


def _option_signals(options: Sequence[str]) -> tuple[float, ...]:
    if not options:
        return (0.0,) * 6
    lengths = [len(option) for option in options]
    mean = sum(lengths) / len(options)
    spread = sum(abs(length - mean) for length in lengths) / (len(options) * (1.0 + mean))
    numeric = sum(option.lstrip("-$ ")[:1].isdigit() for option in options) / len(options)
    all_or_none = any(option.lower().startswith(("all of", "none of", "both", "neither")) for option in options)
    return log1p(len(options)), log1p(mean), log1p(max(lengths)), spread, numeric, float(all_or_none)
