"""An agent's loop against a provider that caches prompts where it is told to: what is read from its cache, and paid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from frontdesk import Client, Message, Query, system, tool_result, user
from frontdesk.v1 import chat_pb2 as pb

from tests.service import service
from tests.upstream.prefix_cache import PrefixCache
from tests.upstream.server import FaultyUpstream

STEPS = 30
TOOLS = [
    pb.Tool(name=f"tool_{letter}", description="Looks pages up. " * 24, parameters_json='{"type": "object"}')
    for letter in "abcdef"
]
INSTRUCTIONS = "You keep the archive of a small town and answer from its records alone. " * 60


def config(upstream: FaultyUpstream, caching: str) -> dict[str, Any]:
    return {
        "backends": {"claude": {"kind": "anthropic", "base_url": upstream.anthropic_url}},
        "models": {
            "writer": {
                "backend": "claude",
                "prices": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75},
                "context_window": 200_000,
                "capabilities": ["tools"],
            }
        },
        "routers": {
            "default": {
                "default_model": "writer",
                "strategy": {"kind": "model", "model": "writer"},
                "prompt_caching": caching,
            }
        },
        "ledger": {"url": ""},
        "telemetry": {"log_level": "error"},
    }


def step(number: int, parallel: int) -> list[Message]:
    calls = [
        pb.ToolCall(id=f"call_{number}_{place}", name="tool_a", arguments_json=f'{{"page":{place}}}')
        for place in range(parallel)
    ]
    parts = [pb.ContentPart(text=f"Step {number}."), *(pb.ContentPart(tool_call=call) for call in calls)]
    record = f"Record of step {number}: " + "grain, salt and cloth. " * 20
    return [Message(role=pb.ROLE_ASSISTANT, parts=parts), *(tool_result(call.id, record) for call in calls)]


@dataclass
class Books:
    input_tokens: int = 0
    read: int = 0
    nano_usd: int = 0

    @property
    def hit_share(self) -> float:
        return self.read / self.input_tokens


async def loop(client: Client, *, steps: int = STEPS, parallel: int = 1) -> Books:
    books, messages = Books(), [system(INSTRUCTIONS), user("What was sold in the year of the flood?")]
    for number in range(steps):
        answer = await client.complete(Query(messages=messages, tools=TOOLS))
        books.input_tokens += answer.usage.input_tokens
        books.read += answer.usage.cache_read_tokens
        books.nano_usd += answer.cost.total_nano_usd
        messages += step(number, parallel)
    return books


async def replay(tmp_path: Path, caching: str, **shape: int) -> Books:
    async with FaultyUpstream() as upstream:
        upstream.script = PrefixCache()
        async with service(config(upstream, caching), tmp_path) as (client, _):
            return await loop(client, **shape)


@pytest.mark.parametrize(
    ("shape", "hit_share", "cheaper"),
    [({}, 0.95, 6.0), ({"steps": 100}, 0.98, 8.1), ({"steps": 6, "parallel": 15}, 0.70, 2.3)],
    ids=["30 steps", "100 steps", "steps of more blocks than a provider looks back"],
)
async def test_a_loop_reads_its_history_from_the_cache(
    tmp_path: Path, shape: dict[str, int], hit_share: float, cheaper: float
) -> None:
    """The figures of docs/execution.md."""
    before, after = await replay(tmp_path, "off", **shape), await replay(tmp_path, "auto", **shape)
    assert before.input_tokens == after.input_tokens
    assert before.hit_share == 0
    assert after.hit_share == pytest.approx(hit_share, abs=0.01)
    assert before.nano_usd / after.nano_usd == pytest.approx(cheaper, abs=0.1)


async def test_a_conversation_has_one_cache_key_where_the_provider_takes_one(tmp_path: Path) -> None:
    own = pb.ProviderOptions(dialect="openai", options_json='{"prompt_cache_key": "mine"}')
    async with FaultyUpstream() as upstream:
        settings = config(upstream, "auto")
        settings["backends"]["claude"] = {"kind": "openai", "provider": "openai", "base_url": upstream.openai_url}
        async with service(settings, tmp_path) as (client, _):
            for conversation in ("one", "one", "two", ""):
                await client.complete("Hello", affinity_key=conversation)
            await client.complete(Query(messages=[user("Hello")], provider_options=[own]), affinity_key="one")
        first, again, other, none, given = (request.body.get("prompt_cache_key") for request in upstream.requests)
    assert isinstance(first, str)
    assert isinstance(other, str)
    assert first == again != other
    assert len(first) == len(other) == 32
    assert none is None
    assert given == "mine"
