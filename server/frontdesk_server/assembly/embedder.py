"""Builds the embedder that the configuration names."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontdesk_server.artefacts.embedders import (
    AsyncEmbedder,
    CachedEmbedder,
    Embedder,
    EmbedderError,
    EncoderSettings,
    OnnxEmbedder,
    StaticEmbedder,
    load_default,
    on_request_path,
)
from frontdesk_server.backends.signon import SignOnUnusable, bearer, build_sign_on
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.service import EmbedderConfig
from frontdesk_server.domain.errors import ConfigError

if TYPE_CHECKING:
    from frontdesk_server.backends.embeddings import EmbeddingsEndpoint


def build_embedder(loaded: LoadedConfig, resources: AsyncExitStack) -> AsyncEmbedder:
    """The embedder behind its cache; connections it opens are closed with `resources`.

    Raises:
        ConfigError: the embedder's files or backend cannot be used.
    """
    config = loaded.config.embedder
    if config.kind == "openai":
        try:
            embedder: AsyncEmbedder = _served(loaded.config, resources)
        except EmbedderError as error:
            raise ConfigError(loaded.source, [loaded.fault(("embedder",), str(error))]) from error
    else:
        embedder = on_request_path(load_local_embedder(loaded))
    return CachedEmbedder(embedder, config.cache_size) if config.cache_size else embedder


def load_local_embedder(loaded: LoadedConfig) -> Embedder:
    """The configured embedder without a cache, for tools that work through many texts.

    Raises:
        ConfigError: its files cannot be used, or it is a backend's, which would have to be called.
    """
    config = loaded.config.embedder
    try:
        if config.kind == "openai":
            raise EmbedderError("this needs an embedder that runs here; the configured one is a backend's")
        return _local(config, loaded.folder)
    except EmbedderError as error:
        raise ConfigError(loaded.source, [loaded.fault(("embedder",), str(error))]) from error


def _local(config: EmbedderConfig, folder: Path) -> Embedder:
    if config.path is None:
        return load_default()
    path = folder / config.path
    if config.kind == "static":
        return StaticEmbedder.load(path)
    settings = EncoderSettings.from_folder(
        path, pooling=config.pooling, max_tokens=config.max_tokens, normalize=config.normalize, prefix=config.prefix
    )
    return OnnxEmbedder(path, settings)


def build_embeddings_endpoint(loaded: LoadedConfig, name: str, resources: AsyncExitStack) -> EmbeddingsEndpoint:
    """Where the backend of this name is asked for embeddings by callers.

    Raises:
        ConfigError: there is no such backend, or it cannot be used.
    """
    from frontdesk_server.backends.embeddings import EmbeddingsEndpoint

    try:
        return EmbeddingsEndpoint(**_reached(loaded.config, name, resources))
    except EmbedderError as error:
        fault = loaded.fault(("server", "http", "embeddings_backend"), str(error))
        raise ConfigError(loaded.source, [fault]) from error


def _served(config: Config, resources: AsyncExitStack) -> AsyncEmbedder:
    from frontdesk_server.backends.embeddings import EmbeddingsClient

    reached = _reached(config, config.embedder.backend or "", resources)
    return EmbeddingsClient(**reached, model=config.embedder.model or "", dimension=config.embedder.dimension or 0)


def _reached(config: Config, name: str, resources: AsyncExitStack) -> dict[str, Any]:
    """How a backend is reached; connections are closed with `resources`."""
    from frontdesk_server.backends.transport import build_transport

    backend = config.backends.get(name)
    if not isinstance(backend, OpenAIBackendConfig):
        raise EmbedderError(f"{name} is no openai backend")
    try:
        sign_on = build_sign_on(backend, bearer)
    except SignOnUnusable as error:
        raise EmbedderError(f"{name} cannot sign on: {error}") from error
    transport = build_transport(backend)
    resources.push_async_callback(transport.aclose)
    resources.push_async_callback(sign_on.aclose)
    return {
        "transport": transport,
        "base_url": str(backend.base_url),
        "sign_on": sign_on,
        "headers": {header: value.get_secret_value() for header, value in backend.headers.items()},
    }
