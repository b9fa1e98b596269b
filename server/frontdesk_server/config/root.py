"""The configuration as a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from frontdesk_server.config.base import Section
from frontdesk_server.config.limits import AffinityStoreConfig, LimitsConfig, RedisConfig
from frontdesk_server.config.pool import BackendConfig, ModelConfig
from frontdesk_server.config.routers import RouterConfig
from frontdesk_server.config.security import SecurityConfig
from frontdesk_server.config.service import (
    AdmissionConfig,
    EmbedderConfig,
    ExecutionConfig,
    LedgerConfig,
    ServerConfig,
    TelemetryConfig,
)


class Config(Section):
    """Everything Frontdesk is told. Loaded once, validated wholly, then immutable."""

    server: ServerConfig = ServerConfig()
    security: SecurityConfig = SecurityConfig()
    backends: Annotated[dict[str, BackendConfig], Field(min_length=1)]
    models: Annotated[dict[str, ModelConfig], Field(min_length=1)]
    routers: Annotated[dict[str, RouterConfig], Field(min_length=1)]
    execution: ExecutionConfig = ExecutionConfig()
    limits: LimitsConfig = LimitsConfig()
    affinity: AffinityStoreConfig = AffinityStoreConfig()
    redis: RedisConfig | None = None
    embedder: EmbedderConfig = EmbedderConfig()
    ledger: LedgerConfig = LedgerConfig()
    telemetry: TelemetryConfig = TelemetryConfig()

    @property
    def admission(self) -> AdmissionConfig:
        """The section `execution.admission`, with a caller's share where none is configured."""
        section = self.execution.admission
        if section.max_running_per_caller is not None:
            return section
        callers = 2 if self.security.has_several_callers else 1
        return section.model_copy(update={"max_running_per_caller": -(-section.max_running // callers)})
