"""classifier: a trained artefact predicts every model's quality, and selection chooses by the caller's wishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, Protocol

from frontdesk_server.artefacts.embedders import AsyncEmbedder, EmbedderError, Vector, is_finite
from frontdesk_server.artefacts.quality import Artefact, ArtefactError, Forecast, Predictor, artefact_path
from frontdesk_server.artefacts.quality.drift import DriftWatch
from frontdesk_server.config.base import Fraction
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.routing.scope import Scope
from frontdesk_server.routing.selection import Prediction, Preferences, prior_quality, select
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, in_time
from frontdesk_server.routing.strategies.chain import Chain
from frontdesk_server.routing.strategies.choosing import ChoosingConfig, hand_over


class ClassifierConfig(ChoosingConfig):
    """Per-model predicted quality by a trained artefact."""

    kind: Literal["classifier"]
    artefact: str = "default"
    """Folder made by `frontdesk train`, or the one that ships. Relative paths start at the configuration."""
    models: dict[str, str] = {}
    """Pool model to the artefact's model of the same kind, where names differ."""
    quality_floor: Fraction | None = None
    """Cheapest model that reaches it is chosen. Default: the router's."""
    max_uncertainty: Fraction | None = None
    """Abstains when the chosen model's standard deviation is above it. Default: never."""

    def predicted_by(self) -> tuple[str, Mapping[str, str]]:
        """Its artefact, and the names that differ."""
        return self.artefact, self.models


class QualityPredictor(Protocol):
    """A trained artefact at work."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models it was trained on."""

    def predict(self, text: str, vector: Vector) -> Forecast:
        """What to expect of each of them."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """Predicts and selects. `columns` map the pool's models to the artefact's.

    Models that the artefact does not know are judged by their prior quality and the query's difficulty, as uncertain as
    the model it knows least; those without a prior are left out.
    """

    path: str
    predictor: QualityPredictor
    embedder: AsyncEmbedder
    columns: Mapping[str, int]
    quality_floor: float | None = None
    max_uncertainty: float | None = None
    then: Mapping[str, Strategy] = field(default_factory=dict)
    drift: DriftWatch | None = None
    kind: str = "classifier"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The selected model; abstains when its quality is too uncertain, or nothing can be predicted."""
        started = context.clock.monotonic()
        return await hand_over(conclude(self, context, started, await self._classify(context)), self.then, context)

    async def _classify(self, context: RoutingContext) -> Ranking:
        text = context.signals.text
        if not text.strip():
            return Ranking(Verdict.ABSTAINED, "there is no text to judge")
        try:
            vectors = await in_time(self.embedder.embed([text]), context, inline=self.embedder.inline)
        except TimeoutError:
            return Ranking(Verdict.TIMED_OUT, "the embedder did not answer in time")
        except (EmbedderError, UpstreamError) as error:
            return Ranking(Verdict.FAILED, str(error))
        vector = vectors[0]
        if not is_finite(vector):
            return Ranking(Verdict.FAILED, "the query's embedding is not of finite numbers")
        forecast = self.predictor.predict(text, vector)
        quality, uncertainty = forecast.quality.tolist(), forecast.uncertainty.tolist()
        if not (all(map(isfinite, quality)) and all(map(isfinite, uncertainty))):
            return Ranking(Verdict.FAILED, "its predictions are not finite numbers")
        if self.drift is not None:
            self.drift.observe(quality)
        return self._select(self._predictions(quality, uncertainty, context), context)

    def _select(self, predictions: Mapping[str, Prediction], context: RoutingContext) -> Ranking:
        if not predictions:
            return Ranking(Verdict.ABSTAINED, "nothing is known of the eligible models")
        selection = select(predictions, context.outlooks, self._preferences(context))
        chosen = predictions[selection.model]
        reason = selection.reason
        confidence = None if chosen.uncertainty is None else 1 - chosen.uncertainty
        if self.max_uncertainty is not None and (chosen.uncertainty or 0.0) > self.max_uncertainty:
            reason = f"{reason}, but only to within {chosen.uncertainty:.2f}"
            return Ranking(Verdict.ABSTAINED, reason, confidence=confidence, predictions=predictions)
        return Ranking(Verdict.CHOSE, reason, selection.model, confidence=confidence, predictions=predictions)

    def _predictions(
        self, quality: Sequence[float], uncertainty: Sequence[float], context: RoutingContext
    ) -> dict[str, Prediction]:
        unknown = max(uncertainty)
        predictions = {}
        for name, model in context.eligible.items():
            column = self.columns.get(name)
            if column is not None:
                predictions[name] = Prediction(quality[column], uncertainty[column])
            elif model.quality is not None:
                predictions[name] = Prediction(prior_quality(model.quality, context.signals.difficulty), unknown)
        return predictions

    def _preferences(self, context: RoutingContext) -> Preferences:
        """The strategy's own floor stands between the caller's and the router's."""
        if self.quality_floor is None or context.policy.quality_floor is not None:
            return context.preferences
        return Preferences(self.quality_floor, context.preferences.cost_weight, context.preferences.latency_weight)


@builds(ClassifierConfig)
def build_classifier(config: ClassifierConfig, site: Site) -> Strategy:
    """Build it, and note what contradicts itself; an artefact that cannot be used leaves nothing to ask."""
    config.check_followed(site)
    scope, location = site.scope, site.location
    for name in config.models:
        scope.check_candidate(name, (*location, "models", name))
    try:
        artefact = Artefact.load(artefact_path(config.artefact, scope.tools.folder))
        if scope.tools.embedder.id:
            artefact.check_embedder(scope.tools.embedder.id)
    except ArtefactError as error:
        scope.fault((*location, "artefact"), str(error))
        return Chain(site.path, ())
    for name, known_as in config.models.items():
        if known_as not in artefact.models:
            known = ", ".join(artefact.models)
            scope.fault((*location, "models", name), f"the artefact knows no model {known_as!r}; it knows {known}")
    places = {name: place for place, name in enumerate(artefact.models)}
    columns = {name: places[known_as] for name in scope.models if (known_as := config.models.get(name, name)) in places}
    return Classifier(
        path=site.path,
        predictor=Predictor(artefact, None),
        embedder=scope.tools.embedder,
        columns=columns,
        quality_floor=config.quality_floor,
        max_uncertainty=config.max_uncertainty,
        then=site.children,
        drift=_watch(site.path, artefact, columns, scope),
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
