"""What one section of the configuration says against another, and names of sections that cannot be any."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk_server.config.names import a_name
from frontdesk_server.config.root import Config
from frontdesk_server.config.values import Location


def contradictions(config: Config) -> Iterator[tuple[Location, str]]:
    """Faults of sections that are good by themselves and cannot be together."""
    metrics = config.telemetry.prometheus_address
    if metrics == config.server.address and not metrics.endswith(":0"):
        yield ("telemetry", "prometheus_address"), "is the address of the service itself (server.address)"
    if config.redis is None:
        stores = {
            ("limits", "store"): config.limits.store,
            ("affinity", "store"): config.affinity.store,
            ("execution", "breaker", "store"): config.execution.breaker.store,
        }
        for place, store in stores.items():
            if store == "redis":
                yield place, "needs a section redis"


def impossible_names(config: Config) -> Iterator[tuple[Location, str]]:
    """Faults of the names under which sections stand, which are good by themselves."""
    for section in ("backends", "models", "routers"):
        for name in getattr(config, section):
            try:
                a_name(name)
            except ValueError as error:
                yield (section, name), f"the name {error}"
