"""A recorded chat completions request as a query of the contract."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as NoBase64
from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from benchmarks.recordings.options import DETAILS, EFFORTS, media, option, rest, state

Json = dict[str, Any]

_ROLES = {
    "system": pb.ROLE_SYSTEM,
    "developer": pb.ROLE_SYSTEM,
    "user": pb.ROLE_USER,
    "assistant": pb.ROLE_ASSISTANT,
    "tool": pb.ROLE_TOOL,
}
_MODES = {
    "auto": pb.ToolChoice.MODE_AUTO,
    "none": pb.ToolChoice.MODE_NONE,
    "required": pb.ToolChoice.MODE_REQUIRED,
    "any": pb.ToolChoice.MODE_REQUIRED,
}
_AUDIO = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DATA_URI = re.compile(r"data:([\w/.+-]+);base64,(.*)", re.DOTALL)
_HERE = ("model", "messages", "stream", "n", "tools")
_DETAILS = "reasoning_details"
_SAID = ("role", "content", "tool_calls", "tool_call_id", "name", "refusal", "reasoning", "reasoning_content", _DETAILS)


def openai_query(body: Json, dialect: str) -> tuple[pb.Query, list[str]]:
    """The query, and what of the request has no place in it; `dialect` is what the provider is called."""
    query, taken = pb.Query(), {*_HERE}
    lost: list[str] = []
    _settings(query, body, taken)
    for message in body["messages"]:
        _add_message(query, message, dialect, lost)
    for tool in body.get("tools") or ():
        _add_tool(query, tool, dialect)
    if (body.get("n") or 1) > 1:
        lost.append("n > 1")
    options = rest(body, taken)
    if isinstance(options.get("stream_options"), dict):
        options["stream_options"] = rest(options["stream_options"], {"include_usage"})
    option(query, dialect, {name: value for name, value in options.items() if value not in ({}, None)})
    return query, lost


def _settings(query: pb.Query, body: Json, taken: set[str]) -> None:
    settings = query.generation
    if limit := body.get("max_completion_tokens") or body.get("max_tokens"):
        settings.max_output_tokens = limit
        taken |= {"max_tokens", "max_completion_tokens"}
    for name in ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty"):
        if body.get(name) is not None:
            setattr(settings, name, body[name])
            taken.add(name)
    if body.get("random_seed") is not None:
        settings.seed = body["random_seed"]
        taken.add("random_seed")
    if stop := body.get("stop"):
        settings.stop_sequences.extend([stop] if isinstance(stop, str) else stop)
    settings.logprobs = bool(body.get("logprobs"))
    if body.get("top_logprobs"):
        settings.top_logprobs = body["top_logprobs"]
    taken |= {"stop", "logprobs", "top_logprobs"}
    if effort := EFFORTS.get(body.get("reasoning_effort") or ""):
        settings.reasoning_effort = effort
        taken.add("reasoning_effort")
    if body.get("tools") and body.get("parallel_tool_calls") is not None:
        settings.parallel_tool_calls = body["parallel_tool_calls"]
        taken.add("parallel_tool_calls")
    if isinstance(body.get("user"), str) and len(body["user"]) <= 128:
        query.user_id = body["user"]
        taken.add("user")
    if _response_format(settings, body.get("response_format") or {}):
        taken.add("response_format")
    if body.get("tools") and _tool_choice(query, body.get("tool_choice")):
        taken.add("tool_choice")


def _response_format(settings: pb.GenerationConfig, wanted: Json) -> bool:
    match wanted:
        case {"type": "json_object"}:
            settings.response_format.json_object.SetInParent()
        case {"type": "json_schema", "json_schema": {"name": str(name), "schema": schema}} if name:
            told, given = wanted["json_schema"], settings.response_format.json_schema
            given.name, given.schema_json = name, json.dumps(schema)
            given.description = told.get("description") or ""
            if told.get("strict") is not None:
                given.strict = told["strict"]
        case {"type": "text"} | {}:
            return wanted in ({}, {"type": "text"})
    return wanted.get("type") == "json_object" or settings.HasField("response_format")


def _tool_choice(query: pb.Query, choice: Any) -> bool:
    match choice:
        case None:
            return True
        case str() if choice in _MODES:
            query.tool_choice.mode = _MODES[choice]
            return True
        case {"type": "function", "function": {"name": str(name)}}:
            query.tool_choice.tool_name = name
            return True
    return False


def _add_message(query: pb.Query, message: Json, dialect: str, lost: list[str]) -> None:
    role = _ROLES.get(message.get("role") or "")
    if role is None:
        lost.append(f"role {message.get('role')}")
        return
    said = query.messages.add(role=role)
    if role == pb.ROLE_TOOL:
        said.parts.append(_tool_result(message, dialect))
        return
    said.name = message.get("name") or ""
    if role == pb.ROLE_ASSISTANT:
        _add_state(said, message, dialect)
    option(said, dialect, rest(message, _SAID))
    content = message.get("content")
    if isinstance(content, str) and (content or role != pb.ROLE_ASSISTANT):
        said.parts.add(text=content)
    for part in content if isinstance(content, list) else ():
        said.parts.append(_part(part, dialect))
    if refusal := message.get("refusal"):
        said.parts.add(text=refusal, refusal=True)
    for call in message.get("tool_calls") or ():
        _add_call(said, call, dialect, lost)


def _add_state(said: pb.Message, message: Json, dialect: str) -> None:
    """Reasoning, and what the provider wants back of it, as Frontdesk would have told it of an answer."""
    told: Json = {_DETAILS: message[_DETAILS]} if message.get(_DETAILS) else {}
    if field := next((name for name in ("reasoning_content", "reasoning") if message.get(name)), None):
        said.parts.add(reasoning=pb.Reasoning(text=message[field]))
        told[field] = None
    state(said, dialect, told)


def _add_call(said: pb.Message, call: Json, dialect: str, lost: list[str]) -> None:
    if call.get("type") not in (None, "function"):
        lost.append(f"tool call of type {call['type']}")
        return
    function = call["function"]
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    part = said.parts.add(tool_call=pb.ToolCall(id=call.get("id") or "", name=function["name"], arguments_json=text))
    state(part, dialect, rest(call, ("id", "type", "function", "index")))


def _tool_result(message: Json, dialect: str) -> pb.ContentPart:
    part = pb.ContentPart()
    result = part.tool_result
    result.tool_call_id = message.get("tool_call_id") or ""
    content = message.get("content")
    if isinstance(content, list):
        for piece in content:
            result.parts.append(_result_part(piece, dialect))
    else:
        result.content = content or ""
    option(part, dialect, rest(message, ("role", "content", "tool_call_id")))
    return part


def _result_part(piece: Json, dialect: str) -> pb.ToolResultPart:
    part = _part(piece, dialect)
    if part.provider_options or part.HasField("provider_block"):
        return pb.ToolResultPart(provider_block=pb.ProviderBlock(dialect=dialect, json=json.dumps(piece)))
    return pb.ToolResultPart(media=part.media) if part.HasField("media") else pb.ToolResultPart(text=part.text)


def _part(piece: Json, dialect: str) -> pb.ContentPart:
    """The part; what the contract has no words for goes as its provider's block."""
    kind = piece.get("type") or "text"
    given = piece.get(kind)
    part: pb.ContentPart | None = None
    inner: Json = {}
    if kind == "text":
        part = pb.ContentPart(text=given or "")
    elif kind == "image_url":
        image = {"url": given} if isinstance(given, str) else given or {}
        part = _linked(image.get("url") or "")
        if part is not None and (detail := DETAILS.get(image.get("detail") or "")):
            part.media.detail = detail
        inner = rest(image, ("url", *(("detail",) if part is not None and part.media.detail else ())))
    elif kind == "input_audio" and isinstance(given, dict) and given.get("format") in _AUDIO:
        part = media(_AUDIO[given["format"]], data=b64decode(given["data"]))
    elif kind == "file" and isinstance(given, dict) and (found := _DATA_URI.fullmatch(given.get("file_data") or "")):
        part = media(found[1], data=b64decode(found[2]))
        part.media.filename = given.get("filename") or ""
        inner = rest(given, ("file_data", "filename"))
    if part is None:
        return pb.ContentPart(provider_block=pb.ProviderBlock(dialect=dialect, json=json.dumps(piece)))
    option(part, dialect, {**rest(piece, ("type", kind)), **({kind: inner} if inner else {})})
    return part


def _linked(url: str) -> pb.ContentPart | None:
    if found := _DATA_URI.fullmatch(url):
        try:
            return media(found[1], data=b64decode(found[2]))
        except NoBase64:
            return None
    return media("image/png", uri=url) if url.startswith("https://") else None


def _add_tool(query: pb.Query, tool: Json, dialect: str) -> None:
    function = tool.get("function")
    if tool.get("type", "function") != "function" or not isinstance(function, dict):
        query.tools.add(provider_tool=pb.ProviderBlock(dialect=dialect, json=json.dumps(tool)))
        return
    given = query.tools.add(name=function["name"], description=function.get("description") or "")
    if function.get("parameters"):
        given.parameters_json = json.dumps(function["parameters"])
    if function.get("strict") is not None:
        given.strict = function["strict"]
    inner = rest(function, ("name", "description", "parameters", "strict"))
    option(given, dialect, {**rest(tool, ("type", "function")), **({"function": inner} if inner else {})})
