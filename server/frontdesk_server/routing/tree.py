"""Builds every router's tree of strategies from the configuration, and finds what contradicts itself in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.config.checks import CheckConfig
from frontdesk_server.config.naming import no_such
from frontdesk_server.config.root import Config
from frontdesk_server.config.strategies import (
    CascadeConfig,
    ChainConfig,
    ChoosingConfig,
    ClassifierConfig,
    EmbeddingConfig,
    LlmConfig,
    ModelStrategy,
    RouterConfig,
    RouterReference,
    Rule,
    RulesConfig,
    SplitConfig,
    StrategyConfig,
)
from frontdesk_server.domain.model import Pool
from frontdesk_server.routing.budget import longer_than_budget
from frontdesk_server.routing.nodes.cascade import build_cascade, build_fitted
from frontdesk_server.routing.nodes.classifier import build_classifier
from frontdesk_server.routing.nodes.embedding import build_embedding
from frontdesk_server.routing.nodes.llm import build_llm
from frontdesk_server.routing.nodes.scope import LocatedFault, Location, Scope, StrategyTools
from frontdesk_server.routing.strategies.base import Strategy
from frontdesk_server.routing.strategies.chain import Chain
from frontdesk_server.routing.strategies.conditions import CompiledCondition, ConditionCompiler, InvalidPattern
from frontdesk_server.routing.strategies.model import FixedModel
from frontdesk_server.routing.strategies.reference import RouterReferenceStrategy
from frontdesk_server.routing.strategies.rules import CompiledRule, Rules
from frontdesk_server.routing.strategies.split import Arm, Split


@dataclass(frozen=True, slots=True)
class Trees:
    """Every router's tree by its name, and the checks and fitted cascades that plans name by their paths."""

    strategies: Mapping[str, Strategy]
    checks: Mapping[str, CheckConfig]
    fitted: Mapping[str, FittedCascade]
    preparations: Sequence[Callable[[], Awaitable[None]]]


def build_trees(config: Config, pool: Pool, tools: StrategyTools) -> tuple[Trees, list[LocatedFault]]:
    """Build all trees, and list every fault found on the way; with faults the trees must not be used."""
    strategies: dict[str, Strategy] = {}
    checks: dict[str, CheckConfig] = {}
    fitted: dict[str, FittedCascade] = {}
    faults: list[LocatedFault] = []
    preparations: list[Callable[[], Awaitable[None]]] = []
    references: dict[str, list[tuple[Location, str]]] = {}
    for name, router in config.routers.items():
        models = {model: pool[model] for model in router.models or pool if model in pool}
        scope = Scope(models, pool, tools, faults, preparations)
        builder = _Builder(scope, config.routers.keys(), strategies, checks, fitted)
        location: Location = ("routers", name)
        builder.check_router(router, location)
        faults += _too_long(router, config, location)
        strategies[name] = builder.build(router.strategy, f"{name}/{router.strategy.kind}", (*location, "strategy"))
        references[name] = builder.references
    faults += _cycles(references)
    return Trees(strategies, checks, fitted, preparations), faults


@dataclass(slots=True)
class _Builder:
    """Builds one router's tree."""

    scope: Scope
    routers: Set[str]
    trees: Mapping[str, Strategy]
    checks: dict[str, CheckConfig]
    fitted: dict[str, FittedCascade]
    references: list[tuple[Location, str]] = field(default_factory=list)

    def check_router(self, router: RouterConfig, location: Location) -> None:
        """Check the models that the router itself names."""
        for index, name in enumerate(router.models):
            self.scope.check_pooled(name, (*location, "models", index))
        self.scope.check_candidate(router.default_model, (*location, "default_model"))
        for index, name in enumerate(router.fallbacks):
            self.scope.check_candidate(name, (*location, "fallbacks", index))

    def build(self, config: StrategyConfig, path: str, location: Location) -> Strategy:
        """Build a strategy and all below it; `path` is its place in the tree, `location` that in the configuration."""
        match config:
            case RulesConfig():
                return self._rules(config, path, location)
            case EmbeddingConfig():
                return build_embedding(config, path, location, self.scope, self._then(config, path, location))
            case ClassifierConfig():
                return build_classifier(config, path, location, self.scope, self._then(config, path, location))
            case LlmConfig():
                return build_llm(config, path, location, self.scope, self._then(config, path, location))
            case CascadeConfig():
                if config.artefact is not None:
                    return build_fitted(config.artefact, path, location, self.scope, self.fitted)
                return build_cascade(config, path, location, self.scope, self.checks)
            case ChainConfig():
                children = (
                    self.build(child, f"{path}.{index}/{child.kind}", (*location, "strategies", index))
                    for index, child in enumerate(config.strategies)
                )
                return Chain(path, tuple(children))
            case SplitConfig():
                return self._split(config, path, location)
            case RouterReference():
                return self._reference(config, path, location)
            case ModelStrategy():
                self.scope.check_candidate(config.model, (*location, "model"))
                return FixedModel(path, config.model)

    def _then(self, config: ChoosingConfig, path: str, location: Location) -> dict[str, Strategy]:
        """The strategies that follow a chosen model."""
        then = {}
        for model, follower in config.then.items():
            place = (*location, "then", model)
            self.scope.check_candidate(model, place)
            then[model] = self.build(follower, f"{path}.{model}/{follower.kind}", place)
        return then

    def _rules(self, config: RulesConfig, path: str, location: Location) -> Rules:
        self._check_names([rule.name for rule in config.rules], (*location, "rules"))
        self._check_only(config, location)
        compiler = ConditionCompiler()
        rules = [
            self._rule(rule, compiler, f"{path}.{rule.name}", (*location, "rules", index))
            for index, rule in enumerate(config.rules)
        ]
        try:
            compiler.finish()
        except InvalidPattern as error:
            self.scope.fault((*location, "rules"), str(error))
        return Rules(path, rules, compiler.last, compiler.anywhere)

    def _rule(self, rule: Rule, compiler: ConditionCompiler, path: str, location: Location) -> CompiledRule:
        for name in sorted(rule.only):
            self.scope.check_candidate(name, (*location, "only"))
        if rule.model is not None:
            self.scope.check_candidate(rule.model, (*location, "model"))
            if rule.only and rule.model not in rule.only:
                self.scope.fault((*location, "model"), f"rule {rule.name!r} chooses a model that its `only` rules out")
        condition: CompiledCondition | None = None
        try:
            condition = compiler.compile(rule.when) if rule.when is not None else None
        except InvalidPattern as error:
            self.scope.fault((*location, "when"), f"rule {rule.name!r}: {error}")
        then = None
        if rule.then is not None:
            then = self.build(rule.then, f"{path}/{rule.then.kind}", (*location, "then"))
        return CompiledRule(rule.name, condition, rule.model or "", then, rule.only or None)

    def _check_only(self, config: RulesConfig, location: Location) -> None:
        """Rules that always hold restrict every query; together they must leave it a model."""
        left: frozenset[str] | None = None
        for index, rule in enumerate(config.rules):
            if rule.when is None and rule.only:
                left = rule.only if left is None else left & rule.only
                if not left:
                    message = f"rule {rule.name!r} leaves no model of those that the rules before it restrict to"
                    self.scope.fault((*location, "rules", index, "only"), message)
                    return
            if rule.when is None and (rule.model or rule.then):
                return  # no later rule is asked

    def _split(self, config: SplitConfig, path: str, location: Location) -> Split:
        self._check_names([arm.name for arm in config.arms], (*location, "arms"))
        total = sum(arm.weight for arm in config.arms)
        arms = []
        for index, arm in enumerate(config.arms):
            strategy = self.build(
                arm.strategy, f"{path}.{arm.name}/{arm.strategy.kind}", (*location, "arms", index, "strategy")
            )
            arms.append(Arm(arm.name, arm.weight / total, strategy))
        return Split(path, arms, config.salt)

    def _check_names(self, names: Sequence[str], location: Location) -> None:
        """Names tell places in the tree apart."""
        for index, name in enumerate(names):
            if name in names[:index]:
                self.scope.fault((*location, index, "name"), f"the name {name!r} is given twice")

    def _reference(self, config: RouterReference, path: str, location: Location) -> RouterReferenceStrategy:
        place = (*location, "router")
        if config.router not in self.routers:
            self.scope.fault(place, no_such("router", config.router, self.routers))
        self.references.append((place, config.router))
        return RouterReferenceStrategy(path, config.router, self.trees)


def _too_long(router: RouterConfig, config: Config, location: Location) -> list[LocatedFault]:
    """A fault for every router LLM that the router's budget would cut short, unseen."""
    return [
        LocatedFault(
            (*location, "strategy_timeout_ms"),
            f"is shorter than the timeout_ms of {given:g} of a router LLM below; make it longer, or leave it out",
        )
        for given in longer_than_budget(router, config.routers)
    ]


def _cycles(references: Mapping[str, list[tuple[Location, str]]]) -> list[LocatedFault]:
    """A fault for every reference that leads back to its own router."""
    return [
        LocatedFault(location, f"router {name!r} refers to itself by way of {target!r}")
        for name, targets in references.items()
        for location, target in targets
        if name in _reachable(target, references)
    ]


def _reachable(start: str, references: Mapping[str, list[tuple[Location, str]]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [target for _, target in references.get(name, ())]
    return reached
