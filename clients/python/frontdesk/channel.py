"""How clients connect: one list of channel defaults, which users override by name, and credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import grpc

from frontdesk._target import DEFAULT_TARGET, is_local, target_of
from frontdesk._version import __version__

__all__ = [
    "DEFAULT_OPTIONS",
    "DEFAULT_TARGET",
    "OptionValue",
    "channel_credentials",
    "channel_options",
    "is_local",
    "target_of",
    "token_of_environment",
    "user_agent",
]

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
