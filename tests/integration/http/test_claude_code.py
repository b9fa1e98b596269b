"""What Claude Code 2.1.197 sends, shortened: all of it is taken, and what is for Claude reaches Claude."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faces import faces, url_of
from tests.service import pool_config
from tests.upstream import FaultyUpstream, Script

PATH = "/v1/messages?beta=true"
BETAS = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24"
HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": BETAS,
    "anthropic-dangerous-direct-browser-access": "true",
    "authorization": "Bearer unused",
    "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
    "x-app": "cli",
    "x-stainless-retry-count": "0",
}
BASH = {
    "name": "Bash",
    "description": "Executes a command.",
    "input_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "number"}},
        "required": ["command"],
        "additionalProperties": False,
    },
}
EDITS = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
ASKED: list[dict[str, Any]] = [
    {"role": "user", "content": [{"type": "text", "text": "<system-reminder>Today is Sunday.</system-reminder>"}]},
    {"role": "system", "content": "Available agent types for the Agent tool: none."},
    {"role": "user", "content": [{"type": "text", "text": "Say hello.", "cache_control": {"type": "ephemeral"}}]},
]
CALLED: list[dict[str, Any]] = [
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "x"}}],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "hello", "is_error": False}],
    },
]


def body(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "model": "default",
        "messages": messages,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.123;"},
            {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
        ],
        "tools": [BASH],
        "metadata": {"user_id": '{"device_id":"6beab372","account_uuid":"","session_id":"203e411b"}'},
        "max_tokens": 32_000,
        "thinking": {"type": "adaptive"},
        "context_management": EDITS,
        "output_config": {"effort": "high"},
        "stream": True,
    }


@pytest.mark.parametrize(
    ("model", "thinking", "in_a_loop"),
    [("claude-opus-4-6", "adaptive", "adaptive"), ("claude-haiku-4-5", "enabled", None)],
)
async def test_a_session_with_a_tool_is_served(
    tmp_path: Path, model: str, thinking: str, in_a_loop: str | None
) -> None:
    async with FaultyUpstream(Script(tool_name="Bash", tokens=('{"command":', '"x"}'))) as upstream:
        config = pool_config(upstream.openai_url)
        config["backends"] = {"upstream": {"kind": "anthropic", "base_url": upstream.anthropic_url, "api_key": "k"}}
        capabilities = ["tools", "json_schema", "reasoning"]
        for entry in config["models"].values():
            entry |= {"upstream_model": model, "capabilities": capabilities, "context_window": 200_000}
        async with faces(config, tmp_path) as fronts, httpx.AsyncClient(base_url=url_of(fronts)) as client:
            probe = await client.head("/")
            first = await client.post(PATH, json=body(ASKED), headers=HEADERS)
            second = await client.post(PATH, json=body(ASKED + CALLED), headers=HEADERS)
            counted = await client.post(
                "/v1/messages/count_tokens?beta=true",
                json={"model": "default", "messages": ASKED, "tools": [BASH], "thinking": {"type": "adaptive"}},
                headers=HEADERS,
            )
    assert (probe.status_code, counted.status_code) == (404, 200)
    assert counted.json()["input_tokens"] > 10
    for answer in (first, second):
        assert answer.status_code == 200, answer.text
        assert "event: message_stop" in answer.text
        assert "anthropic_beta" in answer.headers["x-frontdesk-passed"]
    sent = upstream.requests
    assert {seen.headers["anthropic-beta"] for seen in sent} == {BETAS}
    assert [seen.body["context_management"] for seen in sent] == [EDITS, EDITS]
    assert [seen.body["metadata"] for seen in sent] == [body([])["metadata"]] * 2
    assert not any("anthropic_beta" in seen.body for seen in sent)
    kinds = [seen.body.get("thinking", {}).get("type") for seen in sent]
    assert kinds == [thinking, in_a_loop]


@pytest.mark.parametrize("betas", ["a\tb", "ü", "x" * 129])
async def test_a_beta_that_is_no_name_is_refused(tmp_path: Path, betas: str) -> None:
    async with FaultyUpstream() as upstream:
        config = pool_config(upstream.openai_url)
        config["backends"] = {"upstream": {"kind": "anthropic", "base_url": upstream.anthropic_url, "api_key": "k"}}
        for entry in config["models"].values():
            entry["capabilities"] = ["tools"]
        config["routers"]["default"]["fallbacks"] = []
        async with faces(config, tmp_path) as fronts, httpx.AsyncClient(base_url=url_of(fronts)) as client:
            headers = {"anthropic-beta": betas.encode("latin-1")}
            asked = {"model": "default", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
            refused = await client.post("/v1/messages", json=asked, headers=headers)  # type: ignore[arg-type]
    assert refused.status_code == 400, refused.text
    assert not upstream.requests


async def test_a_text_without_citations_does_not_speak_of_them(tmp_path: Path) -> None:
    """As the API itself; Vercel's AI SDK takes no null there."""
    asked = {"model": "default", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    async with (
        FaultyUpstream() as upstream,
        faces(pool_config(upstream.openai_url), tmp_path) as fronts,
        httpx.AsyncClient(base_url=url_of(fronts)) as client,
    ):
        answer = await client.post("/v1/messages", json=asked)
    assert answer.json()["content"] == [{"type": "text", "text": "The answer is four."}]
