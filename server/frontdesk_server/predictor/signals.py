"""Numbers read off a text: its structure, its vocabulary, the cues of code, mathematics and reasoning.

No learned part and no I/O. Every signal is a statement about one text alone; length is only one of them, on a
logarithmic scale, since it says little by itself.
"""

import re
from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.typing import NDArray

__all__ = ["CUE_NAMES", "SIGNAL_NAMES", "STRUCTURE_NAMES", "text_signals", "words_of"]

MAX_CHARS = 8_000
"""Text beyond this is not read: what a query is about stands at its beginning or its end."""

_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"(?m)^[ \t]*\(?[A-J][.):][ \t]*(.*)$")
_SENTENCE = re.compile(r"[.!?](?:\s|$)")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_CODE = re.compile(
    r"```|\bdef \w+\(|#include|=>"
    r"|\w\(\)|[;{}]\s*(?:\n|$)|</?\w+>|\w+\.\w+\(|>>>|\bfor \w+ in |^import |^from \w+ import",
    re.M,
)

_CUE_WORDS = {
    "negation": "not except least false incorrect never cannot without unlikely neither nor",
    "choice": "following which option options choose select statement statements correct best true",
    "steps": "then after before first next finally each every per total altogether remaining left more less fewer",
    "ratio": "half twice double triple thirds third quarter percent percentage times ratio fraction average rate speed",
    "condition": "if unless suppose assume given assuming let when only whenever otherwise either must",
    "reason": "why explain because therefore prove proof derive show reason justify deduce infer conclude logic puzzle",
    "quantity": "how many much find calculate compute determine solve number sum product value evaluate",
    "formal": "theorem function matrix group ring field integer polynomial probability equation set graph vector "
    "derivative integral algorithm complexity invariant recursive modulo prime finite infinite converge",
    "question": "what who where when whose whom is are does did was were do can",
    "names": "he she his her him they their mr mrs",
    "modal": "should would could might may ought",
    "hedge": "most likely primarily generally usually often typically mainly probably",
    "chat": "hi hello hey thanks thank please bye morning evening you your feel me my i",
    "create": "write compose story poem song essay imagine invent creative slogan lyrics haiku dialogue character",
    "shorten": "summarize summarise summary tldr shorten condense brief key points gist paraphrase",
    "pick": "extract list identify entities fields json table parse names dates emails",
    "foreign": "translate translation french spanish german italian portuguese japanese chinese korean english russian",
    "program": "code python java javascript sql bug function class script program implement compile debug api regex "
    "thread async database query deadlock",
    "study": "according theory described author passage article law court act treaty disease patient cell species",
}
_CUES = {word: kind for kind, words in enumerate(_CUE_WORDS.values()) for word in words.split()}
_KINDS = tuple(_CUE_WORDS)
_NEGATION, _STATEMENT_WORDS = _KINDS.index("negation"), {"statement", "statements"}
_OPERATORS = "+-*/<>%"

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
CUE_NAMES: tuple[str, ...] = tuple(f"cue_{kind}" for kind in _KINDS)
SIGNAL_NAMES: tuple[str, ...] = STRUCTURE_NAMES + CUE_NAMES


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text, in order and in their own case."""
    return _WORD.findall(text[:MAX_CHARS])


def text_signals(text: str, words: Sequence[str], lowered: Sequence[str]) -> NDArray[np.float32]:
    """Return the signals of a text, shape (len(SIGNAL_NAMES),).

    `words` are its `words_of`, `lowered` the same in lower case: the caller needs both anyway.
    """
    body = text[:MAX_CHARS]
    first_option = _OPTION.search(body) if "\n" in body else None
    stem = (body[: first_option.start()] if first_option else body).rstrip()
    numbers = [word for word in words if word[0].isdigit()]
    cues = [0] * len(_KINDS)
    for kind in map(_CUES.get, lowered):
        if kind is not None:
            cues[kind] += 1
    word_count = len(words) or 1
    chars = len(body) or 1
    letters = sum(map(len, words))
    digits = sum(map(len, numbers))
    sentences = len(_SENTENCE.findall(stem)) or 1
    parentheses, equations = body.count("("), body.count("=")
    looks_like_code = parentheses or equations or "`" in body or ";" in body or "#" in body or "import " in body
    values = [
        log1p(len(text)),
        log1p(len(stem)),
        log1p(body.count("\n")),
        log1p(sentences),
        log1p(word_count / sentences),
        letters / word_count,
        sum(len(word) > 8 for word in words) / word_count,
        len(set(lowered)) / word_count,
        sum(word[0].isupper() for word in words) / word_count,
        digits / chars,
        log1p(len(numbers)),
        float(max(map(len, numbers), default=0)),
        log1p(equations),
        log1p(sum(map(body.count, _OPERATORS))),
        log1p(body.count("\\") + body.count("$") + body.count("^")),
        log1p(len(_CODE.findall(body))) if looks_like_code else 0.0,
        log1p(body.count('"') + body.count("\u201c")),
        log1p(parentheses),
        float("__" in stem),
        float(stem.endswith("?")),
        float(cues[_NEGATION] > 0),
        float(not _STATEMENT_WORDS.isdisjoint(lowered)),
        log1p(len(_YEAR.findall(body))) if digits > 3 else 0.0,
        0.0 if body.isascii() else sum(character > "\u024f" for character in body) / chars,
        *_option_signals(_OPTION.findall(body) if first_option else ()),
    ]
    values += map(log1p, cues)
    return np.array(values, dtype=np.float32)


def _option_signals(options: Sequence[str]) -> tuple[float, ...]:
    if not options:
        return (0.0,) * 6
    lengths = [len(option) for option in options]
    mean = sum(lengths) / len(options)
    spread = sum(abs(length - mean) for length in lengths) / (len(options) * (1.0 + mean))
    numeric = sum(option.lstrip("-$ ")[:1].isdigit() for option in options) / len(options)
    all_or_none = any(option.lower().startswith(("all of", "none of", "both", "neither")) for option in options)
    return log1p(len(options)), log1p(mean), log1p(max(lengths)), spread, numeric, float(all_or_none)
