"""Builds every router's tree of strategies from the configuration, and finds what contradicts itself in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from frontdesk_server.config.root import Config
from frontdesk_server.config.routers import RouterConfig
from frontdesk_server.config.values import Location
from frontdesk_server.domain.collection import without_collection
from frontdesk_server.domain.model import Pool
from frontdesk_server.routing.budget import longer_than_budget
from frontdesk_server.routing.scope import LocatedFault, Scope, StrategyTools, Trees
from frontdesk_server.routing.site import build


@without_collection()
def build_trees(config: Config, pool: Pool, tools: StrategyTools) -> tuple[Trees, list[LocatedFault]]:
    """Build all trees, and list every fault found on the way; with faults the trees must not be used."""
    trees = Trees()
    faults: list[LocatedFault] = []
    references: dict[str, Sequence[tuple[Location, str]]] = {}
    for name, router in config.routers.items():
        models = {model: pool[model] for model in router.models or pool if model in pool}
        scope = Scope(MappingProxyType(models), MappingProxyType(pool), config.routers.keys(), tools, trees, faults)
        location: Location = ("routers", name)
        _check_router(router, location, scope)
        faults += _too_long(name, config, location)
        root = router.strategy
        trees.strategies[name] = build(root, f"{name}/{root.kind}", (*location, "strategy"), scope)
        references[name] = scope.references
    faults += _cycles(references)
    return trees, faults


def _check_router(router: RouterConfig, location: Location, scope: Scope) -> None:
    """Check the models that the router itself names."""
    for index, name in enumerate(router.models):
        scope.check_pooled(name, (*location, "models", index))
    scope.check_candidate(router.default_model, (*location, "default_model"))
    for index, name in enumerate(router.fallbacks):
        scope.check_candidate(name, (*location, "fallbacks", index))


def _too_long(router: str, config: Config, location: Location) -> list[LocatedFault]:
    """A fault for every router LLM that the router's budget would cut short, unseen."""
    return [
        LocatedFault(
            (*location, "strategy_timeout_ms"),
            f"is shorter than the timeout_ms of {given:g} of a router LLM below; make it longer, or leave it out",
        )
        for given in longer_than_budget(config, router)
    ]


def _cycles(references: Mapping[str, Sequence[tuple[Location, str]]]) -> list[LocatedFault]:
    """A fault for every reference that leads back to its own router."""
    return [
        LocatedFault(location, f"router {name!r} refers to itself by way of {target!r}")
        for name, targets in references.items()
        for location, target in targets
        if name in _reachable(target, references)
    ]


def _reachable(start: str, references: Mapping[str, Sequence[tuple[Location, str]]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [target for _, target in references.get(name, ())]
    return reached
