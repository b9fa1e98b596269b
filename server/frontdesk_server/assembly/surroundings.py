"""What a start would find around the configuration: files, certificates, sockets. Nothing is opened for good."""

from __future__ import annotations

from collections.abc import Callable

from frontdesk_server.assembly.fronts import check_http
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.domain.errors import ConfigError, ConfigFault, collecting
from frontdesk_server.ledger.usable import check_ledger
from frontdesk_server.rpc.unix_socket import socket_fault, socket_path
from frontdesk_server.security import server_credentials
from frontdesk_server.state.limits import check_limit_store
from frontdesk_server.state.redis import build_redis


def check_surroundings(loaded: LoadedConfig) -> None:
    """Look at everything that a start would use, without listening, creating or changing anything.

    Raises:
        ConfigError: a start would fail; all faults are reported together.
    """
    config = loaded.config
    looks: tuple[Callable[[], object], ...] = (
        lambda: server_credentials(loaded),
        lambda: build_redis(config.redis, loaded.source),
        lambda: check_ledger(config.ledger.url.get_secret_value()),
        lambda: check_limit_store(config.limits, loaded.source),
        lambda: _check_socket(loaded),
        lambda: check_http(loaded),
    )
    faults: list[ConfigFault] = []
    for look in looks:
        with collecting(faults), loaded.placing():
            look()
    if faults:
        raise ConfigError(loaded.source, faults)


def _check_socket(loaded: LoadedConfig) -> None:
    path = socket_path(loaded.config.server.address)
    if path is not None and (fault := socket_fault(path)):
        raise ConfigError(loaded.source, [ConfigFault(f"cannot listen there: {fault}", "server.address")])
