"""Builds the pool from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from frontdesk_server.assembly.prices import resolve_prices
from frontdesk_server.backends.profiles import profile_of
from frontdesk_server.config.pool import DeploymentConfig, ModelConfig
from frontdesk_server.config.root import Config
from frontdesk_server.domain.backend import Backend
from frontdesk_server.domain.model import Deployment, Model, Timeouts
from frontdesk_server.domain.prices import Prices


def build_pool(config: Config) -> dict[str, Model]:
    """All models by their public names."""
    return {name: _model(name, section, config) for name, section in config.models.items()}


def _deployments(name: str, config: ModelConfig, whole: Config) -> tuple[Deployment, ...]:
    places = config.deployments
    if config.backend is not None:
        places = (DeploymentConfig(backend=config.backend),)
    return tuple(_deployment(place, name, config, whole) for place in places)


def _deployment(place: DeploymentConfig, name: str, config: ModelConfig, whole: Config) -> Deployment:
    upstream_model = place.upstream_model or config.upstream_model or name
    backend = whole.backends.get(place.backend)
    if backend is None:
        return Deployment(place.backend, upstream_model, place.weight)
    # The kind of the backend, and where they differ its provider, and the kind whose API it speaks.
    provider, speaks = (getattr(backend, name, backend.kind) for name in ("provider", "speaks"))
    dialects = frozenset((backend.kind, provider, speaks))
    profile = profile_of(backend, upstream_model, config.profile, place.profile)
    return Deployment(place.backend, upstream_model, place.weight, dialects, provider, profile)


def _model(name: str, config: ModelConfig, whole: Config) -> Model:
    return Model(
        name=name,
        deployments=_deployments(name, config, whole),
        context_window=config.context_window,
        description=config.description,
        prices=_resolve(config, name, whole)[0],
        max_output_tokens=config.max_output_tokens,
        capabilities=config.capabilities,
        quality=config.quality,
        time_to_first_token_ms=config.time_to_first_token_ms,
        output_tokens_per_second=config.output_tokens_per_second,
        timeouts=Timeouts(**config.timeouts.model_dump()),
    )


def unserved_capabilities(config: Config, backends: Mapping[str, Backend]) -> dict[str, str]:
    """Models that are said to do what the API of one of these backends cannot, and what."""
    unserved = {}
    for name, section in config.models.items():
        for deployment in _deployments(name, section, config):
            backend = backends.get(deployment.backend)
            if backend is not None and (beyond := section.capabilities - backend.capabilities):
                named = ", ".join(sorted(capability.value for capability in beyond))
                unserved[name] = f"backend {deployment.backend!r} cannot serve {named}"
    return unserved


def unpriced_rules(config: Config, pool: Mapping[str, Model]) -> list[int]:
    """The rules about money which hold for no model of known price: none of their calls would have room."""
    unpriced = []
    for index, rule in enumerate(config.limits.rules):
        if rule.usd is not None and all(pool[name].prices is None for name in rule.models or pool):
            unpriced.append(index)
    return unpriced


def unknown_prices(config: Config) -> dict[str, str]:
    """Models whose price `auto` could not find, and why."""
    resolved = {name: _resolve(section, name, config) for name, section in config.models.items()}
    return {name: trouble for name, (_, trouble) in resolved.items() if trouble}


def _resolve(config: ModelConfig, name: str, whole: Config) -> tuple[Prices | None, str]:
    """By the first deployment: one model has one price wherever it is served."""
    first = _deployments(name, config, whole)[0]
    backend = whole.backends.get(first.backend)
    return resolve_prices(
        config.prices,
        upstream_model=first.upstream_model,
        provider="" if backend is None else getattr(backend, "provider", backend.kind),
        address=str(getattr(backend, "base_url", None) or ""),
        now=datetime.now(UTC),
    )
