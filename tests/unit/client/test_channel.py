from __future__ import annotations

import json

import grpc
import pytest
from frontdesk.channel import DEFAULT_OPTIONS, Secrets, channel_credentials, channel_options


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
    assert Secrets(target, False, "t").metadata() == (("authorization", "Bearer t"),)


@pytest.mark.parametrize("target", ["example.org:1", "localhost.example.org:1", "dns:///frontdesk:1"])
def test_a_token_never_leaves_this_machine_in_plain_text(target: str) -> None:
    assert Secrets(target, True, "t").metadata() == (("authorization", "Bearer t"),)
    with pytest.raises(ValueError, match="a token needs tls=True"):
        Secrets(target, False, "t").metadata()
    with pytest.raises(ValueError, match="a provider's key needs tls=True"):
        Secrets(target, False).metadata({"openai": "k"})


def test_no_token_no_metadata() -> None:
    assert Secrets("example.org:1", False).metadata() == ()


def test_keys_of_ones_own_are_named_by_backend_and_shown_nowhere() -> None:
    secrets = Secrets("example.org:1", True, "t", {"OpenAI": "k1"})
    assert secrets.metadata() == (("authorization", "Bearer t"), ("x-frontdesk-provider-key-openai", "k1"))
    assert dict(secrets.metadata({"claude": "k2"})).keys() == {"authorization", "x-frontdesk-provider-key-claude"}
    assert dict(secrets.metadata({})).keys() == {"authorization"}
    assert "k1" not in repr(secrets)


def test_credentials() -> None:
    own = grpc.ssl_channel_credentials()
    assert channel_credentials(own) is own
    assert isinstance(channel_credentials(True), grpc.ChannelCredentials)
    assert channel_credentials(False) is None
