"""embedding: the label of the nearest reference utterances decides; a query near to none is out of scope."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, model_validator

from frontdesk_server.artefacts.embedders import AsyncEmbedder, EmbedderError, Vector, is_finite
from frontdesk_server.config.base import Count
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.routing.reference_book import IndexSettings, InvalidReferences, ReferenceBook
from frontdesk_server.routing.references import Reference, ReferenceIndex
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, in_time
from frontdesk_server.routing.strategies.choosing import ChoosingConfig, hand_over


class EmbeddingConfig(ChoosingConfig):
    """Nearest reference utterances decide."""

    kind: Literal["embedding"]
    references: dict[str, tuple[str, ...]] = {}
    """Utterances per label."""
    references_file: str | None = None
    """JSON Lines of {"label", "text"}; read again when it changes. Relative paths start at the configuration."""
    routes: dict[str, str] = {}
    """Label to model. Default: a label is a model's name."""
    scoring: Literal["nearest", "top_k_mean", "centroid"] = "top_k_mean"
    """How utterances of one label are summed up."""
    k: Count = 3
    """Utterances of the mean."""
    threshold: Annotated[float, Field(ge=-1, le=1)] = 0.3
    """Least similarity; below it the query is out of scope."""
    thresholds: dict[str, Annotated[float, Field(ge=-1, le=1)]] = {}
    """Per label, as `frontdesk fit-thresholds` writes them."""

    @model_validator(mode="after")
    def _refers(self) -> EmbeddingConfig:
        if not self.references and self.references_file is None:
            raise ValueError("give references or a references_file")
        return self


@dataclass(frozen=True, slots=True)
class EmbeddingStrategy:
    """Chooses the model of the nearest label; `routes` map labels to models where a label is no model's name."""

    path: str
    book: ReferenceBook
    embedder: AsyncEmbedder
    routes: Mapping[str, str]
    then: Mapping[str, Strategy] = field(default_factory=dict)
    kind: str = "embedding"

    async def prepare(self) -> None:
        """Embed the references before the first query comes. Raises `EmbedderError`."""
        await self.book.current()

    async def rank(self, context: RoutingContext) -> Ranking:
        """The nearest label's model; abstains out of scope, and when that model is not eligible."""
        started = context.clock.monotonic()
        return await hand_over(conclude(self, context, started, await self._nearest(context)), self.then, context)

    async def _nearest(self, context: RoutingContext) -> Ranking:
        text = context.signals.text
        if not text.strip():
            return Ranking(Verdict.ABSTAINED, "there is no text to compare")
        try:
            inline = self.embedder.inline and self.book.ready
            index, vector = await in_time(self._look_up(text), context, inline=inline)
        except TimeoutError:
            return Ranking(Verdict.TIMED_OUT, "the embedder did not answer in time")
        except (EmbedderError, UpstreamError) as error:
            return Ranking(Verdict.FAILED, str(error))
        if not is_finite(vector):
            return Ranking(Verdict.FAILED, "the query's embedding is not of finite numbers")
        similarities = index.scores(vector).tolist()
        if not all(map(math.isfinite, similarities)):
            return Ranking(Verdict.FAILED, "its similarities are not finite numbers")
        return self._judged(index, similarities, context)

    async def _look_up(self, text: str) -> tuple[ReferenceIndex, Vector]:
        return await self.book.current(), (await self.embedder.embed([text]))[0]

    def _judged(self, index: ReferenceIndex, similarities: Sequence[float], context: RoutingContext) -> Ranking:
        scores: dict[str, float] = {}
        for label, similarity in zip(index.labels, similarities, strict=True):
            model = self.routes.get(label, label)
            scores[model] = max(similarity, scores.get(model, -1.0))
        best = max(similarities)
        label = index.labels[similarities.index(best)]
        threshold = index.thresholds.get(label, index.default_threshold)
        confidence = min(1.0, max(0.0, best))
        if best < threshold:
            reason = f"out of scope: {label} is nearest with similarity {best:.2f}, under {threshold:.2f}"
            return Ranking(Verdict.ABSTAINED, reason, confidence=confidence, scores=scores)
        model = self.routes.get(label, label)
        reason = f"nearest to {label} with similarity {best:.2f}"
        if model not in context.eligible:
            reason = f"{reason}, but {model} is not eligible"
            return Ranking(Verdict.ABSTAINED, reason, confidence=confidence, scores=scores)
        return Ranking(Verdict.CHOSE, reason, model, confidence=confidence, scores=scores)


@builds(EmbeddingConfig)
def build_embedding(config: EmbeddingConfig, site: Site) -> EmbeddingStrategy:
    """Build it, and note what contradicts itself."""
    config.check_followed(site)
    scope, location = site.scope, site.location
    for label, model in config.routes.items():
        scope.check_candidate(model, (*location, "routes", label))
    for label, texts in config.references.items():
        if label not in config.routes:
            scope.check_candidate(label, (*location, "references", label))
        if not texts:
            scope.fault((*location, "references", label), f"label {label!r} has no utterance")
    for label in config.thresholds:
        if label not in config.routes:
            scope.check_candidate(label, (*location, "thresholds", label))
    book = ReferenceBook(
        [Reference(label, text) for label, texts in config.references.items() for text in texts],
        None if config.references_file is None else scope.tools.folder / config.references_file,
        config.routes.keys() | scope.models.keys(),
        IndexSettings(config.scoring, config.k, config.threshold, config.thresholds),
        scope.tools.embedder,
        scope.tools.clock,
    )
    try:
        book.read()
    except InvalidReferences as error:
        scope.fault((*location, "references_file"), str(error))
    strategy = EmbeddingStrategy(site.path, book, scope.tools.embedder, config.routes, site.children)
    scope.trees.preparations.append(strategy.prepare)
    return strategy
