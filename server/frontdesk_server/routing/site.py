"""Which function builds which section's strategy, and what such a function is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from frontdesk_server.config.strategy_kinds import StrategyConfig, add_strategy_kind
from frontdesk_server.config.values import Location
from frontdesk_server.domain.defects import frames_of, type_of
from frontdesk_server.routing.scope import Scope
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy

ConfigT = TypeVar("ConfigT", bound=StrategyConfig)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a strategy is built.

    `path` is its place in the router's tree, `location` that of its section in the configuration. `children` are the
    strategies below it, already built, by their names and in their order.
    """

    path: str
    location: Location
    scope: Scope
    children: Mapping[str, Strategy]


_builders: dict[type[StrategyConfig], Callable[[Any, Site], Strategy]] = {}


def builds(
    section: type[ConfigT],
) -> Callable[[Callable[[ConfigT, Site], Strategy]], Callable[[ConfigT, Site], Strategy]]:
    """Make a section and its strategy known: `@builds(ChainConfig)` before what builds a `Chain`.

    Builders note what contradicts itself in the site's scope and go on, so that all faults are reported together.
    Raises `ValueError` for a kind that another section has.
    """

    def register(builder: Callable[[ConfigT, Site], Strategy]) -> Callable[[ConfigT, Site], Strategy]:
        add_strategy_kind(section)
        _builders[section] = builder
        return builder

    return register


def build(config: StrategyConfig, path: str, location: Location, scope: Scope) -> Strategy:
    """Build a strategy and, before it, all below it. A builder that fails, which may be anybody's, is a fault."""
    children = {
        child.name: build(child.config, f"{path}.{child.name}/{child.config.kind}", (*location, *child.location), scope)
        for child in config.children()
    }
    try:
        built = _builders[type(config)](config, Site(path, location, scope, MappingProxyType(children)))
        if not all(hasattr(built, needed) for needed in ("kind", "path", "rank")):
            raise TypeError(f"{type_of(built)} has no kind, path and rank")
    except BaseException as error:
        place = next(iter(frames_of(error)), "")
        scope.fault(location, f"the strategy {config.kind!r} cannot be built: {type_of(error)}: {error} ({place})")
        return _Unbuilt(path, config.kind)
    return built


@dataclass(frozen=True, slots=True)
class _Unbuilt:
    """Stands in a tree, which then must not be used, for what could not be built."""

    path: str
    kind: str

    async def rank(self, context: RoutingContext) -> Ranking:
        raise NotImplementedError
