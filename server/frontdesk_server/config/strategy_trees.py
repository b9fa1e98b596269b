"""The strategies of a router's tree, one after the other, and trees made anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from frontdesk_server.config.root import Config
from frontdesk_server.config.strategy_kinds import StrategyConfig


def strategies_of(config: Config, router: str) -> Mapping[str, StrategyConfig]:
    """Every strategy of a router's tree by its path, those of routers it refers to included, parents first."""
    found: dict[str, StrategyConfig] = {}
    waiting = [_root(config, router)]
    while waiting:
        path, strategy = waiting.pop(0)
        if path in found:  # a reference leads back to where the walk has been
            continue
        found[path] = strategy
        if strategy.refers_to in config.routers:
            waiting.append(_root(config, strategy.refers_to))
        waiting += [(f"{path}.{child.name}/{child.config.kind}", child.config) for child in strategy.children()]
    return found


def changed(
    strategy: StrategyConfig, config: Config, change: Callable[[StrategyConfig], StrategyConfig]
) -> StrategyConfig:
    """The same tree, every strategy changed, and the trees of routers put in the place of references to them.

    No router may refer to itself.
    """
    if strategy.refers_to in config.routers:
        return changed(config.routers[strategy.refers_to].strategy, config, change)
    return change(strategy.with_children([changed(child.config, config, change) for child in strategy.children()]))


def _root(config: Config, router: str) -> tuple[str, StrategyConfig]:
    strategy = config.routers[router].strategy
    return f"{router}/{strategy.kind}", strategy
