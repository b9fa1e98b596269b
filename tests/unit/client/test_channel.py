from __future__ import annotations

import json

import grpc
import pytest
from frontdesk import Client, sync
from frontdesk._secrets import Secrets
from frontdesk.channel import DEFAULT_OPTIONS, channel_credentials, channel_options, target_of, token_of_environment
from hypothesis import given
from hypothesis import strategies as st


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


@pytest.mark.parametrize(
    "target", ["a:0", "a:99999", "[::1]:65536", "dns:///a:70000", "ipv4:127.0.0.1:1,127.0.0.2:99999"]
)
def test_a_port_that_none_can_have_is_refused_and_never_another_one_asked(target: str) -> None:
    with pytest.raises(ValueError, match=r"^target: .* has port \d+, which is not in 1 to 65535"):
        target_of(target)


@pytest.mark.parametrize("target", ["a:65535", "a", "[::1]", "::1", "unix:/run/a:99999/x.sock", "a:http"])
def test_every_other_target_is_taken_as_it_is(target: str) -> None:
    assert target_of(target) == target


LOCAL = ["localhost:1", "127.0.0.1:1", "[::1]:1", "dns:///localhost:1", "unix:/run/x.sock"]
REMOTE = ["example.org:1", "localhost.example.org:1", "dns:///frontdesk:1"]


@pytest.mark.parametrize("target", LOCAL)
def test_this_machine_is_called_in_plain_text_unless_told(target: str) -> None:
    assert channel_credentials(None, target) is None
    assert isinstance(channel_credentials(True, target), grpc.ChannelCredentials)


@pytest.mark.parametrize("target", REMOTE)
def test_every_other_machine_is_called_by_tls_unless_told(target: str) -> None:
    assert isinstance(channel_credentials(None, target), grpc.ChannelCredentials)
    assert channel_credentials(False, target) is None


def test_credentials_of_ones_own_count() -> None:
    own = grpc.ssl_channel_credentials()
    assert channel_credentials(own, "localhost:1") is own


def test_the_environment_tells_target_and_token_where_the_caller_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRONTDESK_ADDRESS", raising=False)
    monkeypatch.delenv("FRONTDESK_TOKEN", raising=False)
    assert (target_of(None), token_of_environment()) == ("localhost:50051", None)
    monkeypatch.setenv("FRONTDESK_ADDRESS", "frontdesk:443")
    monkeypatch.setenv("FRONTDESK_TOKEN", "t\n")
    assert (target_of(None), target_of("here:1"), token_of_environment()) == ("frontdesk:443", "here:1", "t")


def test_no_token_no_metadata() -> None:
    assert Secrets().metadata() == ()


def test_keys_of_ones_own_are_named_by_backend_and_shown_nowhere() -> None:
    secrets = Secrets("t", {"OpenAI": "k1"})
    assert secrets.metadata() == (("authorization", "Bearer t"), ("x-frontdesk-provider-key-openai", "k1"))
    assert dict(secrets.metadata({"claude": "k2"})).keys() == {"authorization", "x-frontdesk-provider-key-claude"}
    assert dict(secrets.metadata({})).keys() == {"authorization"}
    assert "k1" not in repr(secrets)


@pytest.mark.parametrize("secret", ["s3cret", "s3cret\n", "  s3cret\r\n"])
def test_the_space_around_a_secret_is_not_sent(secret: str) -> None:
    assert Secrets(secret, {"openai": secret}).metadata() == (
        ("authorization", "Bearer s3cret"),
        ("x-frontdesk-provider-key-openai", "s3cret"),
    )


@given(st.text(), st.characters(exclude_categories=["Cs"]).filter(lambda c: not "!" <= c <= "~"), st.text())
def test_a_secret_that_no_header_carries_is_refused_without_being_told(before: str, odd: str, after: str) -> None:
    secret = f"s3cret{before}{odd}{after}end"
    with pytest.raises(ValueError, match="the token cannot be sent: character") as caught:
        Client(token=secret)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValueError, match="the key for openai cannot be sent"):
        sync.Client(provider_keys={"openai": secret})


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="the token is empty"):
        Client(token=" \n")
