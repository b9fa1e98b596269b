"""The routing of a configuration without its service: for tools that ask it about recorded queries and call nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from frontdesk_server.assembly.embedder import build_embedder
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.strategy_trees import strategies_of
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.conditions import Conditions
from frontdesk_server.domain.errors import ConfigError, UnknownRouter, UpstreamUnreachable
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.query import Query
from frontdesk_server.routing.engine import Engine

__all__ = ["decides_by_chance", "open_engine"]

_PATIENCE_MS = 30_000.0


@asynccontextmanager
async def open_engine(loaded: LoadedConfig, conditions: Conditions, routers: frozenset[str]) -> AsyncIterator[Engine]:
    """The engine, for queries to these routers; strategies get all the time that one of a local machine can need.

    Raises:
        ConfigError: the configuration cannot be used, or one of the routers would call a backend to decide.
        UnknownRouter: the configuration lacks one of the routers.
    """
    config = loaded.config
    for router in sorted(routers):
        if router not in config.routers:
            raise UnknownRouter(router, list(config.routers))
        for strategy in strategies_of(config, router).values():
            if strategy.asked_model:
                message = (
                    f"router {router!r} asks {strategy.asked_model} to route; recorded queries are routed without calls"
                )
                raise ConfigError(loaded.source, [loaded.fault(("routers", router), message)])
    if config.embedder.kind == "openai":
        message = "the embedder is a backend's; recorded queries are routed without calls"
        raise ConfigError(loaded.source, [loaded.fault(("embedder",), message)])
    patient = {
        name: router.model_copy(update={"strategy_timeout_ms": _PATIENCE_MS}) for name, router in config.routers.items()
    }
    loaded = replace(loaded, config=config.model_copy(update={"routers": patient}))
    async with AsyncExitStack() as resources:
        embedder = build_embedder(loaded, resources)
        engine = Engine(loaded, build_pool(config), conditions, _ask_nobody, SystemClock(), embedder)
        await engine.prepare()
        yield engine


def decides_by_chance(config: Config, router: str) -> bool:
    """Whether some of a router's queries are decided by a hash: of a split, or to explore."""
    return config.routers[router].exploration.share > 0 or any(
        strategy.by_chance for strategy in strategies_of(config, router).values()
    )


async def _ask_nobody(
    model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
) -> Answer:
    raise UpstreamUnreachable(f"{model} is not asked about recorded queries")
