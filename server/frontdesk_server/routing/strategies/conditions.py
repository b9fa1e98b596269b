"""Compiles the conditions of rules: their keywords and patterns become RE2 sets, the rest plain predicates."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

import re2
from pydantic import model_validator

from frontdesk_server.config.base import Fraction, Section, refuse_disorder
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.value import value
from frontdesk_server.routing.strategies.folding import ZERO_WIDTH_SPACE, folded, spellings
from frontdesk_server.routing.strategies.words import has_word


class Range(Section):
    """Bounds, both inclusive; a missing one is open."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _holds_for_something(self) -> Range:
        refuse_disorder(self, "min", "max")
        return self


class FractionRange(Range):
    """Bounds within [0, 1]."""

    min: Fraction | None = None
    max: Fraction | None = None


class Condition(Section):
    """All that is given must hold; lists hold when one of their entries does."""

    keywords: tuple[str, ...] = ()
    """Words or phrases in the text of the last user message, whole words in any script, whatever their case."""
    pattern: str | None = None
    """RE2 regular expression found in the text of the last user message."""
    anywhere: bool = False
    """True looks for keywords and pattern in the whole conversation."""
    task: tuple[Task, ...] = ()
    """What the query is about."""
    difficulty: FractionRange | None = None
    """Estimated difficulty in [0, 1]."""
    input_tokens: Range | None = None
    """Estimated tokens of the whole query."""
    turns: Range | None = None
    """Messages of the user so far."""
    language: tuple[str, ...] = ()
    """ISO 639-1 codes of the last user message. A short text may have none (""): see docs/strategies.md."""
    code: bool | None = None
    """Whether program code is held or asked for."""
    math: bool | None = None
    """Whether mathematics is held or asked for."""
    tools: bool | None = None
    """Whether tools are offered."""
    media: bool | None = None
    """Whether a media part is present."""
    all: tuple[Condition, ...] = ()
    """Conditions that must all hold."""
    any: tuple[Condition, ...] = ()
    """Conditions of which one must hold."""
    none: tuple[Condition, ...] = ()
    """Conditions of which none may hold."""

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set - {"anywhere"}:
            raise ValueError("an empty condition holds always; leave out `when` instead")
        return self


_OPTIONS = re2.Options()
_OPTIONS.max_mem = 256 * 1024 * 1024
_OPTIONS.log_errors = False


class TooLarge(Exception):
    """Phrases that RE2 has no room for."""


@value
class Facts:
    """What conditions are judged by: signals, and the numbers of the phrases found in the text."""

    signals: Signals
    found: Set[int]


Predicate = Callable[[Facts], bool]


@value
class CompiledCondition:
    """A predicate, and the phrases of which at least one must be found for it to hold; None when it needs none."""

    holds: Predicate
    needles: frozenset[int] | None


class _OnePass:
    """RE2 expressions that are looked for in one pass over a text, each known by its place."""

    def __init__(self) -> None:
        self._size = 0
        self._set = re2.Set.SearchSet(_OPTIONS)

    def add(self, expression: str) -> int:
        self._set.Add(expression)
        self._size += 1
        return self._size - 1

    def compile(self) -> None:
        """Raises `re2.error` when the expressions are too large together."""
        if self._size:
            self._set.Compile()

    def found_in(self, text: str) -> Sequence[int]:
        if not self._size or not text:
            return ()
        return self._set.Match(text.encode("utf-8", "replace")) or ()


class PhraseSet:
    """Phrases that are looked for in one pass, whatever their number. Add all, then compile, then search.

    A phrase is a pattern, or some keywords one of which must be found. Keywords are looked for in the folded text, and
    only of those that occur in it are the bounds looked at.
    """

    def __init__(self) -> None:
        self._numbers: dict[str | frozenset[str], int] = {}
        self._patterns, self._keywords = _OnePass(), _OnePass()
        self._pattern_numbers: list[int] = []
        self._words: dict[str, list[int]] = {}
        self._numbered_words: list[tuple[str, list[int]]] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add_keywords(self, keywords: tuple[str, ...]) -> int:
        """The number under which any of these whole words, whatever their case, is found. None may be empty."""
        words = frozenset(map(_word, keywords))
        number = self._numbers.get(words)
        if number is None:
            number = self._numbers[words] = len(self)
            for word in sorted(words):
                self._add_word(word, number)
        return number

    def add_pattern(self, pattern: str) -> int:
        """The number under which a RE2 pattern will be found, which has no `pattern_fault`."""
        number = self._numbers.get(pattern)
        if number is None:
            self._patterns.add(pattern)
            number = self._numbers[pattern] = len(self)
            self._pattern_numbers.append(number)
        return number

    def compile(self) -> None:
        """No phrase is added after this. Raises `TooLarge` where all together are."""
        try:
            self._patterns.compile()
            self._keywords.compile()
        except re2.error as error:
            raise TooLarge(f"its {len(self)} phrases are too large together") from error

    def found_in(self, text: str) -> Set[int]:
        """The numbers of the phrases that occur in the whole of a text."""
        found = {self._pattern_numbers[place] for place in self._patterns.found_in(text)}
        if self._numbered_words:
            for plain in spellings(text):
                for place in self._keywords.found_in(plain):
                    word, numbers = self._numbered_words[place]
                    if not found.issuperset(numbers) and has_word(plain, word):
                        found.update(numbers)
        return found

    def _add_word(self, word: str, number: int) -> None:
        if word not in self._words:
            self._words[word] = []
            self._keywords.add(re2.escape(word))
            self._numbered_words.append((word, self._words[word]))
        self._words[word].append(number)


def is_empty_word(keyword: str) -> bool:
    """Whether nothing is left of a keyword to look for."""
    return not _word(keyword)


def _word(keyword: str) -> str:
    return folded(keyword.replace(ZERO_WIDTH_SPACE, ""))


def pattern_fault(pattern: str) -> str:
    """Why RE2 does not understand a pattern, which a set does not tell; empty where it does."""
    try:
        re2.Set.SearchSet(_OPTIONS).Add(pattern)
    except re2.error:
        return _reason(pattern)
    return ""


def _reason(pattern: str) -> str:
    try:
        re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0]
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return f"is not understood: {pattern}"


class ConditionCompiler:
    """Compiles conditions over two texts: the last user message, and the whole conversation."""

    def __init__(self) -> None:
        self.last = PhraseSet()
        self.anywhere = PhraseSet()

    def compile(self, condition: Condition) -> CompiledCondition:
        """The condition, which has no faults, as a predicate."""
        parts = [*self._phrases(condition), *_signal_parts(condition)]
        parts += [self.compile(child) for child in condition.all]
        if condition.any:
            parts.append(_any([self.compile(child) for child in condition.any]))
        if condition.none:
            refused = _any([self.compile(child) for child in condition.none]).holds
            parts.append(CompiledCondition(lambda facts: not refused(facts), None))
        return _all(parts)

    def finish(self) -> None:
        """All conditions are compiled. Raises `TooLarge` where their phrases are, together."""
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
