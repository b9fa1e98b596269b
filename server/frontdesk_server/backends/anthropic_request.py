"""A query as the body of an Anthropic Messages request."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from frontdesk_server.backends.openai_request import parsed
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    Query,
    ReasoningEffort,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
)

Json = dict[str, Any]

MIN_THINKING_TOKENS = 1024
"""The least thinking budget that the API accepts; it must be less than max_tokens."""

_THINKING_TOKENS = {
    ReasoningEffort.LOW: 1024,
    ReasoningEffort.MEDIUM: 4096,
    ReasoningEffort.HIGH: 16384,
}
_TOOL_CHOICES = {
    ToolChoiceMode.AUTO: {"type": "auto"},
    ToolChoiceMode.NONE: {"type": "none"},
    ToolChoiceMode.REQUIRED: {"type": "any"},
}


def messages_body(call: BackendCall, default_max_tokens: int) -> Json:
    """The request's JSON; the API demands a limit of the output, so there is a default.

    Raises:
        UpstreamRequestRefused: the API has no words for a part of the query.

    """
    query = call.query
    body: Json = {
        "model": call.upstream_model,
        "messages": _messages(query),
        **_generation(query.generation, default_max_tokens),
    }
    if system := "\n\n".join(message.text for message in query.messages if message.role is Role.SYSTEM):
        body["system"] = system
    if call.stream:
        body["stream"] = True
    if query.tools:
        body["tools"] = [_tool(tool) for tool in query.tools]
    if query.tool_choice is not None:
        body["tool_choice"] = _tool_choice(query.tool_choice)
    return body


def _messages(query: Query) -> list[Json]:
    """Turns of user and assistant; results of parallel tool calls must share one turn."""
    turns: list[Json] = []
    for message in query.messages:
        if message.role is Role.SYSTEM:
            continue
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"] += _blocks(message)
    return turns


def _blocks(message: Message) -> list[Json]:
    blocks = [block for part in message.parts if (block := _block(part))]
    if message.name:  # the API has no field for it
        blocks.insert(0, {"type": "text", "text": f"{message.name}:"})
    return blocks


def _block(part: ContentPart) -> Json | None:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text} if text else None  # the API refuses empty blocks
        case MediaPart():
            return _media(part)
        case ToolCall(id, name, arguments_json):
            return {"type": "tool_use", "id": id, "name": name, "input": parsed(arguments_json or "{}", "a tool call")}
        case ToolResult(id, content, is_error):
            block: Json = {"type": "tool_result", "tool_use_id": id, "content": content}
            return {**block, "is_error": True} if is_error else block
        case ReasoningPart(redacted_data=str(data)) if data:
            return {"type": "redacted_thinking", "data": data}
        case ReasoningPart(text, signature) if signature:
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ReasoningPart():
            return None  # without a signature it is another provider's, which the API refuses


def _media(part: MediaPart) -> Json:
    if part.mime_type.startswith("image/"):
        kind = "image"
    elif part.mime_type in ("application/pdf", "text/plain"):
        kind = "document"
    else:
        raise UpstreamRequestRefused(f"the API takes images, PDF and plain text, not {part.mime_type}")
    if part.data is None:
        return {"type": kind, "source": {"type": "url", "url": part.uri}}
    if part.mime_type == "text/plain":
        text = part.data.decode(errors="replace")
        return {"type": kind, "source": {"type": "text", "media_type": part.mime_type, "data": text}}
    data = b64encode(part.data).decode()
    return {"type": kind, "source": {"type": "base64", "media_type": part.mime_type, "data": data}}


def _tool(tool: Tool) -> Json:
    schema = parsed(tool.parameters_json, f"the parameters of tool {tool.name!r}") if tool.parameters_json else {}
    item: Json = {"name": tool.name, "input_schema": {"type": "object", **schema}}
    if tool.description:
        item["description"] = tool.description
    if tool.strict is not None:
        item["strict"] = tool.strict
    return item


def _tool_choice(choice: ToolChoice) -> Json:
    return {"type": "tool", "name": choice.tool_name} if choice.tool_name else _TOOL_CHOICES[choice.mode]


def _generation(generation: GenerationConfig, default_max_tokens: int) -> Json:
    inexpressible = {
        "a seed": generation.seed is not None,
        "a frequency penalty": generation.frequency_penalty,
        "a presence penalty": generation.presence_penalty,
        "logprobs": generation.logprobs or generation.top_logprobs,
        "JSON without a schema": isinstance(generation.response_format, JsonObjectFormat),
    }
    if unknown := [what for what, asked in inexpressible.items() if asked]:
        raise UpstreamRequestRefused(f"the API does not know {' and '.join(unknown)}")
    settings: Json = {
        "max_tokens": default_max_tokens if generation.max_output_tokens is None else generation.max_output_tokens,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "stop_sequences": list(generation.stop_sequences) or None,
    }
    if isinstance(generation.response_format, JsonSchemaFormat):
        schema = parsed(generation.response_format.schema_json, "the schema of the response format")
        settings["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if generation.reasoning_effort is not None:
        settings |= _thinking(_THINKING_TOKENS[generation.reasoning_effort], generation.max_output_tokens, settings)
    return {name: value for name, value in settings.items() if value is not None}


def _thinking(budget_tokens: int, max_output_tokens: int | None, settings: Json) -> Json:
    """A budget of at most half of the output that the caller allows; on top of the default if he does not say."""
    max_tokens: int = settings["max_tokens"]
    if max_output_tokens is None:
        max_tokens += budget_tokens
    elif max_output_tokens <= MIN_THINKING_TOKENS:
        raise UpstreamRequestRefused(f"reasoning needs more than {MIN_THINKING_TOKENS} output tokens")
    else:
        budget_tokens = max(MIN_THINKING_TOKENS, min(budget_tokens, max_output_tokens // 2))
    return {"max_tokens": max_tokens, "thinking": {"type": "enabled", "budget_tokens": budget_tokens}}
