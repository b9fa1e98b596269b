"""How long routing may take: what the router says, else long enough for every router LLM to have its own time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from frontdesk_server.config.strategies import (
    ChainConfig,
    ChoosingConfig,
    LlmConfig,
    RouterConfig,
    RouterReference,
    RulesConfig,
    SplitConfig,
    StrategyConfig,
)

_USUAL_MS = 250.0


def routing_budget_ms(router: RouterConfig, routers: Mapping[str, RouterConfig]) -> float:
    """The router's own `strategy_timeout_ms`, else 250 and the longest that its router LLMs may take one by one."""
    if router.strategy_timeout_ms is not None:
        return router.strategy_timeout_ms
    return _USUAL_MS + _longest_ms(router.strategy, routers, frozenset())


def longer_than_budget(router: RouterConfig, routers: Mapping[str, RouterConfig]) -> list[float]:
    """The times that router LLMs of the tree are given and that the router's own budget would cut short."""
    budget = router.strategy_timeout_ms
    return [] if budget is None else [ms for ms in _given_ms(router.strategy, routers, frozenset()) if ms > budget]


def _longest_ms(config: StrategyConfig, routers: Mapping[str, RouterConfig], passed: frozenset[str]) -> float:
    """The router LLMs' own times added up, of alternatives the longest."""
    below = [_longest_ms(each, routers, now) for each, now in _below(config, routers, passed)]
    if isinstance(config, SplitConfig | ChoosingConfig):
        return _own_ms(config) + max(below, default=0.0)
    return sum(below)


def _given_ms(config: StrategyConfig, routers: Mapping[str, RouterConfig], passed: frozenset[str]) -> Iterator[float]:
    if own := _own_ms(config):
        yield own
    for each, now in _below(config, routers, passed):
        yield from _given_ms(each, routers, now)


def _own_ms(config: StrategyConfig) -> float:
    """What a router LLM is given by the configuration, and not by default."""
    return config.timeout_ms if isinstance(config, LlmConfig) and "timeout_ms" in config.model_fields_set else 0.0


def _below(
    config: StrategyConfig, routers: Mapping[str, RouterConfig], passed: frozenset[str]
) -> Iterator[tuple[StrategyConfig, frozenset[str]]]:
    """The strategies under one, each with the routers that were passed on the way to it."""
    match config:
        case ChainConfig():
            yield from ((each, passed) for each in config.strategies)
        case RulesConfig():
            yield from ((rule.then, passed) for rule in config.rules if rule.then is not None)
        case SplitConfig():
            yield from ((arm.strategy, passed) for arm in config.arms)
        case RouterReference() if config.router in routers and config.router not in passed:
            yield routers[config.router].strategy, passed | {config.router}
        case ChoosingConfig():
            yield from ((each, passed) for each in config.then.values())
