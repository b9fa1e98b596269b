"""Builds the strategy `embedding` from its configuration."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.config.strategies import EmbeddingConfig
from frontdesk_server.routing.nodes.scope import Location, Scope
from frontdesk_server.routing.reference_book import IndexSettings, InvalidReferences, ReferenceBook
from frontdesk_server.routing.references import Reference
from frontdesk_server.routing.strategies.base import Strategy
from frontdesk_server.routing.strategies.embedding import EmbeddingStrategy


def build_embedding(
    config: EmbeddingConfig, path: str, location: Location, scope: Scope, then: Mapping[str, Strategy]
) -> EmbeddingStrategy:
    """Build it, and note what contradicts itself."""
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
    strategy = EmbeddingStrategy(path, book, scope.tools.embedder, config.routes, then)
    scope.preparations.append(strategy.prepare)
    return strategy
