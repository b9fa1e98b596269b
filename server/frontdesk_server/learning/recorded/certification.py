"""Certifies the knob of a configured router: its classifiers' quality floor, or the threshold of its cascade's checks.

For each setting the configuration gets one more router, a copy with the knob turned, and the routing engine is asked
about every query under all of them: what is certified is what the router would do, down to its last rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality import artefact_path
from frontdesk_server.config.checks import CheckConfig, CombinedCheck
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.routers import ExplorationConfig
from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.config.strategy_trees import changed, strategies_of
from frontdesk_server.learning.calibration.artefacts import Certify, costs_or_calls
from frontdesk_server.learning.calibration.calibrate import Calibrated, Policies
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.evaluation.recorded_checks import is_recomputable, recorded_scores
from frontdesk_server.learning.recorded.trial import Trial, candidates, try_routers
from frontdesk_server.routing.strategies.cascade import CascadeConfig
from frontdesk_server.routing.strategies.classifier import ClassifierConfig

__all__ = ["SETTINGS", "CertifiedRouter", "certify_router"]

Knob = Literal["quality_floor", "threshold"]

SETTINGS = 32
"""At most so many settings are tried, beside asking the strongest model alone."""
_DIGITS = 3
_THRESHOLDS = tuple(round(1.0 - number / 20, 2) for number in range(21))
"""For agreement and heuristics, which give few different scores, so that finer steps would change nothing."""


@dataclass(frozen=True, slots=True)
class CertifiedRouter:
    """The outcome, and what has to be set for it to hold."""

    result: Calibrated
    settings: Mapping[str, float]
    """What to set, by its place: a strategy's or check's path and the option's name; empty where nothing is certified.
    """
    artefact: Path | None
    """Where the certificate belongs; None for a router without one."""


def certify_router(
    loaded: LoadedConfig,
    dataset: Dataset,
    router: str,
    wanted: Sequence[str],
    certify: Certify,
    *,
    strongest: str = "",
    advance: Callable[[int], None] = lambda _: None,
) -> CertifiedRouter:
    """Find the cheapest setting of a router's knob that can be certified; queries are those that all models answered.

    `wanted` are the models to choose among, by default the router's; the loss is against `strongest`, by default the
    router's. Exploration is left out.

    Raises:
        DatasetError: the router has no knob that the data can decide about, or the data lacks models or answers.
        ConfigError: the configuration cannot be used.
    """
    models = candidates(loaded.config, dataset, router, wanted)
    knob, places = _knob(loaded.config, router)
    artefact = _artefact(loaded, router) if knob == "quality_floor" else None
    answered = np.flatnonzero(~np.isnan(dataset.select_models(models).quality).any(axis=1))
    if not len(answered):
        raise DatasetError(f"no query has an outcome of every one of {', '.join(models)}")
    data = dataset.take(answered)
    (base,) = try_routers(loaded, data, [router], models, strongest=strongest, advance=advance)
    data = costs_or_calls(data, models, base.run.strongest)
    values = _floors(base.run.predicted) if knob == "quality_floor" else _thresholds(loaded.config, router, data)
    copies = {f"{router}, {knob} {value:g}": _turned_router(loaded.config, router, knob, value) for value in values}
    turned = replace(loaded, config=loaded.config.model_copy(update={"routers": {**loaded.config.routers, **copies}}))
    trials = try_routers(turned, data, list(copies), models, strongest=base.run.strongest, advance=advance)
    what = "quality floor" if knob == "quality_floor" else "threshold of the checks"
    subject = f"{what} of router {router} over {', '.join(models)}, against {base.run.strongest}"
    result = certify(_policies(values, trials, data), subject=subject, data_sha256=data.sha256)
    settings = dict.fromkeys(places, result.certificate.threshold) if result.index else {}
    return CertifiedRouter(result, settings, artefact)


def _knob(config: Config, router: str) -> tuple[Knob, list[str]]:
    """What can be turned on a router, and where."""
    strategies = strategies_of(config, router)
    if floors := [path for path, strategy in strategies.items() if isinstance(strategy, ClassifierConfig)]:
        return "quality_floor", [f"{path}: quality_floor" for path in floors]
    checks = _checks(strategies)
    if not checks:
        kinds = ", ".join(dict.fromkeys(strategy.kind for strategy in strategies.values()))
        raise DatasetError(
            f"router {router!r} ({kinds}) has nothing to calibrate: that is the quality_floor of a classifier or the "
            "threshold of a cascade's checks; a fitted cascade is calibrated by --artefact"
        )
    for place, (_, check) in checks.items():
        if isinstance(check, CombinedCheck) and check.kind != "weighted":
            raise DatasetError(f"{place} does not exist: a check {check.kind!r} has no threshold of its own")
    return "threshold", list(checks)


def _checks(strategies: Mapping[str, StrategyConfig]) -> dict[str, tuple[str, CheckConfig]]:
    """The checks of cascades with the model that each judges, by the place of their threshold."""
    return {
        f"{path}.{number}: check.threshold": (step.model, step.check)
        for path, strategy in strategies.items()
        if isinstance(strategy, CascadeConfig)
        for number, step in enumerate(strategy.steps)
        if step.check is not None
    }


def _artefact(loaded: LoadedConfig, router: str) -> Path:
    named = {s.artefact for s in strategies_of(loaded.config, router).values() if isinstance(s, ClassifierConfig)}
    if len(named) > 1:
        raise DatasetError(f"the classifiers of router {router!r} use several artefacts; calibrate routers of one each")
    (name,) = named
    return artefact_path(name, loaded.folder)


def _floors(predicted: NDArray[np.float64]) -> tuple[float, ...]:
    known = predicted[~np.isnan(predicted)]
    if not len(known):
        raise DatasetError("the router's classifier decides about none of these queries")
    return _quantiles(known)


def _thresholds(config: Config, router: str, data: Dataset) -> tuple[float, ...]:
    scores = [
        recorded_scores(data, model, check)
        for model, check in _checks(strategies_of(config, router)).values()
        if not is_recomputable(check, model)
    ]
    known = np.concatenate([np.empty(0), *scores])
    known = known[~np.isnan(known)]
    return _quantiles(known) if len(known) else _THRESHOLDS


def _quantiles(known: NDArray[np.float64]) -> tuple[float, ...]:
    """Settings from the safest down: quantiles of what is known without any outcome."""
    quantiles = np.quantile(known, np.linspace(0.0, 1.0, SETTINGS))
    return tuple(np.unique(np.round(quantiles, _DIGITS))[::-1].tolist())


def _policies(values: Sequence[float], trials: Sequence[Trial], data: Dataset) -> Policies:
    """Asking the strongest model alone, then the turned routers, on the queries that all of them have an outcome of."""
    strong = data.model_index(trials[0].run.strongest)
    quality = np.column_stack([data.quality[:, strong], *(trial.outcomes.quality for trial in trials)])
    cost = np.column_stack([data.cost_nano_usd[:, strong], *(trial.outcomes.cost_nano_usd for trial in trials)])
    known = ~np.isnan(quality + cost).any(axis=1)
    if not known.any():
        raise DatasetError(
            "no query has everything recorded that the router would ask for: answers, outcomes, costs, and the scores "
            "and costs of checks"
        )
    quality, cost = quality[known], cost[known]
    moved = (np.diff(quality) != 0.0).any(axis=0) | (np.diff(cost) != 0.0).any(axis=0)
    distinct = np.flatnonzero(np.concatenate([[True], moved]))  # settings that change nothing are no policies
    thresholds = (float("inf"), *values)
    return Policies(
        tuple(thresholds[column] for column in distinct),
        quality[:, :1] - quality[:, distinct],
        cost[:, distinct],
    )


def _turned_router(config: Config, router: str, knob: Knob, value: float) -> object:
    own = config.routers[router]
    strategy = changed(own.strategy, config, lambda each: _turned(each, knob, value))
    return own.model_copy(update={"strategy": strategy, "exploration": ExplorationConfig()})


def _turned(strategy: StrategyConfig, knob: Knob, value: float) -> StrategyConfig:
    """The strategy with its knob turned, if it has one of this kind."""
    match strategy:
        case ClassifierConfig() if knob == "quality_floor":
            return strategy.model_copy(update={"quality_floor": value})
        case CascadeConfig() if knob == "threshold":
            steps = (step.model_copy(update={"check": _thresholded(step.check, value)}) for step in strategy.steps)
            return strategy.model_copy(update={"steps": tuple(steps)})
    return strategy


def _thresholded(check: CheckConfig | None, value: float) -> CheckConfig | None:
    return None if check is None else check.model_copy(update={"threshold": value})
