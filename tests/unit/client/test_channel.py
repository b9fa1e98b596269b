from __future__ import annotations

import json

import grpc
import pytest
from frontdesk.channel import DEFAULT_OPTIONS, channel_credentials, channel_options, token_metadata


def test_defaults_are_overridden_and_removed_by_name() -> None:
    options = dict(channel_options({"grpc.keepalive_time_ms": 5, "grpc.service_config": None, "grpc.dscp": 8}))
    assert options["grpc.keepalive_time_ms"] == 5
    assert "grpc.service_config" not in options
    assert options["grpc.dscp"] == 8
    assert options["grpc.keepalive_timeout_ms"] == DEFAULT_OPTIONS["grpc.keepalive_timeout_ms"]
    assert str(options["grpc.primary_user_agent"]).startswith("frontdesk-python")


def test_only_unavailable_is_retried_and_load_is_spread() -> None:
    config = json.loads(str(dict(channel_options())["grpc.service_config"]))
    assert config["methodConfig"][0]["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]


@pytest.mark.parametrize("target", ["localhost:1", "127.0.0.1:1", "[::1]:1", "dns:///localhost:1", "unix:/run/x.sock"])
def test_a_token_may_stay_on_this_machine_in_plain_text(target: str) -> None:
    assert token_metadata(target, "t", encrypted=False) == (("authorization", "Bearer t"),)


@pytest.mark.parametrize("target", ["example.org:1", "localhost.example.org:1", "dns:///frontdesk:1"])
def test_a_token_never_leaves_this_machine_in_plain_text(target: str) -> None:
    assert token_metadata(target, "t", encrypted=True) == (("authorization", "Bearer t"),)
    with pytest.raises(ValueError, match="plain text"):
        token_metadata(target, "t", encrypted=False)


def test_no_token_no_metadata() -> None:
    assert token_metadata("example.org:1", None, encrypted=False) == ()


def test_credentials() -> None:
    own = grpc.ssl_channel_credentials()
    assert channel_credentials(own) is own
    assert isinstance(channel_credentials(True), grpc.ChannelCredentials)
    assert channel_credentials(False) is None
