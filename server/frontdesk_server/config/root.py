"""The configuration as a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from frontdesk_server.config.base import Section
from frontdesk_server.config.pool import BackendConfig, ModelConfig
from frontdesk_server.config.service import EmbedderConfig, ExecutionConfig, LedgerConfig, ServerConfig, TelemetryConfig
from frontdesk_server.config.strategies import RouterConfig


class Config(Section):
    """Everything Frontdesk is told. Loaded once, validated wholly, then immutable."""

    server: ServerConfig = ServerConfig()
    backends: Annotated[dict[str, BackendConfig], Field(min_length=1)]
    models: Annotated[dict[str, ModelConfig], Field(min_length=1)]
    routers: Annotated[dict[str, RouterConfig], Field(min_length=1)]
    execution: ExecutionConfig = ExecutionConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    ledger: LedgerConfig = LedgerConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
