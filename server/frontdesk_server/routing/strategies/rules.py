"""rules: ordered conditions over text and signals; the first that holds decides.

All keywords and patterns are found in one pass over the text, and rules that need a phrase which is not there are never
looked at, so that a decision takes microseconds whatever the number of rules. The whole text is searched, however
long: a rule that keeps private text on a local model must not miss its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from frontdesk_server.config.base import Section
from frontdesk_server.config.names import Name
from frontdesk_server.config.strategy_kinds import AnyStrategy, Child, StrategyConfig
from frontdesk_server.config.values import Location
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.searched import texts_anywhere, texts_of_last, unescaped
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import (
    Ranking,
    RoutingContext,
    Strategy,
    conclude,
    consult,
    intersection,
    unforeseen,
)
from frontdesk_server.routing.strategies.condition_faults import faults_of_condition
from frontdesk_server.routing.strategies.conditions import (
    CompiledCondition,
    Condition,
    ConditionCompiler,
    Facts,
    PhraseSet,
    TooLarge,
)
from frontdesk_server.routing.strategies.walk import Walk

_SHORT_CHARACTERS = 10_000


class Rule(Section):
    """When the condition holds, its strategy or model decides."""

    name: Name
    """Shown in decisions."""
    when: Condition | None = None
    """Default: always."""
    model: str | None = None
    """The model that is chosen."""
    then: AnyStrategy | None = None
    """The strategy that is asked."""
    only: frozenset[str] = frozenset()
    """Restricts the query to these models, fallbacks included. Alone, the next rule goes on within them."""

    @model_validator(mode="after")
    def _decides(self) -> Rule:
        if self.model is not None and self.then is not None:
            raise ValueError("give a model or a strategy, not both")
        if self.model is None and self.then is None and not self.only:
            raise ValueError("give one of model, then, only")
        return self


class RulesConfig(StrategyConfig):
    """Ordered rules; the first that holds decides, none abstains."""

    kind: Literal["rules"]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    def children(self) -> Sequence[Child]:
        """The strategies that rules ask, by the names of the rules."""
        return [Child(rule.name, ("rules", n, "then"), rule.then) for n, rule in enumerate(self.rules) if rule.then]

    def with_children(self, children: Sequence[StrategyConfig]) -> Self:
        """The same with other strategies asked."""
        following = iter(children)
        rules = (rule.model_copy(update={"then": next(following)}) if rule.then else rule for rule in self.rules)
        return self.model_copy(update={"rules": tuple(rules)})


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule. `condition` None holds always; neither `model` nor `then` goes on with the next rule."""

    name: str
    condition: CompiledCondition | None
    model: str = ""
    then: Strategy | None = None
    restricted_to: frozenset[str] | None = None


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
        restricts stays restricted. Where it fails, all restrictions hold that the rules not yet judged may make.
        """
        started = context.clock.monotonic()
        walk = Walk(context)
        reasons: list[str] = []
        open_places: Iterable[int] = range(len(self._rules))
        place = 0
        try:
            facts = Facts(context.signals, await self._found(context))
            open_places = self._candidates(facts.found)
            for place in open_places:
                rule = self._rules[place]
                if rule.condition is not None and not rule.condition.holds(facts):
                    continue
                ranking = await _decide(rule, walk.context)
                walk.take(ranking)
                if ranking.verdict is Verdict.CHOSE:
                    return conclude(self, context, started, walk.total(ranking))
                reasons.append(ranking.reason)
        except Exception as error:
            for unsure in open_places:  # whether they hold nobody knows, and what they keep private must stay so
                if unsure >= place:
                    walk.restrict(self._rules[unsure].restricted_to)
            return conclude(self, context, started, walk.total(unforeseen(self, context, error)))
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

    def _candidates(self, found: Set[int]) -> Sequence[int]:
        """The places of the rules that may hold, in order: those that need no phrase, or one that was found."""
        if hits := found & self._by_needle.keys():
            return sorted({*self._always, *(place for needle in hits for place in self._by_needle[needle])})
        return self._always


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
    if rule.restricted_to is not None:
        name += f" restricts to {', '.join(sorted(rule.restricted_to))} and"
        context = context.within(rule.restricted_to)
    if rule.then is not None:
        below = await consult(rule.then, context)
        restricted_to = intersection(rule.restricted_to, below.restricted_to)
        return below._replace(reason=f"{name} asks {rule.then.kind}: {below.reason}", restricted_to=restricted_to)
    if rule.model in context.eligible:
        return Ranking(Verdict.CHOSE, f"{name} chooses {rule.model}", rule.model, restricted_to=rule.restricted_to)
    if rule.model:
        return Ranking(
            Verdict.ABSTAINED, f"{name} chooses {rule.model}, which is not eligible", restricted_to=rule.restricted_to
        )
    return Ranking(Verdict.ABSTAINED, f"{name} goes on", restricted_to=rule.restricted_to)


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


@builds(RulesConfig)
def build_rules(config: RulesConfig, site: Site) -> Rules:
    """Build it, and note what contradicts itself."""
    place = (*site.location, "rules")
    site.scope.check_names([rule.name for rule in config.rules], place)
    _check_only(config, site)
    compiler = ConditionCompiler()
    rules = [_compiled(rule, compiler, (*place, index), site) for index, rule in enumerate(config.rules)]
    try:
        compiler.finish()
    except TooLarge as error:
        site.scope.fault(place, str(error))
    return Rules(site.path, rules, compiler.last, compiler.anywhere)


def _compiled(rule: Rule, compiler: ConditionCompiler, location: Location, site: Site) -> CompiledRule:
    for name in sorted(rule.only):
        site.scope.check_candidate(name, (*location, "only"))
    if rule.model is not None:
        site.scope.check_candidate(rule.model, (*location, "model"))
        if rule.only and rule.model not in rule.only:
            site.scope.fault((*location, "model"), f"rule {rule.name!r} chooses a model that its `only` rules out")
    condition: CompiledCondition | None = None
    if rule.when is not None:
        faults = list(faults_of_condition(rule.when, (*location, "when")))
        for place, message in faults:
            site.scope.fault(place, f"rule {rule.name!r}: {message}")
        condition = None if faults else compiler.compile(rule.when)
    then = None if rule.then is None else site.children[rule.name]
    return CompiledRule(rule.name, condition, rule.model or "", then, rule.only or None)


def _check_only(config: RulesConfig, site: Site) -> None:
    """Rules that always hold restrict every query; together they must leave it a model."""
    left: frozenset[str] | None = None
    for index, rule in enumerate(config.rules):
        if rule.when is None and rule.only:
            left = intersection(left, rule.only)
            if not left:
                message = f"rule {rule.name!r} leaves no model of those that the rules before it restrict to"
                site.scope.fault((*site.location, "rules", index, "only"), message)
                return
        if rule.when is None and (rule.model or rule.then):
            return  # no later rule is asked
