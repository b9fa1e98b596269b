from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from frontdesk import Client, FrontdeskError, sync
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


TARGETS = json.loads((Path(__file__).parents[2] / "contract/vectors/targets.json").read_text())


@pytest.mark.parametrize("known", TARGETS, ids=lambda known: known["name"])
def test_a_target_that_cannot_be_meant_is_refused_and_told_what_is_wrong(known: dict[str, str]) -> None:
    try:
        assert target_of(known["name"]) == known["name"]
        told = None
    except ValueError as error:
        told = str(error)
    assert told == (f"target: {known['fault']}" if "fault" in known else None)


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


def _raise() -> str:
    raise OSError("it is s3cret")


SOURCES = {
    "raises": (_raise, "its source raised OSError"),
    "gives nothing": (lambda: None, "the token is no text, but of type NoneType"),
    "gives bytes": (lambda: b"s3cret", "the token is no text, but of type bytes"),
    "gives a blank": (lambda: " \n", "the token is empty"),
    "gives what no header carries": (lambda: "a s3cret", "the token cannot be sent: character 2 is U+0020"),
}


@pytest.mark.parametrize(("source", "told"), SOURCES.values(), ids=SOURCES)
async def test_a_source_without_a_token_ends_each_call_with_what_was_wrong(source: Any, told: str) -> None:
    async def later() -> Any:
        return source()

    def read_blocking(client: sync.Client) -> object:
        return list(client.stream_complete("hi"))

    failed: list[FrontdeskError] = []
    for asked in (source, later):
        async with Client("localhost:1", token=asked) as client:
            for call in (client.route("hi"), client.stream_complete("hi").completion()):
                with pytest.raises(FrontdeskError) as caught:
                    await asyncio.wait_for(call, 5)
                failed.append(caught.value)
    with sync.Client("localhost:1", token=source) as blocking:
        asks: list[Callable[[], object]] = [lambda: blocking.route("hi"), lambda: read_blocking(blocking)]
        for ask in asks:
            with pytest.raises(FrontdeskError) as caught:
                ask()
            failed.append(caught.value)
    assert {(error.code, error.message) for error in failed} == {(grpc.StatusCode.UNAUTHENTICATED, f"no token: {told}")}
    assert all(error.__cause__ for error in failed)


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="the token is empty"):
        Client(token=" \n")


async def test_an_http_server_is_told_from_one_that_wants_tls() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with Client(f"{host}:{port}") as client:
            with pytest.raises(FrontdeskError, match="the server speaks HTTP there, and gRPC on another port"):
                await client.route("hi", timeout=20)
