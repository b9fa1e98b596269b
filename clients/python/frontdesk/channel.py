"""How clients connect: one list of channel defaults, which users override by name, and credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import grpc

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


def channel_options(overrides: Mapping[str, OptionValue | None] | None = None) -> list[tuple[str, OptionValue]]:
    """The defaults with `overrides` by name; an override of None removes a default."""
    options: dict[str, OptionValue | None] = {**DEFAULT_OPTIONS, "grpc.primary_user_agent": user_agent()}
    options.update(overrides or {})
    return [(name, value) for name, value in options.items() if value is not None]


def user_agent() -> str:
    """What the client calls itself, such as "frontdesk-python/0.1.0"."""
    try:
        return f"frontdesk-python/{version('frontdesk')}"
    except PackageNotFoundError:
        return "frontdesk-python"


def channel_credentials(tls: bool | grpc.ChannelCredentials) -> grpc.ChannelCredentials | None:
    """The given credentials, TLS with the system's roots for True, None (plain text) for False."""
    if isinstance(tls, bool):
        return grpc.ssl_channel_credentials() if tls else None
    return tls


def token_metadata(target: str, token: str | None, *, encrypted: bool) -> Sequence[tuple[str, str]]:
    """Metadata that carries the bearer token.

    Raises:
        ValueError: the token would leave this machine in plain text.
    """
    if token is None:
        return ()
    if not encrypted and not _is_local(target):
        raise ValueError("a token needs tls=True: without it the token would travel in plain text")
    return (("authorization", f"Bearer {token}"),)


def _is_local(target: str) -> bool:
    host = target.removeprefix("dns:").lstrip("/").rpartition(":")[0]
    return target.startswith(("unix:", "unix-abstract:")) or host in {"localhost", "127.0.0.1", "[::1]"}
