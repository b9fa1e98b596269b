"""embedding: the label of the nearest reference utterances decides; a query near to none is out of scope."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from frontdesk_server.artefacts.embedders import AsyncEmbedder, EmbedderError, Vector
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.routing.reference_book import ReferenceBook
from frontdesk_server.routing.references import ReferenceIndex
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, in_time
from frontdesk_server.routing.strategies.choosing import hand_over


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
        if not np.isfinite(vector).all():
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
