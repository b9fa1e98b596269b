"""rules: ordered conditions over text and signals; the first that holds decides.

All keywords and patterns are found in one pass over the text, and rules that need a phrase which is not there are never
looked at, so that a decision takes microseconds whatever the number of rules. The whole text is searched, however
long: a rule that keeps private text on a local model must not miss its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.signals import Signals
from frontdesk_server.routing.searched import texts_anywhere, texts_of_last, unescaped
from frontdesk_server.routing.strategies.base import (
    Ranking,
    RoutingContext,
    Strategy,
    conclude,
    consult,
    intersection,
)
from frontdesk_server.routing.strategies.conditions import CompiledCondition, Facts, PhraseSet
from frontdesk_server.routing.strategies.walk import Walk

_SHORT_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule. `condition` None holds always; neither `model` nor `then` goes on with the next rule."""

    name: str
    condition: CompiledCondition | None
    model: str = ""
    then: Strategy | None = None
    only: frozenset[str] | None = None


class Rules:
    """Looks for the first rule that holds and can decide."""

    kind = "rules"

    def __init__(self, path: str, rules: Sequence[CompiledRule], last: PhraseSet, anywhere: PhraseSet) -> None:
        self.path = path
        self._rules = tuple(rules)
        self._last = last
        self._anywhere = anywhere
        self._always, self._by_needle = _index(rules)

    async def rank(self, context: RoutingContext) -> Ranking:
        """The choice of the first rule that holds; abstains when none decides.

        A rule whose model is not eligible, or whose strategy does not choose, hands over to the next rule; what it
        restricts stays restricted.
        """
        started = context.clock.monotonic()
        walk = Walk(context)
        reasons: list[str] = []
        for rule in self._holding(context.signals, await self._found(context)):
            ranking = await _decide(rule, walk.context)
            walk.take(ranking)
            if ranking.verdict is Verdict.CHOSE:
                return conclude(self, context, started, walk.total(ranking))
            reasons.append(ranking.reason)
        abstention = Ranking(Verdict.ABSTAINED, "; ".join(reasons) or "no rule holds")
        return conclude(self, context, started, walk.total(abstention))

    async def _found(self, context: RoutingContext) -> Set[int]:
        """The numbers of the phrases that occur. Patterns can be slow on long texts, which then hold up nobody else."""
        last = texts_of_last(context.query, context.signals.text) if len(self._last) else ()
        anywhere = texts_anywhere(context.query) if len(self._anywhere) else ()
        if sum(map(len, last)) + sum(map(len, anywhere)) <= _SHORT_CHARACTERS:
            return self._search(last, anywhere)
        return await asyncio.to_thread(self._search, last, anywhere)

    def _search(self, last: Sequence[str], anywhere: Sequence[str]) -> Set[int]:
        found = _occurring(self._last, last) if last else set()
        if anywhere:
            found.update(~number for number in _occurring(self._anywhere, anywhere))
        return found

    def _holding(self, signals: Signals, found: Set[int]) -> Iterator[CompiledRule]:
        """The rules that hold, in order. Only those are tried that need no phrase, or one that was found."""
        places = self._always
        if hits := found & self._by_needle.keys():
            places = sorted({*places, *(place for needle in hits for place in self._by_needle[needle])})
        facts = Facts(signals, found)
        for place in places:
            rule = self._rules[place]
            if rule.condition is None or rule.condition.holds(facts):
                yield rule


def _occurring(phrases: PhraseSet, texts: Sequence[str]) -> set[int]:
    """The numbers of the phrases that occur in one of the texts, as it is or as its escapes read."""
    found: set[int] = set()
    for text in texts:
        found.update(phrases.found_in(text))
        if "\\" in text:
            for plain in unescaped(text):
                found.update(phrases.found_in(plain))
    return found


async def _decide(rule: CompiledRule, context: RoutingContext) -> Ranking:
    name = f"rule {rule.name!r}"
    if rule.only is not None:
        name += f" restricts to {', '.join(sorted(rule.only))} and"
        context = context.within(rule.only)
    if rule.then is not None:
        below = await consult(rule.then, context)
        only = intersection(rule.only, below.only)
        return below._replace(reason=f"{name} asks {rule.then.kind}: {below.reason}", only=only)
    if rule.model in context.eligible:
        return Ranking(Verdict.CHOSE, f"{name} chooses {rule.model}", rule.model, only=rule.only)
    if rule.model:
        return Ranking(Verdict.ABSTAINED, f"{name} chooses {rule.model}, which is not eligible", only=rule.only)
    return Ranking(Verdict.ABSTAINED, f"{name} goes on", only=rule.only)


def _index(rules: Sequence[CompiledRule]) -> tuple[list[int], Mapping[int, list[int]]]:
    """Places of the rules that need no phrase, and by phrase the places of those that do."""
    always: list[int] = []
    by_needle: dict[int, list[int]] = {}
    for place, rule in enumerate(rules):
        if rule.condition is None or rule.condition.needles is None:
            always.append(place)
            continue
        for needle in rule.condition.needles:
            by_needle.setdefault(needle, []).append(place)
    return always, by_needle
