"""How long routing may take: what the router says, else long enough for every router LLM to have its own time."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.config.root import Config
from frontdesk_server.config.routers import RouterConfig
from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.config.strategy_trees import strategies_of

_USUAL_MS = 250.0


def routing_budget_ms(router: RouterConfig, routers: Mapping[str, RouterConfig]) -> float:
    """The router's own `strategy_timeout_ms`, else 250 and the longest that its router LLMs may take one by one."""
    if router.strategy_timeout_ms is not None:
        return router.strategy_timeout_ms
    return _USUAL_MS + _longest_ms(router.strategy, routers, frozenset())


def longer_than_budget(config: Config, router: str) -> list[float]:
    """The times that router LLMs of the tree are given and that the router's own budget would cut short."""
    budget = config.routers[router].strategy_timeout_ms
    if budget is None:
        return []
    return [each.given_ms for each in strategies_of(config, router).values() if each.given_ms > budget]


def _longest_ms(config: StrategyConfig, routers: Mapping[str, RouterConfig], passed: frozenset[str]) -> float:
    """The router LLMs' own times added up, of alternatives the longest; routers on the way to here have `passed`."""
    if (name := config.refers_to) in routers and name not in passed:
        return _longest_ms(routers[name].strategy, routers, passed | {name})
    below = [_longest_ms(child.config, routers, passed) for child in config.children()]
    return config.given_ms + (max(below, default=0.0) if config.asks_one else sum(below))
