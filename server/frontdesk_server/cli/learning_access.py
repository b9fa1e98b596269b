"""What the learning commands share: the embedder that a configuration names, and lists of names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontdesk_server.artefacts.embedders import Embedder, load_default
from frontdesk_server.assembly.embedder import load_local_embedder
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.offline import load_offline

RoutingConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration that has the router and the embedder.")
]


def embedder_of(config: Path | None) -> Embedder:
    """The embedder of a configuration, without one that which ships."""
    return load_default() if config is None else load_local_embedder(load_offline(config))


def nearness_of(loaded: LoadedConfig | None) -> Embedder:
    """Whose vectors say what is near: the configured embedder, that which ships where it would have to be called."""
    return load_default() if loaded is None or loaded.config.embedder.kind == "openai" else load_local_embedder(loaded)


def listed(names: str) -> tuple[str, ...]:
    """The names of an option that takes several, separated by commas."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
