r"""Whether two answers say the same: the final answer is extracted from each and compared by its kind.

Numbers (``#### 42``, ``\boxed{\frac{1}{2}}``, ``1,234.50 dollars``) compare by value, options by letter, JSON by
content, code output and formulas exactly up to spaces and the style of quotes, free text by the tokens it shares.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

__all__ = ["Compare", "FinalAnswer", "agree", "answer_size", "extract_answer", "group_answers"]

Compare = Literal["auto", "number", "option", "json", "code", "text"]
Kind = Literal["number", "option", "json", "code", "text"]

_MAX_CHARS = 20_000
_MAX_DIGITS = 1_000
_BOXED = re.compile(r"\\boxed\s*\{")
_HASHES = re.compile(r"####[ \t]*(.+)")
_STATED = re.compile(
    r"(?i)\b(?:final\s+)?(?:answer|result|output|solution|choice)\s*(?:\w+\s+){0,2}?(?:is|:|=)+[\s:*`]*(.+?)(?=\.?\s*$|\.\s)",
    re.M,
)
_FENCE = re.compile(r"```[\w-]*\n(.*?)```", re.S)
_DIGITS = r"(?:\d{1,3}(?:[,_\u00a0\u202f' ]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"[-+\u2212]?\s*(?:[$€£¥]\s*)?(?P<value>{_DIGITS})(?:\s*(?:[eE]|\\times\s*10\^\{{?|\u00d7\s*10\^)(?P<exponent>[-+]?\d+)\}}?)?"
    rf"(?:\s*/\s*(?P<denominator>{_DIGITS}))?"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*([-+]?[\d.,]+)\s*\}\s*\{\s*([-+]?[\d.,]+)\s*\}")
_UNIT = re.compile(r"\s*\\?%?\s*(?:[^\W\d]+[²³]?(?:\s*/\s*|\s+|-)?){0,4}\.?")
_OPTION = re.compile(r"(?:(?i:option|choice)\s+)?(?:\(([A-Za-z])\)|([A-J]))(?:[).:]\s+\S.*|[).:]?)", re.S)
_OPTION_IN_TEXT = re.compile(
    r"\b(?i:option|choice|answer)\W{0,4}(?:is\W{0,4})?\(?([A-J])\b|\(([A-J])\)|^([A-J])[).:]", re.M
)
_FORMULA = re.compile(r"(?!.*(?<!\\)\b[A-Za-z]{4})[^\n]{0,80}[\^\\=+*<>][^\n]{0,80}")
_STRINGS = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|\s+")
_WORD = re.compile(r"[^\W_]+(?:[.,'][^\W_]+)*")
_FILLER = frozenset(
    {"a", "an", "the", "is", "are", "was", "were", "be", "of", "to", "in", "on", "at", "it", "its", "so"}
)
_NEGATION = frozenset({"no", "not", "never", "none", "cannot", "neither", "nor", "without", "isn't", "don't", "can't"})
_CONTRADICTED = 0.5
"""Factor on the similarity of texts of which one denies, or which name different numbers."""


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """What an answer comes down to; two of the same kind with the same value say the same."""

    kind: Kind
    value: Hashable


def agree(a: str, b: str, *, compare: Compare = "auto") -> float:
    """How far two answers say the same, in [0, 1]; exactly 0 or 1 except for free text.

    With `auto` the kind is read off the answers; an answer in which none can be found agrees with nothing.
    """
    first, second = extract_answer(a, compare=compare), extract_answer(b, compare=compare)
    if first is None or second is None:
        return 0.0
    reread_first, reread_second = _reread(a, first, second.kind), _reread(b, second, first.kind)
    if reread_first is None or reread_second is None or reread_first.kind != reread_second.kind:
        return 0.0
    if reread_first.value == reread_second.value:
        return 1.0
    return _similarity(str(reread_first.value), str(reread_second.value)) if reread_first.kind == "text" else 0.0


def group_answers(
    answers: Sequence[str | None], *, compare: Compare = "auto", at_least: float = 1.0
) -> tuple[int, ...]:
    """Number the groups of agreeing answers from 0 in order of appearance; -1 where there is no answer (None).

    An answer joins the first group whose first member it agrees with by `at_least`.
    """
    founders: list[str] = []
    groups: list[int] = []
    for answer in answers:
        if answer is None:
            groups.append(-1)
            continue
        for number, founder in enumerate(founders):
            if answer == founder or agree(answer, founder, compare=compare) >= at_least:
                groups.append(number)
                break
        else:
            groups.append(len(founders))
            founders.append(answer)
    return tuple(groups)


def extract_answer(text: str, *, compare: Compare = "auto") -> FinalAnswer | None:
    """Return what a text, from a bare answer to a whole reasoned response, comes down to; None for nothing."""
    text = text[-_MAX_CHARS:].strip()
    stated = _stated(text)
    for kind in _ORDER if compare == "auto" else (compare,):
        if (value := _READERS[kind](stated)) is not None:
            return FinalAnswer(kind, value)
    if compare in ("number", "option"):
        value = _last_number(text) if compare == "number" else _option_in(text)
        return None if value is None else FinalAnswer(compare, value)
    return None


def answer_size(text: str | None, *, compare: Compare = "auto") -> float:
    """Return the logarithm of the length of what a text comes down to; long answers are harder to get right."""
    found = None if text is None else extract_answer(text, compare=compare)
    return math.log1p(len(str(found.value))) if found is not None else 0.0


def _reread(text: str, found: FinalAnswer, other: Kind) -> FinalAnswer | None:
    """Read an answer again as what it is compared with, where its own kind is the looser one."""
    if (found.kind, other) in _REREADINGS:
        return extract_answer(text, compare=other)
    return found


_REREADINGS = {("text", "number"), ("text", "option"), ("code", "text")}


def _stated(text: str) -> str:
    """Return what the text itself marks as its answer, or else all of it."""
    if boxes := list(_BOXED.finditer(text)):
        return _braced(text, boxes[-1].end())
    for pattern in (_HASHES, _STATED, _FENCE):
        if marked := pattern.findall(text):
            return str(marked[-1]).strip().strip("*`$ \n")
    return text.strip("`$ \n") if text.startswith(("`", "$")) else text


def _braced(text: str, start: int) -> str:
    depth = 1
    for end in range(start, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[start:end].strip()
    return text[start:].strip()


def _number(text: str) -> Fraction | None:
    """Read a text that is one number, with or without a currency sign and a unit of up to four words."""
    text = text.replace("\\$", "$").replace("\\,", "").replace("\\!", "").strip().removeprefix("≈").strip()
    if fraction := _FRACTION.search(text):
        sign = -1 if text.startswith("-\\") else 1
        whole = text[: fraction.start()].strip().lstrip("-")
        value = _ratio(fraction[1], fraction[2])
        if value is None or (whole and not whole.isdecimal()) or not _UNIT.fullmatch(text[fraction.end() :]):
            return None
        return sign * (value + (int(whole) if whole else 0))
    found = _NUMBER.match(text)
    if found is None or not _UNIT.fullmatch(text[found.end() :].replace("\\text{", " ").replace("}", "")):
        return None
    return _value(found)


def _last_number(text: str) -> Fraction | None:
    found = list(_NUMBER.finditer(text))
    return _value(found[-1]) if found else None


def _value(found: re.Match[str]) -> Fraction | None:
    value = _ratio(found["value"], found["denominator"] or "1")
    if value is None or abs(exponent := int(found["exponent"] or 0)) > 300:
        return None
    negative = found[0].lstrip()[0] in "-\u2212"
    return (-value if negative else value) * Fraction(10) ** exponent


def _ratio(numerator: str, denominator: str) -> Fraction | None:
    if len(numerator) + len(denominator) > _MAX_DIGITS:
        return None
    top, bottom = (Fraction(re.sub(r"[^\d.+-]", "", part).rstrip(".") or "0") for part in (numerator, denominator))
    return top / bottom if bottom else None


def _option(text: str) -> str | None:
    found = _OPTION.fullmatch(text.strip().strip("*"))
    return (found[1] or found[2]).upper() if found else None


def _option_in(text: str) -> str | None:
    found = _OPTION_IN_TEXT.findall(text)
    return next(letter for letter in found[-1] if letter) if found else None


def _json(text: str) -> str | None:
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def _code(text: str) -> str | None:
    """Read a literal, a formula, or one word: nothing but spaces and the style of quotes may differ."""
    literal = text[:1] in "([{'\"" and text[-1:] in ")]}'\""
    if " " in text and not literal and not _FORMULA.fullmatch(text):
        return None
    return _STRINGS.sub(lambda found: "" if found[0].isspace() else f'"{found[1] or found[2] or ""}"', text)


def _text(text: str) -> str | None:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words) or None


_READERS = {"number": _number, "option": _option, "json": _json, "code": _code, "text": _text}
_ORDER: tuple[Kind, ...] = ("number", "option", "json", "code", "text")


def _similarity(a: str, b: str) -> float:
    """F1 of the shared tokens, lowered where the numbers differ or only one text denies."""
    first, second = (Counter(word for word in text.split() if word not in _FILLER) for text in (a, b))
    if first == second:
        return 1.0
    shared = (first & second).total()
    score = 2 * shared / (first.total() + second.total())
    if _NEGATION.isdisjoint(first) != _NEGATION.isdisjoint(second):
        score *= _CONTRADICTED
    if {word for word in first if word[0].isdigit()} != {word for word in second if word[0].isdigit()}:
        score *= _CONTRADICTED
    return score
