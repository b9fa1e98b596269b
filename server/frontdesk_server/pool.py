"""Builds the pool from its configuration."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from frontdesk_server.config.pool import ModelConfig, PricesConfig
from frontdesk_server.config.root import Config
from frontdesk_server.domain.model import Deployment, Model, Timeouts
from frontdesk_server.domain.usage import NANO_USD_PER_USD, Prices


def build_pool(config: Config) -> dict[str, Model]:
    """All models by their public names."""
    return {name: _model(name, section) for name, section in config.models.items()}


def _model(name: str, config: ModelConfig) -> Model:
    if config.backend is not None:
        deployments: tuple[Deployment, ...] = (Deployment(config.backend, config.upstream_model or name),)
    else:
        deployments = tuple(
            Deployment(d.backend, d.upstream_model or config.upstream_model or name, d.weight)
            for d in config.deployments
        )
    return Model(
        name=name,
        deployments=deployments,
        context_window=config.context_window,
        description=config.description,
        prices=_prices(config.prices) if isinstance(config.prices, PricesConfig) else None,
        max_output_tokens=config.max_output_tokens,
        capabilities=config.capabilities,
        quality=config.quality,
        time_to_first_token_ms=config.time_to_first_token_ms,
        output_tokens_per_second=config.output_tokens_per_second,
        timeouts=Timeouts(**config.timeouts.model_dump()),
    )


def _prices(config: PricesConfig) -> Prices:
    def nano_usd(usd: float | None) -> int | None:
        if usd is None:
            return None
        return int((Decimal(str(usd)) * NANO_USD_PER_USD).to_integral_value(ROUND_HALF_UP))

    return Prices(
        input_nano_usd_per_million=nano_usd(config.input) or 0,
        output_nano_usd_per_million=nano_usd(config.output) or 0,
        cache_read_nano_usd_per_million=nano_usd(config.cache_read),
        cache_write_nano_usd_per_million=nano_usd(config.cache_write),
        reasoning_nano_usd_per_million=nano_usd(config.reasoning),
    )
