"""Whether the predictions in a ledger still look like those that a configuration's artefacts were trained on."""

from __future__ import annotations

from frontdesk_server.artefacts.quality import Artefact, artefact_path
from frontdesk_server.artefacts.quality.drift import ModelDrift, check_drift
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.strategy_trees import strategies_of
from frontdesk_server.ledger.reader import Filters, LedgerReader
from frontdesk_server.ledger.scores import classifier_scores
from frontdesk_server.routing.strategies.classifier import ClassifierConfig

__all__ = ["ledger_drift"]

_NEWEST = 2_000
"""Decisions that are looked at: what was long ago need not be warned of."""


def ledger_drift(loaded: LoadedConfig, reader: LedgerReader, filters: Filters) -> tuple[ModelDrift, ...]:
    """Compare the newest decisions meant with the profiles of the artefacts that the configuration uses now.

    Classifiers whose artefact holds no profile are left out. Raises ArtefactError.
    """
    strategies = {
        path: strategy
        for router in loaded.config.routers
        for path, strategy in strategies_of(loaded.config, router).items()
    }
    found = []
    for path, scores in sorted(classifier_scores(reader, filters, _NEWEST).items()):
        strategy = strategies.get(path)
        if not isinstance(strategy, ClassifierConfig):  # the configuration has changed since
            continue
        profiles = Artefact.load(artefact_path(strategy.artefact, loaded.folder)).score_profiles
        for model, live in sorted(scores.items()):
            profile = profiles.get(strategy.models.get(model, model))
            if profile is not None:
                found.append(ModelDrift(path, model, len(live), check_drift(profile, live)))
    return tuple(found)
