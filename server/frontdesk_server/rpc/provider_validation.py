"""What the contract demands of what belongs to one provider: options, blocks, tools and cache hints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from frontdesk.v1 import chat_pb2 as pb
from google.protobuf.message import Message

from frontdesk_server.domain.dialects import Dialect, spoken
from frontdesk_server.rpc.reasons import InvalidReason as Reason
from frontdesk_server.rpc.violations import Limits, Violations

_ALWAYS: Final = ""
_Reserved = Mapping[str, str]
"""By its path in a dialect's JSON, the field of the contract that expresses it; `_ALWAYS` where Frontdesk itself does.

A path with a field is free as long as that field is not set.
"""
_BECAUSE = {"n": ": a call has one answer, whichever model gives it; make as many calls as answers are wanted"}
"""Why a path is Frontdesk's, where no other field of the contract or of the request says it."""
_REASONING = "generation.reasoning_effort generation.reasoning_budget_tokens"
_QUERY: Mapping[Dialect, _Reserved] = {
    Dialect.OPENAI: {
        **dict.fromkeys(("model", "messages", "stream", "stream_options.include_usage", "n", "tools"), _ALWAYS),
        **dict.fromkeys(("max_tokens", "max_completion_tokens"), _ALWAYS),
        "temperature": "generation.temperature",
        "top_p": "generation.top_p",
        "top_k": "generation.top_k",
        "stop": "generation.stop_sequences",
        "seed": "generation.seed",
        "frequency_penalty": "generation.frequency_penalty",
        "presence_penalty": "generation.presence_penalty",
        "logprobs": "generation.logprobs",
        "top_logprobs": "generation.top_logprobs",
        "response_format": "generation.response_format",
        "reasoning_effort": _REASONING,
        "parallel_tool_calls": "generation.parallel_tool_calls",
        "tool_choice": "tool_choice",
        "user": "user_id",
    },
    Dialect.ANTHROPIC: {
        **dict.fromkeys(("model", "messages", "system", "stream", "max_tokens", "tools"), _ALWAYS),
        "temperature": "generation.temperature",
        "top_p": "generation.top_p",
        "top_k": "generation.top_k",
        "stop_sequences": "generation.stop_sequences",
        "output_config.format": "generation.response_format",
        "output_config.effort": _REASONING,
        "thinking.type": _REASONING,
        "thinking.budget_tokens": _REASONING,
        "tool_choice": "tool_choice generation.parallel_tool_calls",
        "metadata.user_id": "user_id",
    },
    Dialect.OPENAI_RESPONSES: {
        **dict.fromkeys(("model", "input", "instructions", "stream", "store", "tools", "max_output_tokens"), _ALWAYS),
        **dict.fromkeys(("background", "previous_response_id", "conversation"), _ALWAYS),
        "temperature": "generation.temperature",
        "top_p": "generation.top_p",
        "top_logprobs": "generation.top_logprobs",
        "text.format": "generation.response_format",
        "reasoning.effort": _REASONING,
        "parallel_tool_calls": "generation.parallel_tool_calls",
        "tool_choice": "tool_choice",
        "safety_identifier": "user_id",
    },
    Dialect.BEDROCK: {
        **dict.fromkeys(("messages", "system", "toolConfig.tools", "inferenceConfig.maxTokens"), _ALWAYS),
        "inferenceConfig.temperature": "generation.temperature",
        "inferenceConfig.topP": "generation.top_p",
        "inferenceConfig.stopSequences": "generation.stop_sequences",
        "additionalModelRequestFields.top_k": "generation.top_k",
        "additionalModelRequestFields.inferenceConfig.topK": "generation.top_k",
        "additionalModelRequestFields.thinking": _REASONING,
        "additionalModelRequestFields.reasoningConfig": _REASONING,
        "additionalModelRequestFields.reasoning_effort": _REASONING,
        "outputConfig.textFormat": "generation.response_format",
        "outputConfig.effort": _REASONING,
        "toolConfig.toolChoice": "tool_choice",
        "requestMetadata.user_id": "user_id",
    },
}
_MESSAGE: Mapping[Dialect, _Reserved] = {
    Dialect.OPENAI: dict.fromkeys(("role", "content", "name", "tool_calls", "tool_call_id", "refusal"), _ALWAYS),
    Dialect.ANTHROPIC: dict.fromkeys(("role", "content"), _ALWAYS),
    Dialect.OPENAI_RESPONSES: dict.fromkeys(("type", "role", "content"), _ALWAYS),
    Dialect.BEDROCK: dict.fromkeys(("role", "content"), _ALWAYS),
}
_PART: Mapping[Dialect, _Reserved] = {
    Dialect.OPENAI: {
        **dict.fromkeys(("type", "text", "id", "function", "role", "content", "tool_call_id"), _ALWAYS),
        **dict.fromkeys(("image_url.url", "input_audio.data", "input_audio.format", "file.file_data"), _ALWAYS),
        "image_url.detail": "media.detail",
        "file.filename": "media.filename",
    },
    Dialect.ANTHROPIC: {
        **dict.fromkeys(("type", "text", "source", "id", "name", "input", "tool_use_id", "content"), _ALWAYS),
        **dict.fromkeys(("is_error", "thinking", "signature", "data"), _ALWAYS),
        "title": "media.filename",
        "cache_control": "cache_hint",
    },
    Dialect.OPENAI_RESPONSES: {
        **dict.fromkeys(("type", "text", "refusal", "image_url", "file_data", "file_url", "call_id", "name"), _ALWAYS),
        **dict.fromkeys(("arguments", "output", "summary", "encrypted_content"), _ALWAYS),
        "detail": "media.detail",
        "filename": "media.filename",
    },
    Dialect.BEDROCK: dict.fromkeys(
        (
            *("text", "toolUse.toolUseId", "toolUse.name", "toolUse.input", "reasoningContent"),
            *("toolResult.toolUseId", "toolResult.content", "toolResult.status"),
            *(f"{kind}.{name}" for kind in ("image", "document", "audio", "video") for name in ("format", "source")),
        ),
        _ALWAYS,
    ),
}
_PIECE: Mapping[Dialect, _Reserved] = {
    dialect: {path: field for path, field in reserved.items() if field != "cache_hint"}
    for dialect, reserved in _PART.items()
}
"""Pieces of a tool's result have no cache hint, which therefore is a provider's own setting."""
_TOOL: Mapping[Dialect, _Reserved] = {
    Dialect.OPENAI: {
        **dict.fromkeys(("type", "function.name", "function.parameters"), _ALWAYS),
        "function.description": "description",
        "function.strict": "strict",
    },
    Dialect.ANTHROPIC: {
        **dict.fromkeys(("type", "name", "input_schema"), _ALWAYS),
        "description": "description",
        "strict": "strict",
        "cache_control": "cache_hint",
    },
    Dialect.OPENAI_RESPONSES: {
        **dict.fromkeys(("type", "name", "parameters", "strict"), _ALWAYS),
        "description": "description",
    },
    Dialect.BEDROCK: {
        **dict.fromkeys(("toolSpec.name", "toolSpec.inputSchema"), _ALWAYS),
        "toolSpec.description": "description",
        "toolSpec.strict": "strict",
    },
}
_PLACES: Mapping[type[Message], Mapping[Dialect, _Reserved]] = {
    pb.Query: _QUERY,
    pb.Message: _MESSAGE,
    pb.ContentPart: _PART,
    pb.ToolResultPart: _PIECE,
    pb.Tool: _TOOL,
}
_NAMES = {dialect.value: spoken(dialect) for dialect in Dialect}


@dataclass(slots=True)
class ExtensionRoom:
    """How many options and states of providers the messages and parts of a query may still hold."""

    left: int


def check_extensions(
    holder: pb.Message | pb.ContentPart,
    at: str,
    role: int,
    limits: Limits,
    room: ExtensionRoom,
    violations: Violations,
) -> None:
    """Note what is wrong with what stands at a message or part for single providers; unread where no room is left."""
    if not _has_room(len(holder.provider_options) + len(holder.provider_state), at, limits, room, violations):
        return
    check_options(holder, at, limits, violations)
    check_cache_hint(holder, at, violations)
    _check_state(holder, at, role, limits, violations)


def check_piece_options(
    piece: pb.ToolResultPart, at: str, limits: Limits, room: ExtensionRoom, violations: Violations
) -> None:
    """Note what is wrong with the options of a piece of a tool's result; unread where no room is left."""
    if _has_room(len(piece.provider_options), at, limits, room, violations):
        check_options(piece, at, limits, violations)


def _has_room(count: int, at: str, limits: Limits, room: ExtensionRoom, violations: Violations) -> bool:
    had_room = room.left >= 0
    room.left -= count
    if room.left < 0 and had_room:
        description = f"the conversation holds more than {limits.extensions:,} options and states of providers"
        violations.add(at, Reason.FIELD_TOO_LONG, description)
    return room.left >= 0


def check_options(
    holder: pb.Query | pb.Message | pb.ContentPart | pb.ToolResultPart | pb.Tool,
    at: str,
    limits: Limits,
    violations: Violations,
) -> None:
    """Note what is wrong with the options that stand at this place."""
    if len(holder.provider_options) > limits.provider_options:
        description = f"holds more than {limits.provider_options} entries"
        violations.add(f"{at}.provider_options", Reason.FIELD_TOO_LONG, description)
        return
    for index, options in enumerate(holder.provider_options):
        here = f"{at}.provider_options[{index}]"
        _check_dialect(options.dialect, here, limits, violations)
        if len(options.options_json) > limits.options_characters:
            description = f"holds more than {limits.options_characters:,} characters"
            violations.add(f"{here}.options_json", Reason.FIELD_TOO_LONG, description)
            continue
        parsed = _json_object(options.options_json, f"{here}.options_json", violations)
        if parsed is not None:
            _check_reserved(holder, options.dialect, parsed, f"{here}.options_json", violations)


def check_block(block: pb.ProviderBlock | pb.ProviderState, at: str, limits: Limits, violations: Violations) -> None:
    """Note what is wrong with something that only its dialect understands."""
    _check_dialect(block.dialect, at, limits, violations)
    _json_object(block.json, f"{at}.json", violations)


def _check_state(
    holder: pb.Message | pb.ContentPart, at: str, role: int, limits: Limits, violations: Violations
) -> None:
    """Note what is wrong with what a provider is to get back."""
    if holder.provider_state and role != pb.ROLE_ASSISTANT:
        violations.add(f"{at}.provider_state", Reason.PART_NOT_ALLOWED, "only what an assistant said has state")
    elif len(holder.provider_state) > limits.provider_options:
        description = f"holds more than {limits.provider_options} entries"
        violations.add(f"{at}.provider_state", Reason.FIELD_TOO_LONG, description)
    else:
        for index, state in enumerate(holder.provider_state):
            check_block(state, f"{at}.provider_state[{index}]", limits, violations)


def check_cache_hint(holder: pb.Message | pb.ContentPart | pb.Tool, at: str, violations: Violations) -> None:
    """Note a time to live that is none."""
    if holder.HasField("cache_hint") and holder.cache_hint.HasField("ttl"):
        ttl = holder.cache_hint.ttl
        if ttl.seconds < 0 or ttl.nanos < 0 or not (ttl.seconds or ttl.nanos):
            violations.add(f"{at}.cache_hint.ttl", Reason.CACHE_TTL_OUT_OF_RANGE)


def _check_dialect(dialect: str, at: str, limits: Limits, violations: Violations) -> None:
    if not dialect:
        violations.add(f"{at}.dialect", Reason.FIELD_REQUIRED)
    elif len(dialect) > limits.name_length:
        violations.add(f"{at}.dialect", Reason.FIELD_TOO_LONG, f"holds more than {limits.name_length} characters")


def _json_object(text: str, at: str, violations: Violations) -> dict[str, Any] | None:
    if not text:
        violations.add(at, Reason.FIELD_REQUIRED)
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        return value
    violations.add(at, Reason.PROVIDER_JSON_INVALID)
    return None


def _check_reserved(holder: Message, dialect: str, options: dict[str, Any], at: str, violations: Violations) -> None:
    """A provider's name does not tell its dialect: what the contract expresses in any of them may not stand there."""
    tables = _PLACES[type(holder)]
    named = _NAMES.get(dialect)
    for table in tables.values() if named is None else (tables.get(named, {}),):
        for path, fields in table.items():
            if not _says(options, path.split(".")):
                continue
            set_fields = [field for field in fields.split() if _is_set(holder, field.split("."))]
            if fields == _ALWAYS or set_fields:
                said_by = f", which {set_fields[0]} says" if set_fields else _BECAUSE.get(path, "")
                violations.add(at, Reason.PROVIDER_OPTION_RESERVED, f"it may not hold {path}{said_by}")
                return


def _says(options: Any, path: Sequence[str]) -> bool:
    """Whether the options hold something at this path, or something that leaves it no room."""
    for name in path:
        if not isinstance(options, dict):
            return True
        if name not in options:
            return False
        options = options[name]
    return True


def _is_set(holder: Message, path: Sequence[str]) -> bool:
    for name in path[:-1]:
        if not holder.HasField(name):
            return False
        holder = getattr(holder, name)
    field = holder.DESCRIPTOR.fields_by_name[path[-1]]
    return holder.HasField(path[-1]) if field.has_presence else bool(getattr(holder, path[-1]))
