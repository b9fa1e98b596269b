"""What is opened at the start, and stays as it is when the configuration is read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.root import Config

_STAYING: Mapping[str, Callable[[Config], object]] = {
    "server": lambda config: config.server,
    "security.tls": lambda config: config.security.tls,
    "execution.admission": lambda config: config.execution.admission,
    "execution.breaker": lambda config: config.execution.breaker,
    "limits.store": lambda config: (config.limits.store, config.limits.path),
    "affinity": lambda config: config.affinity,
    "redis": lambda config: config.redis,
    "ledger": lambda config: config.ledger,
    "telemetry": lambda config: config.telemetry,
}


def changed_in_vain(started: LoadedConfig, file: Config) -> list[str]:
    """The sections that are not as they were at the start, and hold from the next one on."""
    now = reduce(lambda config, change: change(config), started.overriding, file)
    return [place for place, part in _STAYING.items() if part(started.config) != part(now)]
