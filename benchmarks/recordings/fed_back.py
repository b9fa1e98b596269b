"""Answers put into the history as Frontdesk gave them: what of them reaches their provider again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk import Client, FrontdeskError, Query, tool_result, user
from frontdesk.v1 import chat_pb2 as pb

from benchmarks.recordings.corpus import Json, Recording
from benchmarks.recordings.judging import is_glued
from benchmarks.recordings.meaning import meaning
from benchmarks.recordings.replay import Replay
from benchmarks.recordings.servers import model_name

_TELLING = (b"tool_use", b'tool_calls"', b"thinking", b"reasoning", b'content_filter"')
_TIMEOUT_SECONDS = 20.0
_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
_REASONING = frozenset({"reasoning", "reasoning_content"})
_JOINED = ("text", "summary")
_NO_STATE = frozenset({"role", "content", "tool_calls", "refusal", "function_call"})


@dataclass(frozen=True, slots=True)
class FedBack:
    """One answer, and how what its provider gets of it differs from what it gave."""

    recording: Recording
    changes: tuple[str, ...]


async def feed_back(client: Client, replay: Replay, recordings: Sequence[Recording], *, named: bool) -> list[FedBack]:
    """Every answer that calls tools, reasons or refuses, fed back; those that Frontdesk refuses are no answers."""
    results = []
    for recording in recordings:
        if (
            recording.status != 200
            or is_glued(recording)
            or not any(word in recording.body.lower() for word in _TELLING)
        ):
            continue
        router = model_name(recording, named=named)
        asked = user(f"REPLAY:{recording.id}:whole")
        try:
            first = await _answer(client, Query(messages=[asked]), router, streamed=recording.streamed)
        except FrontdeskError:
            continue
        results.append(FedBack(recording, await _again(client, replay, recording, [asked, first.message], router)))
    return results


def report(results: Sequence[FedBack]) -> Iterator[str]:
    """Lines for a reader: the sum, then every kind of change with an example."""
    unchanged = sum(not result.changes for result in results)
    share = f"{unchanged / len(results):.1%}" if results else "-"
    yield f"answers fed back: {len(results)}, unchanged {unchanged} ({share})"
    kinds = Counter((result.recording.kind, change) for result in results for change in result.changes)
    for (kind, change), count in kinds.most_common():
        own = [one.recording for one in results if change in one.changes and one.recording.kind == kind]
        yield f"  {count:4} {kind} {change}  {own[0].id} {dict(Counter(one.provider for one in own).most_common(4))}"


async def _answer(client: Client, query: Query, router: str, *, streamed: bool) -> Any:
    if streamed:
        return await client.stream_complete(query, router=router, timeout=_TIMEOUT_SECONDS).completion()
    return await client.complete(query, router=router, timeout=_TIMEOUT_SECONDS)


async def _again(
    client: Client, replay: Replay, recording: Recording, history: list[pb.Message], router: str
) -> tuple[str, ...]:
    calls = [part.tool_call for part in history[-1].parts if part.WhichOneof("part") == "tool_call"]
    results = [tool_result(call.id, '{"ok": true}') for call in calls]
    query = Query(messages=[*history, *(results or [user("Go on.")])])
    replay.sent.clear()
    try:
        await _answer(client, query, router, streamed=recording.streamed)
    except FrontdeskError as error:
        if not replay.sent:
            return (f"refused: {error.reason} {error.message[:120]}",)
    turns = [message for message in replay.sent[0]["messages"] if message["role"] == "assistant"]
    if len(turns) != 1:
        return (f"{len(turns)} assistant turns",)
    if recording.kind == "anthropic":
        return tuple(_changed_blocks(_anthropic_content(recording), turns[0]["content"]))
    return tuple(_changed_message(_openai_message(recording), turns[0]))


def _changed_blocks(given: list[Json], sent: list[Json]) -> Iterator[str]:
    """Blank texts cannot go back: the API refuses what it said itself."""
    before, after = ([_plain_block(block) for block in blocks] for blocks in (given, sent))
    before = [block for block in before if block["type"] != "text" or block["text"].strip()]
    kinds, sent_kinds = ([block["type"] for block in blocks] for blocks in (before, after))
    if kinds != sent_kinds:
        yield f"blocks {'/'.join(kinds)[:80]} -> {'/'.join(sent_kinds)[:80]}"
        return
    for one, other in zip(before, after, strict=True):
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                yield f"{one['type']}.{name}"


def _plain_block(block: Json) -> Json:
    return {name: value for name, value in block.items() if value is not None and (value != [] or name == "content")}


def _changed_message(given: Json, sent: Json) -> Iterator[str]:
    for name, value in given.items():
        if name in _NO_STATE or value in (None, "", [], {}):
            continue
        if name not in sent:
            renamed = _REASONING & sent.keys() if name in _REASONING else ()
            yield f"{name} as {' '.join(renamed)}" if renamed else f"{name} lost"
        elif _joined(sent[name]) != _joined(value):
            yield f"{name} changed"
    if sent.keys() & _REASONING and not given.keys() & _REASONING:
        yield "reasoning added"
    before, after = (_conversation(message) for message in (given, sent))
    if before.get("tool_calls") != after.get("tool_calls"):
        yield "tool calls changed"
    if before.get("content") != after.get("content"):
        yield "content changed"


def _conversation(message: Json) -> Json:
    """What was said and called: a refusal is said, where the API has no field for it, and a function called a tool."""
    calls = [{"function": call["function"]} for call in message.get("tool_calls") or () if "function" in call]
    old = message.get("function_call")
    if old and old.get("name"):
        calls = [{"function": old}]
    content = message.get("content") or message.get("refusal")
    if isinstance(content, list) and message.get("refusal"):
        content = [*content, {"type": "text", "text": message["refusal"]}]
    if isinstance(content, list):
        content = _joined_chunks(content)
    told = {"role": "assistant", "content": content, "tool_calls": calls}
    plain = meaning({"messages": [told]}, "openai")["messages"]
    return plain[0] if plain else {}


def _joined_chunks(chunks: list[Any]) -> list[Any]:
    """Mistral's chunks, neighbours of one kind as one."""
    wholes: list[Json] = []
    for chunk in chunks:
        kind = chunk["type"]
        if kind not in ("text", "thinking"):
            wholes.append(chunk)
        elif wholes and wholes[-1]["type"] == kind:
            wholes[-1]["text"] += _text(chunk)
        else:
            wholes.append({"type": kind, "text": _text(chunk)})
    return wholes


def _text(chunk: Json) -> str:
    inner: Any = chunk.get("text", chunk.get("thinking"))
    return inner if isinstance(inner, str) else "".join(piece["text"] for piece in inner)


def _joined(value: Any) -> Any:
    """A list of pieces as that of the wholes to which their numbers and types join them."""
    if not isinstance(value, list) or not all(isinstance(piece, dict) and "index" in piece for piece in value):
        return value
    wholes: list[Json] = []
    for piece in value:
        said = {name: told for name, told in piece.items() if told is not None}
        last = wholes[-1] if wholes else {}
        same = last.get("index") == said["index"] and last.get("type") == said.get("type")
        if not same or any(last.get(name, told) != told for name, told in said.items() if name not in _JOINED):
            wholes.append(said)
        else:
            joined = {name: last.get(name, "") + said[name] for name in _JOINED if name in said}
            wholes[-1] = {**last, **said, **joined}
    return wholes


def _anthropic_content(recording: Recording) -> list[Json]:
    if not recording.streamed:
        content: list[Json] = json.loads(recording.body)["content"]
        return content
    blocks: dict[int, Json] = {}
    arguments: dict[int, str] = {}
    for event in recording.chunks():
        if event.get("type") == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event.get("type") == "content_block_delta":
            index, delta = event["index"], event["delta"]
            if name := _PIECES.get(delta["type"]):
                blocks[index][name] = (blocks[index].get(name) or "") + delta[name]
            elif delta["type"] == "input_json_delta":
                arguments[index] = arguments.get(index, "") + delta["partial_json"]
            elif delta["type"] == "citations_delta":
                blocks[index]["citations"] = [*(blocks[index].get("citations") or []), delta["citation"]]
            else:
                blocks[index] |= {name: value for name, value in delta.items() if name != "type"}
    for index, text in arguments.items():
        if text:
            blocks[index]["input"] = _arguments(text)
    return [blocks[index] for index in sorted(blocks)]


def _arguments(text: str) -> Any:
    """Broken arguments go back as the API's documentation advises."""
    try:
        return json.loads(text)
    except ValueError:
        return {"INVALID_JSON": text}


def _openai_message(recording: Recording) -> Json:
    if not recording.streamed:
        message: Json = json.loads(recording.body)["choices"][0]["message"]
        return message
    told: Json = {}
    calls: dict[Any, Json] = {}
    for chunk in recording.chunks():
        for choice in chunk.get("choices") or ():
            if not choice.get("index"):
                delta = dict(choice.get("delta") or {})
                for place, call in enumerate(delta.pop("tool_calls", None) or ()):
                    _join_call(calls.setdefault(call.get("index", place), {}), call)
                _join(told, delta)
    return {**told, "tool_calls": list(calls.values())}


def _join_call(whole: Json, call: Json) -> None:
    function = whole.setdefault("function", {})
    for name, value in (call.get("function") or {}).items():
        before = function.get(name) or ""
        function[name] = before + (value or "") if name == "arguments" else before or value
    whole |= {name: value for name, value in call.items() if name not in ("function", "index") and value}


def _chunks(content: str | list[Any]) -> list[Any]:
    text = [{"type": "text", "text": content}] if content else []
    return text if isinstance(content, str) else content


def _join(whole: Json, delta: Json) -> None:
    for name, value in delta.items():
        before: Any = whole.get(name)
        if name == "content" and {type(before), type(value)} == {str, list}:
            before, value = _chunks(before), _chunks(value)
        joinable = type(value) is type(before) and isinstance(value, str | list) and name != "role"
        if value is not None:
            whole[name] = before + value if joinable else value
