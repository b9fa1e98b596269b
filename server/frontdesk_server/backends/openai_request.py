"""A query as the body of an OpenAI-compatible /chat/completions request."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from frontdesk_server.backends.manners import Manners
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import fitting_tool_name, sendable
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    ReasoningPart,
    ResponseFormat,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Json = dict[str, Any]

_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
_UNFIT_IN_NAME = re.compile(r"[\s<|\\/>]+")
_LONGEST_NAME = 64
_USUAL = Manners()
_SPEAKING = frozenset(("tool_calls", "refusal"))


def chat_completion_body(call: BackendCall, manners: Manners = _USUAL) -> Json:
    """The request's JSON.

    Raises:
        UpstreamRequestRefused: the API has no words for a part of the query.

    """
    query = call.query
    body: Json = {
        "model": call.upstream_model,
        "messages": _messages(sendable(query.messages, manners.tool_call_ids), manners),
        **_generation(query.generation, call.output_limit, manners.max_tokens_field),
    }
    if call.stream:
        body["stream"] = True
        if manners.stream_options:
            body["stream_options"] = {"include_usage": True}
    if query.tools:
        body["tools"] = [_tool(tool) for tool in query.tools]
        if query.generation.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = query.generation.parallel_tool_calls
    if query.tool_choice is not None:
        body["tool_choice"] = _tool_choice(query.tool_choice)
    if query.user_id:
        body["user"] = query.user_id
    return body


def parsed(json: str, what: str) -> Any:
    """A JSON value that the caller gave as text.

    Raises:
        UpstreamRequestRefused: it is not JSON.

    """
    try:
        return orjson.loads(json)
    except orjson.JSONDecodeError as error:
        raise UpstreamRequestRefused(f"{what} is not valid JSON") from error


def _messages(history: Sequence[Message], manners: Manners) -> list[Json]:
    """What the assistant did not say is left out: several APIs refuse an empty answer."""
    items = [item for message in history for item in _items(message, manners)]
    return [item for item in items if item["role"] != "assistant" or item["content"] or _SPEAKING & item.keys()]


def _items(message: Message, manners: Manners) -> Iterator[Json]:
    match message.role:
        case Role.TOOL:
            for part in message.parts:
                if isinstance(part, ToolResult):
                    yield {"role": "tool", "tool_call_id": part.tool_call_id, "content": _result(part)}
        case Role.ASSISTANT:
            yield _named(message, _assistant(message, manners))
        case _:
            yield _named(message, {"role": message.role.value, "content": _content(message)})


def _named(message: Message, item: Json) -> Json:
    name = _UNFIT_IN_NAME.sub("_", message.name)[:_LONGEST_NAME]
    return {**item, "name": name} if name else item


def _result(result: ToolResult) -> str | list[Json]:
    """One text wherever that will do, as in `_content`; the API has no other word for an error."""
    if not any(result.media()):
        return f"Error: {result.text}" if result.is_error else result.text
    content = _content_parts(result.parts)
    return [{"type": "text", "text": "Error:"}, *content] if result.is_error else content


def _assistant(message: Message, manners: Manners) -> Json:
    calls = [_tool_call(part) for part in message.parts if isinstance(part, ToolCall)]
    texts = [part for part in message.parts if isinstance(part, TextPart)]
    refused = [part.text for part in texts if part.refusal and manners.refusals]
    said = "".join(part.text for part in texts if not (part.refusal and manners.refusals))
    item: Json = {"role": "assistant", "content": said or (None if calls or refused else "")}
    if refused:
        item["refusal"] = "".join(refused)
    if calls:
        item["tool_calls"] = calls
        # Providers that show their reasoning need it back in a tool loop, and only there; they do not sign it.
        reasoning = "".join(p.text for p in message.parts if isinstance(p, ReasoningPart) and not p.signed)
        if reasoning and manners.reasoning_field is not None:
            item[manners.reasoning_field] = reasoning
    return item


def _tool_call(call: ToolCall) -> Json:
    function = {"name": fitting_tool_name(call.name), "arguments": call.arguments_json or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _content(message: Message) -> str | list[Json]:
    """Plain text wherever it will do: not every server takes parts."""
    if all(isinstance(part, TextPart) for part in message.parts):
        return message.text
    return _content_parts(message.parts)


def _content_parts(parts: Iterable[ContentPart]) -> list[Json]:
    content = []
    for part in parts:
        if isinstance(part, TextPart) and part.text:
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, MediaPart):
            content.append(_media(part))
    return content


def _media(part: MediaPart) -> Json:
    kind = part.mime_type.partition("/")[0]
    if kind == "image":
        image: Json = {"url": part.uri or _data_uri(part)}
        if part.detail is not None:
            image["detail"] = part.detail.value
        return {"type": "image_url", "image_url": image}
    if part.data is None:
        raise UpstreamRequestRefused(f"the API takes {part.mime_type} as bytes only, not by URI")
    if kind == "audio":
        audio_format = _AUDIO_FORMATS.get(part.mime_type)
        if audio_format is None:
            raise UpstreamRequestRefused(f"the API takes wav and mp3 only, not {part.mime_type}")
        return {"type": "input_audio", "input_audio": {"data": b64encode(part.data).decode(), "format": audio_format}}
    filename = part.filename or f"document.{part.mime_type.partition('/')[2]}"
    return {"type": "file", "file": {"filename": filename, "file_data": _data_uri(part)}}


def _data_uri(part: MediaPart) -> str:
    return f"data:{part.mime_type};base64,{b64encode(part.data or b'').decode()}"


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters_json:
        function["parameters"] = parsed(tool.parameters_json, f"the parameters of tool {tool.name!r}")
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | Json:
    if choice.tool_name:
        return {"type": "function", "function": {"name": choice.tool_name}}
    return choice.mode.value


def _generation(generation: GenerationConfig, limit: int | None, max_tokens_field: str) -> Json:
    settings: Json = {
        max_tokens_field: limit,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "stop": list(generation.stop_sequences) or None,
        "seed": generation.seed,
        "frequency_penalty": generation.frequency_penalty,
        "presence_penalty": generation.presence_penalty,
        "logprobs": True if generation.logprobs or generation.top_logprobs else None,
        "top_logprobs": generation.top_logprobs or None,
        "response_format": None if generation.response_format is None else _response_format(generation.response_format),
        "reasoning_effort": None if generation.reasoning_effort is None else generation.reasoning_effort.value,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _response_format(response_format: ResponseFormat) -> Json:
    match response_format:
        case JsonObjectFormat():
            return {"type": "json_object"}
        case JsonSchemaFormat(name, schema_json, description, strict):
            schema: Json = {"name": name, "schema": parsed(schema_json, "the schema of the response format")}
            if description:
                schema["description"] = description
            if strict is not None:
                schema["strict"] = strict
            return {"type": "json_schema", "json_schema": schema}
