"""How clients connect: one list of channel defaults, which users override by name, and credentials."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from ipaddress import ip_address

import grpc

from frontdesk._version import __version__

DEFAULT_TARGET = "localhost:50051"

_RESOLVED = re.compile(r"(?:(dns|ipv4|ipv6):(?:///)?)?(.*)", re.DOTALL)
"""Scheme and addresses of a target. One that names a name server of its own keeps it, and is nobody's localhost."""

_LAST_PORT = 65_535

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


def target_of(target: str | None) -> str:
    """The target, or else that of FRONTDESK_ADDRESS, or else the default one.

    Raises:
        ValueError: its port is none; gRPC would take such a number modulo 65536, and speak to another server.
    """
    found = target or os.environ.get("FRONTDESK_ADDRESS") or DEFAULT_TARGET
    for port in map(_port, _addresses(found)):
        if port.isdecimal() and not 1 <= int(port) <= _LAST_PORT:
            raise ValueError(f"target: {found} has port {port}, which is not in 1 to {_LAST_PORT}")
    return found


def token_of_environment() -> str | None:
    """What FRONTDESK_TOKEN holds, if anything."""
    return os.environ.get("FRONTDESK_TOKEN", "").strip() or None


def channel_credentials(tls: bool | grpc.ChannelCredentials | None, target: str) -> grpc.ChannelCredentials | None:
    """The credentials of a channel; None is plain text.

    Given ones count, True is TLS with the system's roots and False is plain text. Unless told, a target on this machine
    is called in plain text and every other by TLS.
    """
    if tls is None:
        tls = not is_local(target)
    if isinstance(tls, bool):
        return grpc.ssl_channel_credentials() if tls else None
    return tls


def is_local(target: str) -> bool:
    """Whether the target is on this machine: a unix socket, `localhost`, or nothing but loopback addresses."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    hosts = map(_host, _addresses(target))
    return all(host.lower() == "localhost" or _is_loopback(host) for host in hosts)


def _addresses(target: str) -> list[str]:
    """The addresses that a target names; of a unix socket nothing that has a port."""
    scheme, addresses = _RESOLVED.fullmatch(target).groups()  # type: ignore[union-attr]  # it matches every text
    return addresses.split(",") if scheme in {"ipv4", "ipv6"} else [addresses]


def _port(address: str) -> str:
    """What stands after the host of host:port or [v6]:port; empty without one."""
    behind = address.rpartition("]")[2]
    return behind.partition(":")[2] if behind.count(":") == 1 else ""


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
