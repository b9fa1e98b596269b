"""How clients connect: one list of channel defaults, which users override by name, and credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import grpc

from frontdesk._version import __version__

_RESOLVED = re.compile(r"(?:(dns|ipv4|ipv6):(?:///)?)?(.*)", re.DOTALL)
"""Scheme and addresses of a target. One that names a name server of its own keeps it, and is nobody's localhost."""

_PROVIDER_KEY = "x-frontdesk-provider-key-"

OptionValue = str | int | bool

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "frontdesk.v1.RouterService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

DEFAULT_OPTIONS: Mapping[str, OptionValue] = {
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
    "grpc.max_send_message_length": 64 * 1024 * 1024,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.max_pings_without_data": 0,
    "grpc.service_config": json.dumps(_SERVICE_CONFIG),
}
"""Messages up to 64 MB; a ping every 30 s (the server accepts one every 10 s); calls spread over all addresses of the
target; UNAVAILABLE, and nothing else, is retried up to three times."""


def channel_options(
    overrides: Mapping[str, OptionValue | None] | None = None, *, target: str = ""
) -> list[tuple[str, OptionValue]]:
    """The defaults with `overrides` by name; an override of None removes a default.

    A target on this machine is never asked of the proxy that the environment names: there it would be another machine.
    """
    options: dict[str, OptionValue | None] = {**DEFAULT_OPTIONS, "grpc.primary_user_agent": user_agent()}
    if is_local(target):
        options["grpc.enable_http_proxy"] = 0
    options.update(overrides or {})
    return [(name, value) for name, value in options.items() if value is not None]


def user_agent() -> str:
    """What the client calls itself, such as "frontdesk-python/0.1.0"."""
    return f"frontdesk-python/{__version__}"


def channel_credentials(tls: bool | grpc.ChannelCredentials) -> grpc.ChannelCredentials | None:
    """The given credentials, TLS with the system's roots for True, None (plain text) for False."""
    if isinstance(tls, bool):
        return grpc.ssl_channel_credentials() if tls else None
    return tls


@dataclass(frozen=True, slots=True)
class Secrets:
    """What proves to Frontdesk, and to the providers behind it, who calls; it leaves this machine over TLS only."""

    target: str
    encrypted: bool
    token: str | None = field(default=None, repr=False)
    provider_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def metadata(self, provider_keys: Mapping[str, str] | None = None) -> Sequence[tuple[str, str]]:
        """The metadata of a call; its own keys of providers, by backend, take the place of the client's.

        Raises:
            ValueError: a secret would leave this machine in plain text.
        """
        keys = self.provider_keys if provider_keys is None else provider_keys
        token = [] if self.token is None else [("authorization", f"Bearer {self.token}")]
        carried = (*token, *((f"{_PROVIDER_KEY}{backend.lower()}", key) for backend, key in keys.items()))
        if carried and not self.encrypted and not is_local(self.target):
            what = "a token" if token else "a provider's key"
            raise ValueError(f"{what} needs tls=True: without it {what.removeprefix('a ')} would travel in plain text")
        return carried


def is_local(target: str) -> bool:
    """Whether the target is on this machine: a unix socket, `localhost`, or nothing but loopback addresses."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    scheme, addresses = _RESOLVED.fullmatch(target).groups()  # type: ignore[union-attr]  # it matches every text
    hosts = map(_host, addresses.split(",") if scheme in {"ipv4", "ipv6"} else [addresses])
    return all(host.lower() == "localhost" or _is_loopback(host) for host in hosts)


def _host(address: str) -> str:
    """The host of host, host:port, [v6] or [v6]:port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return False
