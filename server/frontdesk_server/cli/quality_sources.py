"""Whence each router has the quality of its models: outcomes that an artefact learned from, a prior, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from frontdesk_server.artefacts.quality import Artefact, artefact_path
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.strategy_kinds import StrategyConfig

__all__ = ["quality_sources"]


def quality_sources(loaded: LoadedConfig) -> Mapping[str, str]:
    """By router a sentence that tells how the qualities of its models are read. The configuration is a good one."""
    config = loaded.config
    told = {}
    for name, router in config.routers.items():
        models = router.models or list(config.models)
        learned: dict[str, str] = {}
        for artefact, names in _predicting(router.strategy):
            known = Artefact.load(artefact_path(artefact, loaded.folder)).models
            for model in models:
                if names.get(model, model) in known:
                    learned[model] = f"from outcomes that the artefact {artefact} was learned from"
        prior = {
            model: "from the prior `quality` and the difficulty of the query"
            for model in models
            if config.models[model].quality is not None
        }
        told[name] = _sentence(dict.fromkeys(models, "unknown") | prior | learned)
    return told


def _predicting(strategy: StrategyConfig) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The artefacts of a tree, with the names that they know models by."""
    if predicted := strategy.predicted_by():
        yield predicted
    for child in strategy.children():
        yield from _predicting(child.config)


def _sentence(source_of: Mapping[str, str]) -> str:
    models_of: dict[str, list[str]] = {}
    for model, source in source_of.items():
        models_of.setdefault(source, []).append(model)
    return "; ".join(f"of {', '.join(models)} {source}" for source, models in models_of.items())
