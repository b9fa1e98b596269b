"""When two requests mean the same, by rules; and where they differ.

Of any request: which model, whether and how it streams, and what is null or says nothing more than its absence (`n: 1`,
`is_error: false`, `description: ""`, `tools: []`) means nothing. Ids of tool calls mean which call a result answers.
Arguments of a call are JSON, encoded bytes the bytes. A text alone is a text in a list.

Of OpenAI's: `max_tokens` is `max_completion_tokens`, `random_seed` is `seed`, a developer is the system, `any` tool is
a required one, `reasoning` is `reasoning_content`; a message of several texts is one of their lines, the assistant's
one text; an assistant who says nothing is not there.

Of Anthropic's: `output_format` is `output_config.format`; `cache_control` is for five minutes, the temperature 1 and
thinking disabled unless something else is said; neighbouring turns of one role are one turn, and results of tools stand
first in it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Difference = tuple[str, str, Any, Any]

_NEVER = ("model", "stream", "stream_options")
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_NAMES = {"max_tokens": "max_completion_tokens", "random_seed": "seed"}
_UNSET = {"n": 1, "logprobs": False, "response_format": {"type": "text"}, "top_logprobs": 0}


def differences(before: Any, after: Any, at: str = "") -> Iterator[Difference]:
    """Every place at which two JSON values differ: its path, how, and what stood and stands there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            if name not in after:
                yield f"{at}.{name}", "absent", before[name], None
            elif name not in before:
                yield f"{at}.{name}", "added", None, after[name]
            else:
                yield from differences(before[name], after[name], f"{at}.{name}")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield at, "length", before, after
        for one, other in zip(before, after, strict=False):
            yield from differences(one, other, f"{at}[]")
    elif before != after:
        yield at, "changed", before, after


def bare(body: Json) -> Json:
    """The request without what Frontdesk is configured to say."""
    return {name: value for name, value in body.items() if name not in _NEVER}


def meaning(body: Json, kind: str) -> Json:
    """The request in its plainest words."""
    body = bare(json.loads(json.dumps(body)))
    return _of_openai(body) if kind == "openai" else _of_anthropic(body)


def _of_openai(body: Json) -> Json:
    named = {_NAMES.get(name, name): value for name, value in body.items() if value != _UNSET.get(name, [])}
    said: Json = {name: value for name, value in named.items() if value is not None and value != []}
    if isinstance(said.get("stop"), str):
        said["stop"] = [said["stop"]]
    if said.get("tool_choice") == "any":
        said["tool_choice"] = "required"
    if "tools" in said:
        said["tools"] = [_openai_tool(tool) for tool in said["tools"]]
    form = said.get("response_format")
    if isinstance(form, dict) and isinstance(schema := form.get("json_schema"), dict):
        said["response_format"] = {**form, "json_schema": _said(schema)}
    messages = [_openai_message(message) for message in body["messages"]]
    said["messages"] = _numbered(message for message in messages if message.keys() - {"role", "name"})
    return said


def _openai_message(message: Json) -> Json:
    said = _said(message)
    if said["role"] == "developer":
        said["role"] = "system"
    if "reasoning" in said:
        said["reasoning_content"] = said.pop("reasoning")
    said["tool_calls"] = [_openai_call(call) for call in said.get("tool_calls") or ()]
    content = said.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    parts = [_openai_part(part) for part in parts]
    if all(part.keys() == {"type", "text"} for part in parts):
        between = "" if said["role"] == "assistant" else "\n"
        said["content"] = between.join(part["text"] for part in parts)
    else:
        said["content"] = parts
    return _said(said)


def _openai_part(part: Json) -> Json:
    said = _said(part)
    kind = said.setdefault("type", "text")
    if kind == "text":
        said.setdefault("text", "")
    elif kind == "image_url" and isinstance(said.get(kind), str):
        said[kind] = {"url": said[kind]}
    inner = said.get(kind)
    for name in ("url", "data", "file_data"):
        if isinstance(inner, dict) and isinstance(inner.get(name), str):
            inner[name] = _bytes(inner[name])
    return said


def _openai_call(call: Json) -> Json:
    said = {"type": "function", **{name: value for name, value in _said(call).items() if name != "index"}}
    if isinstance(said.get("function"), dict):
        said["function"]["arguments"] = _parsed(said["function"].get("arguments"))
    return said


def _openai_tool(tool: Json) -> Json:
    said = {"type": "function", **_said(tool)}
    if isinstance(said.get("function"), dict):
        said["function"] = _said(said["function"])
    return said


def _of_anthropic(body: Json) -> Json:
    said = {name: value for name, value in body.items() if value is not None and value != []}
    for name, usual in (("temperature", 1), ("thinking", {"type": "disabled"})):
        if said.get(name) == usual:
            del said[name]
    if "output_format" in said:
        said.setdefault("output_config", {})["format"] = said.pop("output_format")
    if "system" in said:
        said["system"] = [_block(block) for block in _listed(said["system"])]
    if "tools" in said:
        said["tools"] = [_anthropic_tool(tool) for tool in said["tools"]]
    if isinstance(said.get("tool_choice"), dict) and said["tool_choice"].get("disable_parallel_tool_use") is False:
        del said["tool_choice"]["disable_parallel_tool_use"]
    turns: list[Json] = []
    for message in body["messages"]:
        content = [_block(block) for block in _listed(message["content"])]
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"] += content
        else:
            turns.append({**message, "content": content})
    for turn in turns:
        turn["content"].sort(key=lambda block: block["type"] != "tool_result" and turn["role"] == "user")
    said["messages"] = _numbered(turns)
    return said


def _anthropic_tool(tool: Json) -> Json:
    said = _block(tool)
    if said.get("type") == "custom":
        del said["type"]
    return said


def _block(block: Json) -> Json:
    said = _said(block)
    if said.get("is_error") is False:
        del said["is_error"]
    if said.get("type") == "tool_result" and "content" in said:
        said["content"] = [_block(inner) for inner in _listed(said["content"])]
    if isinstance(hint := said.get("cache_control"), dict) and hint.get("ttl") == "5m":
        del hint["ttl"]
    if isinstance(source := said.get("source"), dict) and source.get("type") == "base64":
        source["data"] = _bytes(source["data"])
    return said


def _listed(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _said(holder: Json) -> Json:
    return {name: value for name, value in holder.items() if value not in _EMPTY or name in ("input", "arguments")}


def _parsed(arguments: Any) -> Any:
    try:
        return json.loads(arguments or "{}") if isinstance(arguments, str | None) else arguments
    except ValueError:
        return arguments


def _bytes(data: str) -> str:
    head, comma, encoded = data.rpartition(",") if data.startswith("data:") else ("", "", data)
    try:
        return head + comma + b64encode(b64decode(encoded)).decode() if comma or not head else data
    except ValueError:
        return data


def _numbered(messages: Any) -> list[Json]:
    """Ids of calls by their order; a result's by the nearest call before it."""
    names: dict[str, str] = {}
    number = 0
    listed = list(messages)
    for message in listed:
        for holder in (*(message.get("tool_calls") or ()), message, *_blocks(message)):
            if (message["role"] == "assistant") and isinstance(holder.get("id"), str):
                names[holder["id"]] = holder["id"] = f"call {number}"
                number += 1
            for name in ("tool_call_id", "tool_use_id"):
                if name in holder:
                    holder[name] = names.get(holder[name], holder[name])
    return listed


def _blocks(message: Json) -> list[Json]:
    content = message.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
