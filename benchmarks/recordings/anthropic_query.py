"""A recorded Anthropic Messages request as a query of the contract."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from benchmarks.recordings.options import media, option, rest, state

Json = dict[str, Any]

_DIALECT = "anthropic"
_CHOICES = {
    "auto": pb.ToolChoice.MODE_AUTO,
    "any": pb.ToolChoice.MODE_REQUIRED,
    "none": pb.ToolChoice.MODE_NONE,
}
_LIFE_SECONDS = {"5m": 300, "1h": 3600}
_HERE = ("model", "messages", "system", "stream", "max_tokens", "stop_sequences", "tools")
_WORDED = frozenset({"text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"})


def anthropic_query(body: Json) -> tuple[pb.Query, list[str]]:
    """The query, and what of the request has no place in it."""
    query, taken = pb.Query(), {*_HERE}
    lost: list[str] = []
    _settings(query, body, taken)
    if system := body.get("system"):
        blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
        query.messages.add(role=pb.ROLE_SYSTEM, parts=[_part(block, pb.ROLE_SYSTEM) for block in blocks])
    for message in body["messages"]:
        _add_turn(query, message)
    for tool in body.get("tools") or ():
        _add_tool(query, tool)
    _tool_choice(query, body, taken)
    options = rest(body, taken)
    for name, known in (("thinking", _thinking), ("output_config", _output), ("metadata", _metadata)):
        if isinstance(options.get(name), dict):
            options[name] = rest(options[name], known(query, options[name]))
    option(query, _DIALECT, {name: value for name, value in options.items() if value != {}})
    return query, lost


def _settings(query: pb.Query, body: Json, taken: set[str]) -> None:
    settings = query.generation
    settings.max_output_tokens = body["max_tokens"]
    settings.stop_sequences.extend(body.get("stop_sequences") or ())
    for name in ("temperature", "top_p", "top_k"):
        if body.get(name) is not None:
            setattr(settings, name, body[name])
            taken.add(name)
    wanted = body.get("output_format") or (body.get("output_config") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        settings.response_format.json_schema.name = "answer"
        settings.response_format.json_schema.schema_json = json.dumps(wanted["schema"])
        taken.add("output_format")


def _thinking(query: pb.Query, thinking: Json) -> set[str]:
    if thinking.get("type") == "enabled" and thinking.get("budget_tokens"):
        query.generation.reasoning_budget_tokens = thinking["budget_tokens"]
        return {"type", "budget_tokens"}
    if thinking.get("type") == "disabled":
        query.generation.reasoning_effort = pb.REASONING_EFFORT_NONE
        return {"type"}
    return set()


def _output(query: pb.Query, _: Json) -> set[str]:
    return {"format"} if query.generation.HasField("response_format") else set()


def _metadata(query: pb.Query, metadata: Json) -> set[str]:
    user = metadata.get("user_id")
    if not isinstance(user, str) or len(user) > 128:
        return set()
    query.user_id = user
    return {"user_id"}


def _tool_choice(query: pb.Query, body: Json, taken: set[str]) -> None:
    choice = body.get("tool_choice")
    if not choice or not query.tools:
        return
    taken.add("tool_choice")
    if choice["type"] == "tool":
        query.tool_choice.tool_name = choice["name"]
        for tool in query.tools:
            if tool.HasField("provider_tool") and json.loads(tool.provider_tool.json).get("name") == choice["name"]:
                tool.name = choice["name"]
    else:
        query.tool_choice.mode = _CHOICES[choice["type"]]
    if choice.get("disable_parallel_tool_use") is not None:
        query.generation.parallel_tool_calls = not choice["disable_parallel_tool_use"]


def _add_turn(query: pb.Query, message: Json) -> None:
    """One turn is several messages where results of tools and the user's words stand in it."""
    content = message["content"]
    said: pb.Message | None = None
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        role = _role(message["role"], block["type"])
        if said is None or said.role != role:
            said = query.messages.add(role=role)
        said.parts.append(_part(block, role))


def _role(role: str, kind: str) -> pb.Role.ValueType:
    if role == "user":
        return pb.ROLE_TOOL if kind == "tool_result" else pb.ROLE_USER
    return pb.ROLE_ASSISTANT if role == "assistant" else pb.ROLE_SYSTEM


def _part(block: Json, role: pb.Role.ValueType) -> pb.ContentPart:
    kind = block["type"]
    part, taken = _worded(block) if kind in _WORDED else (None, ())
    if part is None:
        return pb.ContentPart(provider_block=pb.ProviderBlock(dialect=_DIALECT, json=json.dumps(block)))
    keep = state if role == pb.ROLE_ASSISTANT else option
    keep(part, _DIALECT, rest(block, {"type", *taken, *_cache_hint(part, block)}))
    return part


def _worded(block: Json) -> tuple[pb.ContentPart | None, tuple[str, ...]]:
    """The part as the contract words it, and what of the block it says."""
    match block["type"]:
        case "text":
            return pb.ContentPart(text=block["text"]), ("text",)
        case "tool_use":
            called = pb.ToolCall(id=block["id"], name=block["name"], arguments_json=json.dumps(block["input"]))
            return pb.ContentPart(tool_call=called), ("id", "name", "input")
        case "tool_result":
            return pb.ContentPart(tool_result=_result(block)), ("tool_use_id", "content", "is_error")
        case "thinking":
            reasoning = pb.Reasoning(text=block["thinking"], signature=block.get("signature") or "", dialect=_DIALECT)
            return pb.ContentPart(reasoning=reasoning), ("thinking", "signature")
        case "redacted_thinking":
            return pb.ContentPart(reasoning=pb.Reasoning(redacted_data=block["data"], dialect=_DIALECT)), ("data",)
    part = _media(block)
    if part is not None and block.get("title"):
        part.media.filename = block["title"]
        return part, ("source", "title")
    return part, ("source",)


def _media(block: Json) -> pb.ContentPart | None:
    match block["source"]:
        case {"type": "base64", "media_type": str(mime_type), "data": str(data)}:
            return media(mime_type, data=b64decode(data))
        case {"type": "url", "url": str(uri)} if uri.startswith("https://"):
            return media("image/png" if block["type"] == "image" else "application/pdf", uri=uri)
        case {"type": "text", "data": str(text)}:
            return media("text/plain", data=text.encode())
    return None


def _result(block: Json) -> pb.ToolResult:
    result = pb.ToolResult(tool_call_id=block["tool_use_id"], is_error=bool(block.get("is_error")))
    content = block.get("content")
    if isinstance(content, list):
        result.parts.extend(map(_result_part, content))
    else:
        result.content = content or ""
    return result


def _result_part(block: Json) -> pb.ToolResultPart:
    part, taken = _worded(block) if block["type"] in ("text", "image", "document") else (None, ())
    if part is None or rest(block, {"type", *taken}):
        return pb.ToolResultPart(provider_block=pb.ProviderBlock(dialect=_DIALECT, json=json.dumps(block)))
    return pb.ToolResultPart(media=part.media) if part.HasField("media") else pb.ToolResultPart(text=part.text)


def _cache_hint(holder: pb.ContentPart | pb.Tool, block: Json) -> tuple[str, ...]:
    match block.get("cache_control"):
        case {"type": "ephemeral", "ttl": ("5m" | "1h") as life, **other} if not other:
            holder.cache_hint.ttl.seconds = _LIFE_SECONDS[life]
        case {"type": "ephemeral", **other} if not other:
            holder.cache_hint.SetInParent()
        case _:
            return ()
    return ("cache_control",)


def _add_tool(query: pb.Query, tool: Json) -> None:
    if tool.get("type") not in (None, "custom"):
        query.tools.add(provider_tool=pb.ProviderBlock(dialect=_DIALECT, json=json.dumps(tool)))
        return
    given = query.tools.add(name=tool["name"], description=tool.get("description") or "")
    given.parameters_json = json.dumps(tool["input_schema"])
    if tool.get("strict") is not None:
        given.strict = tool["strict"]
    taken = {"type", "name", "description", "input_schema", "strict", *_cache_hint(given, tool)}
    option(given, _DIALECT, rest(tool, taken))
