"""What is repeated of an upstream's words, and requests that cannot be sent."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.masking import SecretMask
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamCredentialsRefused, UpstreamRequestRefused
from frontdesk_server.domain.events import TextDelta
from frontdesk_server.domain.query import text_query
from pydantic import SecretStr

from tests.sink import each

SECRET = "sk-0123456789abcdef"


def upstream_of(**settings: Any) -> Upstream:
    config = OpenAIBackendConfig.model_validate(
        {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": SECRET, **settings}
    )
    return _upstream(config)


def unchecked_upstream_of(**settings: Any) -> Upstream:
    """With settings that the configuration's own checks would refuse."""
    config = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": "http://127.0.0.1:9/v1"})
    secret = {name: SecretStr(value) if isinstance(value, str) else value for name, value in settings.items()}
    if "headers" in secret:
        secret["headers"] = {name: SecretStr(value) for name, value in settings["headers"].items()}
    return _upstream(config.model_copy(update=secret))


def _upstream(config: OpenAIBackendConfig) -> Upstream:
    return Upstream(config, "/chat/completions")


@pytest.mark.parametrize("length", range(280, 305, 3))
async def test_a_credential_is_masked_whole_wherever_the_message_is_cut(length: int) -> None:
    upstream = upstream_of(headers={"x-team": "blue-team"})
    message = upstream.quote("x" * length + f" {SECRET} of blue-team " + "y" * 500)
    await upstream.aclose()
    assert len(message) <= 301
    assert "sk-" not in message
    assert "blue" not in message


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        SECRET[:8],
        SECRET[5:13],
        SECRET[-8:],
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(SECRET.encode()).decode()[:20],
        base64.b64encode(f"Bearer {SECRET}".encode()).decode()[12:34],
        base64.urlsafe_b64encode(f"user:{SECRET}".encode()).decode()[8:30],
        "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    ],
)
def test_a_fragment_of_a_secret_and_its_encodings_are_masked(echo: str) -> None:
    masked = SecretMask([SECRET]).mask(f"wrong key <{echo}>, says the upstream", 300)
    assert masked == "wrong key <***>, says the upstream"


def test_what_a_url_encodes_of_a_secret_is_masked() -> None:
    secret = "a/b+c=d&e f/g"
    assert SecretMask([secret.replace(" ", "_")]).mask(f"<{quote(secret.replace(' ', '_'), safe='')}>", 300) == "<***>"


@pytest.mark.parametrize("secret", ["ollama", "key", "", "Bearer ollama", "https://a.b"])
def test_short_secrets_and_what_all_share_mask_no_words(secret: str) -> None:
    text = "the ollama key of https://docs.example is not a Bearer token"
    assert SecretMask([secret]).mask(text, 300) == text


def test_a_long_message_of_secrets_stays_masked_and_short() -> None:
    masked = SecretMask([SECRET]).mask(SECRET * 1000, 300)
    assert "0123" not in masked
    assert len(masked) <= 301


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": f"{SECRET}\n"},
        {"api_key": f"{SECRET}\r\nx-evil: 1"},
        {"api_key": "sk-ключ-ключ"},
        {"headers": {"x-team": "a\nb"}},
        {"headers": {"x team": "a"}},
    ],
    ids=["newline", "header injected", "not ASCII", "header with a newline", "name with a space"],
)
@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
async def test_a_request_that_http_cannot_carry_is_a_refused_credential(settings: dict[str, Any], http2: bool) -> None:
    upstream = unchecked_upstream_of(http2=http2, **settings)
    events = converse(upstream, lambda call: {}, OpenAITranslator(), BackendCall("m", text_query("hi"), stream=True))
    with pytest.raises(UpstreamCredentialsRefused) as caught:
        await anext(events)
    assert SECRET not in str(caught.value)
    await upstream.aclose()


@pytest.mark.parametrize("key", ["sk-own\n", "sk-own\r\nx-evil: 1", "sk-ключ"])
async def test_a_callers_own_key_that_http_cannot_carry_is_a_refused_credential(key: str) -> None:
    upstream = upstream_of()
    call = BackendCall("m", text_query("hi"), stream=True, key=key)
    events = converse(upstream, lambda call: {}, OpenAITranslator(), call)
    with pytest.raises(UpstreamCredentialsRefused) as caught:
        await anext(events)
    assert caught.value.own_key
    assert "sk-" not in str(caught.value) + repr(call)
    await upstream.aclose()


async def test_a_callers_own_key_is_masked_like_ours() -> None:
    upstream = upstream_of()
    own = "sk-own-abcdefghijkl"
    assert upstream.quote(f"neither {own} nor {SECRET}", own) == "neither *** nor ***"
    await upstream.aclose()


async def test_a_body_that_cannot_be_built_is_a_refused_request() -> None:
    upstream = upstream_of()
    body = {"text": "\ud83d"}
    events = converse(upstream, lambda call: body, OpenAITranslator(), BackendCall("m", text_query("hi"), stream=True))
    with pytest.raises(UpstreamRequestRefused):
        await anext(events)
    await upstream.aclose()


async def test_an_unexpected_content_type_is_quoted_not_logged() -> None:
    upstream = upstream_of()
    page = httpx.Response(200, headers={"content-type": f"text/{SECRET}"}, content=b"")
    upstream._transport = httpx.MockTransport(lambda request: page)
    events = converse(upstream, lambda call: {}, OpenAITranslator(), BackendCall("m", text_query("hi"), stream=True))
    with pytest.raises(Exception, match=r"^unexpected content type$") as caught:
        await anext(events)
    assert caught.value.quoted == "text/***"  # type: ignore[attr-defined]
    await upstream.aclose()


@pytest.mark.parametrize("content_type", ["application/json", None])
async def test_a_stream_that_calls_itself_json_or_nothing_is_read_as_a_stream(content_type: str | None) -> None:
    chunk = b'{"model": "m", "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}'
    upstream = upstream_of()
    headers = {} if content_type is None else {"content-type": content_type}
    page = httpx.Response(200, headers=headers, content=b"data: " + chunk + b"\n\ndata: [DONE]\n\n")
    upstream._transport = httpx.MockTransport(lambda request: page)
    call = BackendCall("m", text_query("hi"), stream=True)
    events = [event async for event in each(converse(upstream, lambda call: {}, OpenAITranslator(), call))]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hi"]
    await upstream.aclose()
