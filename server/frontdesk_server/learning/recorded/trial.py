"""Tries routers of a configuration on recorded queries: the routing engine itself decides, and no model is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from frontdesk_server.assembly.leaving import BOUNDED
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.strategy_trees import strategies_of
from frontdesk_server.domain.errors import UnknownRouter
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.evaluation.recorded_checks import RecordedChecks
from frontdesk_server.learning.evaluation.router_run import DRAWS, RouterOutcomes, RouterRun, resolve, run_router
from frontdesk_server.learning.recorded.engine import decides_by_chance, open_engine
from frontdesk_server.learning.replay.router_policy import LoggedConditions
from frontdesk_server.routing.strategies.classifier import ClassifierConfig

__all__ = ["Trial", "candidates", "try_routers"]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What one router did with the queries of a data set, and what that came to."""

    run: RouterRun
    outcomes: RouterOutcomes
    no_curve: str
    """Why the predictions of the router's classifiers are no knob; empty where they are."""


def candidates(config: Config, dataset: Dataset, router: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the models to choose among: those wanted, else all of the router's.

    Raises:
        UnknownRouter: the configuration lacks the router.
        DatasetError: names every model that the router or the data lacks.
    """
    if router not in config.routers:
        raise UnknownRouter(router, list(config.routers))
    own = config.routers[router].models or tuple(config.models)
    models = tuple(wanted) or own
    if strange := [model for model in models if model not in own]:
        raise DatasetError(f"router {router!r} has no model {', '.join(strange)}; it has: {', '.join(own)}")
    tried = [model for j, model in enumerate(dataset.models) if not np.isnan(dataset.quality[:, j]).all()]
    if absent := [model for model in models if model not in tried]:
        raise DatasetError(
            f"the data has no outcome of {', '.join(absent)}, which router {router!r} may choose; it has: "
            f"{', '.join(tried)}. Name the models alike in both, or the ones to choose among with --pool"
        )
    return models


def try_routers(
    loaded: LoadedConfig,
    dataset: Dataset,
    routers: Sequence[str],
    models: tuple[str, ...],
    *,
    strongest: str = "",
    advance: Callable[[int], None] = lambda _: None,
) -> list[Trial]:
    """Ask each router about every query, and look up what its choices came to; `advance` is told of each query.

    Savings are computed against `strongest`, by default the router's own.

    Raises:
        ConfigError: the configuration cannot be used, or a router would call a backend to decide.
        DatasetError: a query cannot be taken, a cascade's check cannot be recomputed from the data, or the strongest
            model is none of `models`.
    """
    return BOUNDED.run(_try(loaded, dataset, routers, models, strongest, advance))


async def _try(
    loaded: LoadedConfig,
    dataset: Dataset,
    routers: Sequence[str],
    models: tuple[str, ...],
    strongest: str,
    advance: Callable[[int], None],
) -> list[Trial]:
    trials = []
    async with open_engine(loaded, LoggedConditions(), frozenset(routers)) as engine:
        checks = RecordedChecks(dataset, engine.checks)
        for router in routers:
            reference = strongest or engine.router(router).strongest
            if reference not in models:
                raise DatasetError(
                    f"name the strongest of {', '.join(models)} with --strong: {reference} is none of them"
                )
            draws = DRAWS if decides_by_chance(loaded.config, router) else 1
            run = await run_router(engine, dataset, router, models, reference, draws=draws, advance=advance)
            trials.append(Trial(run, await resolve(run, dataset, checks), _why_no_knob(loaded.config, router)))
    return trials


def _why_no_knob(config: Config, router: str) -> str:
    strategies = list(strategies_of(config, router).values())
    if sum(isinstance(strategy, ClassifierConfig) for strategy in strategies) > 1:
        return "several classifiers decide, each with a knob of its own"
    if any(strategy.by_chance for strategy in strategies):
        return "a split decides which strategy is asked"
    return ""
