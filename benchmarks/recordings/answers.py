"""Recorded answers, as a client of Frontdesk gets them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from frontdesk import Client, FrontdeskError, GenerationConfig, Query, user
from frontdesk.v1 import chat_pb2 as pb

from benchmarks.recordings.corpus import Json, Recording
from benchmarks.recordings.servers import model_name

_AT_ONCE = 3
_TIMEOUT_SECONDS = 25.0
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_LOGPROBS = (b'"logprobs":{"', b'"logprobs": {"', b'"top_logprobs"')


async def read_answers(client: Client, recordings: Sequence[Recording], mode: str, *, named: bool) -> list[Json]:
    """What Frontdesk makes of each answer when it comes in pieces of this mode."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(recording: Recording) -> Json:
        async with gate:
            return {"id": recording.id, **await _answer(client, recording, mode, model_name(recording, named=named))}

    return list(await asyncio.gather(*map(one, recordings)))


async def _answer(client: Client, recording: Recording, mode: str, router: str) -> Json:
    generation = GenerationConfig()
    if recording.kind == "openai" and any(word in recording.body for word in _LOGPROBS):
        generation.logprobs, generation.top_logprobs = True, 20
    query = Query(messages=[user(f"REPLAY:{recording.id}:{mode}")], generation=generation)
    try:
        if recording.streamed:
            return told(await client.stream_complete(query, router=router, timeout=_TIMEOUT_SECONDS).completion())
        return told(await client.complete(query, router=router, timeout=_TIMEOUT_SECONDS))
    except FrontdeskError as error:
        return {"error": error.reason, "message": error.message[:400]}


def told(answer: Any) -> Json:
    """A completion in the words in which the SDKs' answers are told."""
    parts = list(answer.message.parts)
    calls = [part.tool_call for part in parts if part.WhichOneof("part") == "tool_call"]
    reasoning = [part.reasoning for part in parts if part.WhichOneof("part") == "reasoning"]
    attempt = answer.attempts[-1]
    return {
        "text": "".join(part.text for part in parts),
        "tools": [[call.id, call.name, call.arguments_json] for call in calls],
        "reasoning": "".join(part.text for part in reasoning),
        "signatures": [part.signature for part in reasoning if not part.redacted_data],
        "redacted": [part.redacted_data for part in reasoning if part.redacted_data],
        "order": [_kind(part) for part in parts],
        "citations": sum(bool(part.citations) for part in parts),
        "finish": pb.FinishReason.Name(answer.finish_reason).removeprefix("FINISH_REASON_"),
        "usage": {name: getattr(answer.usage, name) if answer.usage.HasField(name) else None for name in _COUNTS},
        "model": attempt.upstream_model,
        "estimated": attempt.usage_estimated,
        "logprobs": [[t.token, t.logprob, [[u.token, u.logprob] for u in t.top]] for t in answer.logprobs],
    }


def _kind(part: pb.ContentPart) -> str:
    kind = part.WhichOneof("part") or ""
    if kind == "reasoning":
        return "redacted_thinking" if part.reasoning.redacted_data else "thinking"
    return {"tool_call": "tool_use", "provider_block": "block"}.get(kind, kind)
