"""What the official SDKs make of recorded answers; it runs in an environment of its own, which has only them.

Reads lines of JSON (`id`, `kind`, `streamed`) from standard input, asks the upstream at the port given for each, and
writes a line of JSON for each.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import anthropic  # type: ignore[import-not-found]
import openai  # type: ignore[import-not-found]

Json = dict[str, Any]

_AT_ONCE = 3
_TIMEOUT_SECONDS = 20.0


def _extra(holder: Any, *names: str) -> Any:
    extra = getattr(holder, "model_extra", None) or {}
    return next((extra[name] for name in names if extra.get(name) not in (None, "")), "")


def _dumped(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _logprobs(logprobs: Any) -> list[Any] | None:
    if logprobs is None:
        return None
    tokens = logprobs.content or logprobs.refusal or []
    return [[t.token, t.logprob, [[u.token, u.logprob] for u in t.top_logprobs or []]] for t in tokens]


async def _chat(client: openai.AsyncOpenAI, row: Json) -> Json:
    messages: Any = [{"role": "user", "content": f"REPLAY:{row['id']}:whole"}]
    if not row["streamed"]:
        answer = await client.chat.completions.create(model="m", messages=messages)
        if not getattr(answer, "choices", None):
            return {"nochoices": True}
        choice = answer.choices[0]
        said = choice.message
        return {
            "text": said.content or "",
            "refusal": said.refusal or "",
            "reasoning": _extra(said, "reasoning_content", "reasoning"),
            "finish": choice.finish_reason,
            "tools": [
                [call.id, call.function.name, call.function.arguments]
                for call in said.tool_calls or []
                if call.type in ("function", None) and call.function
            ],
            "function_call": _dumped(said.function_call),
            "usage": _dumped(answer.usage),
            "model": answer.model,
            "logprobs": _logprobs(choice.logprobs),
        }
    return await _chat_stream(client, messages)


async def _chat_stream(client: openai.AsyncOpenAI, messages: Any) -> Json:
    told: Json = {"text": "", "refusal": "", "reasoning": "", "finish": None, "usage": None, "model": ""}
    logprobs: list[Any] | None = None
    tools: dict[int, list[Any]] = {}
    strange: list[Any] = []
    called: Json = {}
    async for chunk in await client.chat.completions.create(model="m", messages=messages, stream=True):
        told["model"] = chunk.model or told["model"]
        told["usage"] = _dumped(chunk.usage) if chunk.usage else told["usage"]
        for choice in chunk.choices or []:
            delta = choice.delta
            if choice.index or delta is None:
                continue
            pieces = {"text": delta.content, "refusal": delta.refusal}
            pieces["reasoning"] = _extra(delta, "reasoning_content", "reasoning")
            for name, piece in pieces.items():
                if isinstance(piece, str):
                    told[name] += piece
                elif piece:
                    strange.append(piece)
            if delta.function_call:
                called["name"] = called.get("name") or delta.function_call.name
                called["arguments"] = called.get("arguments", "") + (delta.function_call.arguments or "")
            for call in delta.tool_calls or []:
                tool = tools.setdefault(call.index, [None, None, ""])
                tool[0] = tool[0] or call.id
                if call.function:
                    tool[1] = tool[1] or call.function.name
                    arguments = call.function.arguments or ""
                    tool[2] += arguments if isinstance(arguments, str) else json.dumps(arguments)
            if choice.logprobs:
                logprobs = (logprobs or []) + (_logprobs(choice.logprobs) or [])
            told["finish"] = choice.finish_reason or told["finish"]
    if strange:
        told["text"] = {"pieces": strange[:4], "strings": told["text"]}
    calls = {"tools": list(tools.values()), "function_call": called or None}
    return {**told, **calls, "logprobs": logprobs}


async def _message(client: anthropic.AsyncAnthropic, row: Json) -> Json:
    messages: Any = [{"role": "user", "content": f"REPLAY:{row['id']}:whole"}]
    if row["streamed"]:
        async with client.messages.stream(model="m", max_tokens=10, messages=messages) as stream:
            answer = await stream.get_final_message()
    else:
        answer = await client.messages.create(model="m", max_tokens=10, messages=messages)
    blocks: list[Any] = list(answer.content or [])
    return {
        "text": "".join(block.text for block in blocks if block.type == "text"),
        "reasoning": "".join(block.thinking for block in blocks if block.type == "thinking"),
        "signatures": [block.signature for block in blocks if block.type == "thinking"],
        "redacted": [block.data for block in blocks if block.type == "redacted_thinking"],
        "order": [block.type for block in blocks],
        "citations": sum(bool(getattr(block, "citations", None)) for block in blocks),
        "tools": [[block.id, block.name, block.input] for block in blocks if block.type == "tool_use"],
        "finish": answer.stop_reason,
        "usage": _dumped(answer.usage),
        "model": answer.model,
    }


async def _all(port: int) -> None:
    chat = openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=_TIMEOUT_SECONDS
    )
    messages = anthropic.AsyncAnthropic(
        base_url=f"http://127.0.0.1:{port}", api_key="none", max_retries=0, timeout=_TIMEOUT_SECONDS
    )
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Json) -> Json:
        async with gate:
            try:
                told = await (_chat(chat, row) if row["kind"] == "openai" else _message(messages, row))
            except Exception as error:
                told = {"error": type(error).__name__, "message": str(error)[:300]}
            return {"id": row["id"], **told}

    rows = [json.loads(line) for line in sys.stdin]
    for told in await asyncio.gather(*map(one, rows)):
        print(json.dumps(told, default=str))


if __name__ == "__main__":
    asyncio.run(_all(int(sys.argv[1])))
