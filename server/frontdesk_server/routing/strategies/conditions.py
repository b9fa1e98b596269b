"""Compiles the conditions of rules: all their keywords and patterns become one RE2 set, the rest plain predicates."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

import re2

from frontdesk_server.config.strategies import Condition, Range
from frontdesk_server.domain.signals import Signals

_MAX_MEMORY_BYTES = 256 * 1024 * 1024
_UNSPACED = (("\u0e00", "\u0eff"), ("\u3000", "\u9fff"))
# What may stand beside a word: ASCII but letters, digits and _, the signs of Latin-1, punctuation, scripts without
# spaces. RE2's own \b takes every letter outside of ASCII for such a sign; its \pL makes automata a hundred times
# as big.
_BESIDE = (
    r"\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf"
    r"\x{e00}-\x{eff}\x{2000}-\x{206f}\x{2190}-\x{2bff}\x{3000}-\x{9fff}\x{ff00}-\x{ff0f}"
)
_START, _END = f"(?:^|[{_BESIDE}])", f"(?:[{_BESIDE}]|$)"


class InvalidPattern(Exception):
    """A pattern that RE2 does not understand."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions are judged by: signals, and the numbers of the phrases found in the text."""

    signals: Signals
    found: Set[int]


Predicate = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A predicate, and the phrases of which at least one must be found for it to hold; None when it needs none."""

    holds: Predicate
    needles: frozenset[int] | None


class PhraseSet:
    """Phrases that are looked for in one pass, whatever their number. Add all, then compile, then search."""

    def __init__(self) -> None:
        self._options = re2.Options()
        self._options.max_mem = _MAX_MEMORY_BYTES
        self._options.log_errors = False
        self._numbers: dict[str, int] = {}
        self._set = re2.Set.SearchSet(self._options)

    def __len__(self) -> int:
        return len(self._numbers)

    def add_keywords(self, keywords: tuple[str, ...]) -> int:
        """The number under which any of these whole words, whatever their case, is found. Raises `InvalidPattern`."""
        return self._add(f"(?i:{_whole_words(keywords)})")

    def add_pattern(self, pattern: str) -> int:
        """The number under which a RE2 pattern will be found. Raises `InvalidPattern`."""
        try:
            re2.compile(pattern, self._options)
        except re2.error as error:
            reason = error.args[0]
            raise InvalidPattern(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
        return self._add(pattern)

    def compile(self) -> None:
        """No phrase is added after this. Raises `InvalidPattern` when all together are too large."""
        try:
            if self._numbers:
                self._set.Compile()
        except re2.error as error:
            raise InvalidPattern(f"its {len(self)} phrases are too large together") from error

    def found_in(self, text: str) -> Set[int]:
        """The numbers of the phrases that occur in the whole of a text."""
        if not self._numbers or not text:
            return frozenset()
        return set(self._set.Match(text.encode("utf-8", "replace")) or ())

    def _add(self, pattern: str) -> int:
        number = self._numbers.get(pattern)
        if number is None:
            number = self._numbers[pattern] = self._set.Add(pattern)
        return number


class ConditionCompiler:
    """Compiles conditions over two texts: the last user message, and the whole conversation."""

    def __init__(self) -> None:
        self.last = PhraseSet()
        self.anywhere = PhraseSet()

    def compile(self, condition: Condition) -> CompiledCondition:
        """The condition as a predicate. Raises `InvalidPattern`."""
        parts = [*self._phrases(condition), *_signal_parts(condition)]
        parts += [self.compile(child) for child in condition.all]
        if condition.any:
            parts.append(_any([self.compile(child) for child in condition.any]))
        if condition.none:
            refused = _any([self.compile(child) for child in condition.none]).holds
            parts.append(CompiledCondition(lambda facts: not refused(facts), None))
        return _all(parts)

    def finish(self) -> None:
        """All conditions are compiled. Raises `InvalidPattern` when their phrases are too large together."""
        self.last.compile()
        self.anywhere.compile()

    def _phrases(self, condition: Condition) -> list[CompiledCondition]:
        phrases = self.anywhere if condition.anywhere else self.last
        numbers = []
        if condition.keywords:
            numbers.append(phrases.add_keywords(condition.keywords))
        if condition.pattern is not None:
            numbers.append(phrases.add_pattern(condition.pattern))
        # Numbers of the second set are told apart by their sign.
        return [_found(~number if condition.anywhere else number) for number in numbers]


def _found(number: int) -> CompiledCondition:
    return CompiledCondition(lambda facts: number in facts.found, frozenset((number,)))


def _signal_parts(condition: Condition) -> list[CompiledCondition]:
    parts: list[Predicate] = []
    if tasks := frozenset(condition.task):
        parts.append(lambda facts: facts.signals.task in tasks)
    if languages := frozenset(condition.language):
        parts.append(lambda facts: facts.signals.language in languages)
    if condition.difficulty is not None:
        parts.append(_in_range(condition.difficulty, lambda signals: signals.difficulty))
    if condition.input_tokens is not None:
        parts.append(_in_range(condition.input_tokens, lambda signals: signals.input_tokens))
    if condition.turns is not None:
        parts.append(_in_range(condition.turns, lambda signals: signals.turns))
    flags: tuple[tuple[bool | None, Callable[[Signals], bool]], ...] = (
        (condition.code, lambda signals: signals.code),
        (condition.math, lambda signals: signals.math),
        (condition.tools, lambda signals: signals.tools),
        (condition.media, lambda signals: signals.media),
    )
    parts += [_is(wanted, flag) for wanted, flag in flags if wanted is not None]
    return [CompiledCondition(part, None) for part in parts]


def _in_range(bounds: Range, value: Callable[[Signals], float]) -> Predicate:
    low = float("-inf") if bounds.min is None else bounds.min
    high = float("inf") if bounds.max is None else bounds.max
    return lambda facts: low <= value(facts.signals) <= high


def _is(wanted: bool, flag: Callable[[Signals], bool]) -> Predicate:
    return lambda facts: flag(facts.signals) is wanted


def _all(parts: list[CompiledCondition]) -> CompiledCondition:
    if len(parts) == 1:
        return parts[0]
    predicates = tuple(part.holds for part in parts)
    needles = min((part.needles for part in parts if part.needles is not None), key=len, default=None)
    return CompiledCondition(lambda facts: all(holds(facts) for holds in predicates), needles)


def _any(parts: list[CompiledCondition]) -> CompiledCondition:
    predicates = tuple(part.holds for part in parts)
    needles: frozenset[int] | None = frozenset()
    for part in parts:
        needles = None if needles is None or part.needles is None else needles | part.needles
    return CompiledCondition(lambda facts: any(holds(facts) for holds in predicates), needles)


def _whole_words(keywords: tuple[str, ...]) -> str:
    """The keywords, their words apart by any white space, none of them within a longer word."""
    by_ends: dict[tuple[str, str], list[str]] = {}
    for keyword in keywords:
        words = keyword.split()
        if not words:
            raise InvalidPattern("a keyword is empty")
        ends = (_START if _bounded(keyword.strip()[0]) else "", _END if _bounded(keyword.strip()[-1]) else "")
        by_ends.setdefault(ends, []).append(r"\s+".join(map(re2.escape, words)))
    return "|".join(f"{start}(?:{'|'.join(group)}){end}" for (start, end), group in by_ends.items())


def _bounded(character: str) -> bool:
    """Whether a word that starts or ends with it has a bound there: signs, and scripts without spaces, know none."""
    return character.isalnum() and not any(first <= character <= last for first, last in _UNSPACED)
