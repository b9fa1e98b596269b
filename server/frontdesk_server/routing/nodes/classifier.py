"""Builds the strategy `classifier` from its configuration."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.artefacts.quality import Artefact, ArtefactError, Predictor, artefact_path
from frontdesk_server.artefacts.quality.drift import DriftWatch
from frontdesk_server.config.strategies import ClassifierConfig
from frontdesk_server.routing.nodes.scope import Location, Scope
from frontdesk_server.routing.strategies.base import Strategy
from frontdesk_server.routing.strategies.chain import Chain
from frontdesk_server.routing.strategies.classifier import Classifier


def build_classifier(
    config: ClassifierConfig, path: str, location: Location, scope: Scope, then: Mapping[str, Strategy]
) -> Strategy:
    """Build it, and note what contradicts itself; an artefact that cannot be used leaves nothing to ask."""
    for name in config.models:
        scope.check_candidate(name, (*location, "models", name))
    try:
        artefact = Artefact.load(artefact_path(config.artefact, scope.tools.folder))
        artefact.check_embedder(scope.tools.embedder.id)
    except ArtefactError as error:
        scope.fault((*location, "artefact"), str(error))
        return Chain(path, ())
    for name, known_as in config.models.items():
        if known_as not in artefact.models:
            known = ", ".join(artefact.models)
            scope.fault((*location, "models", name), f"the artefact knows no model {known_as!r}; it knows {known}")
    places = {name: place for place, name in enumerate(artefact.models)}
    columns = {name: places[known_as] for name in scope.models if (known_as := config.models.get(name, name)) in places}
    return Classifier(
        path=path,
        predictor=Predictor(artefact, None),
        embedder=scope.tools.embedder,
        columns=columns,
        quality_floor=config.quality_floor,
        max_uncertainty=config.max_uncertainty,
        then=then,
        drift=_watch(path, artefact, columns, scope),
    )


def _watch(path: str, artefact: Artefact, columns: Mapping[str, int], scope: Scope) -> DriftWatch | None:
    """Watch the predictions of those of the router's models whose profile the artefact holds."""
    profiles = {
        name: (column, profile)
        for name, column in columns.items()
        if (profile := artefact.score_profiles.get(artefact.models[column])) is not None
    }
    monitor = scope.tools.drift
    return DriftWatch(path, profiles, monitor) if profiles and monitor is not None else None
