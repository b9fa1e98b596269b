"""What the contract demands of a query."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.rpc.enums import IMAGE_DETAIL_OF, REASONING_EFFORT_OF, ROLE_OF, TOOL_CHOICE_MODE_OF
from frontdesk_server.rpc.json_schema import SchemaRoom, SchemasTooLarge, schema_fault
from frontdesk_server.rpc.provider_validation import (
    ExtensionRoom,
    check_block,
    check_cache_hint,
    check_extensions,
    check_options,
    check_piece_options,
)
from frontdesk_server.rpc.reasons import InvalidReason as Reason
from frontdesk_server.rpc.violations import Limits, Violations

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MIME_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
_PARTS_OF_ROLE = {
    pb.ROLE_SYSTEM: frozenset({"text", "provider_block"}),
    pb.ROLE_USER: frozenset({"text", "media", "provider_block"}),
    pb.ROLE_ASSISTANT: frozenset({"text", "tool_call", "reasoning", "provider_block"}),
    pb.ROLE_TOOL: frozenset({"tool_result", "provider_block"}),
}


def check_query(query: pb.Query, path: str, limits: Limits, violations: Violations, *, plain: bool = False) -> None:
    """Note every violation of the query at `path`, such as "query"; of its messages only where they are not `plain`."""
    if plain:
        pass
    elif not query.messages:
        violations.add(f"{path}.messages", Reason.MESSAGES_EMPTY)
    elif _within_bounds(query, path, limits, violations):
        _check_conversation(query, path, limits, violations)
    schemas = SchemaRoom(limits.schema_characters, limits.subschemas)
    if len(query.tools) > limits.tools:
        violations.add(f"{path}.tools", Reason.FIELD_TOO_LONG, f"holds more than {limits.tools:,} tools")
    elif query.tools:
        _check_tools(query, path, limits, schemas, violations)
    if query.HasField("tool_choice"):
        _check_tool_choice(query, path, violations)
    if query.HasField("generation"):
        _check_generation(query, f"{path}.generation", limits, schemas, violations)
    _check_length(query.user_id, f"{path}.user_id", limits, violations)
    check_options(query, path, limits, violations)


def _within_bounds(query: pb.Query, path: str, limits: Limits, violations: Violations) -> bool:
    if len(query.messages) > limits.messages:
        description = f"holds more than {limits.messages:,} messages"
        violations.add(f"{path}.messages", Reason.FIELD_TOO_LONG, description)
        return False
    parts = 0
    for index, message in enumerate(query.messages):
        parts += len(message.parts)
        if message.role == pb.ROLE_TOOL:
            parts += sum(len(part.tool_result.parts) for part in message.parts)
        if parts > limits.parts:
            description = f"the conversation holds more than {limits.parts:,} parts"
            violations.add(f"{path}.messages[{index}].parts", Reason.FIELD_TOO_LONG, description)
            return False
    return True


def _check_conversation(query: pb.Query, path: str, limits: Limits, violations: Violations) -> None:
    """Ids of tool calls are unique within an assistant turn, which reaches over successive messages."""
    call_ids: set[str] = set()
    turn_ids: set[str] = set()
    role, room = 0, ExtensionRoom(limits.extensions)
    for index, message in enumerate(query.messages):
        if message.role != role:
            turn_ids.clear()
        role = message.role
        allowed = _PARTS_OF_ROLE.get(role)
        if allowed is None:
            _add_enum(violations, f"{path}.messages[{index}].role", role, Reason.ROLE_UNSPECIFIED)
        if not message.parts and role != pb.ROLE_ASSISTANT:
            violations.add(f"{path}.messages[{index}].parts", Reason.MESSAGE_WITHOUT_PARTS)
        if message.provider_options or message.provider_state or message.HasField("cache_hint"):
            check_extensions(message, f"{path}.messages[{index}]", role, limits, room, violations)
        for place, part in enumerate(message.parts):
            kind = part.WhichOneof("part")
            if kind == "text" and (allowed is None or kind in allowed) and len(part.ListFields()) == 1:
                continue  # by far the most
            extended = part.HasField("cache_hint") or part.provider_options or part.provider_state
            at = f"{path}.messages[{index}].parts[{place}]"
            if extended:
                check_extensions(part, at, role, limits, room, violations)
            if kind is None:
                violations.add(f"{at}.part", Reason.FIELD_REQUIRED)
            elif allowed is not None and kind not in allowed:
                speaker = ROLE_OF[role].value
                violations.add(f"{at}.{kind}", Reason.PART_NOT_ALLOWED, f"a {speaker} message may not hold a {kind}")
            elif part.refusal and (kind != "text" or role != pb.ROLE_ASSISTANT):
                violations.add(f"{at}.refusal", Reason.PART_NOT_ALLOWED, "only text of an assistant is a refusal")
            else:
                _check_part(part, kind, at, limits, call_ids, turn_ids, room, violations)
    if role == pb.ROLE_ASSISTANT:
        _check_prefill(query.messages[-1], f"{path}.messages[{len(query.messages) - 1}]", violations)


def _check_prefill(message: pb.Message, at: str, violations: Violations) -> None:
    """What the answer continues is text, and some; or the provider paused in the middle of it."""
    if message.parts and message.parts[-1].HasField("provider_block"):
        return
    texts = [part.text for part in message.parts if part.WhichOneof("part") == "text" and not part.refusal]
    if len(texts) < len(message.parts) or not "".join(texts).strip():
        violations.add(f"{at}.parts", Reason.PREFILL_NOT_TEXT)


def _check_part(
    part: pb.ContentPart,
    kind: str,
    at: str,
    limits: Limits,
    call_ids: set[str],
    turn_ids: set[str],
    room: ExtensionRoom,
    violations: Violations,
) -> None:
    if kind == "media":
        _check_media(part.media, f"{at}.media", limits, violations)
    elif kind == "tool_call":
        call = part.tool_call
        if not call.id:
            violations.add(f"{at}.tool_call.id", Reason.FIELD_REQUIRED)
        elif call.id in turn_ids:
            violations.add(f"{at}.tool_call.id", Reason.DUPLICATE_TOOL_CALL)
        if not call.name:
            violations.add(f"{at}.tool_call.name", Reason.FIELD_REQUIRED)
        call_ids.add(call.id)
        turn_ids.add(call.id)
    elif kind == "provider_block":
        check_block(part.provider_block, f"{at}.provider_block", limits, violations)
    elif kind == "tool_result":
        answered = part.tool_result.tool_call_id
        if not answered:
            violations.add(f"{at}.tool_result.tool_call_id", Reason.FIELD_REQUIRED)
        elif answered not in call_ids:
            violations.add(f"{at}.tool_result.tool_call_id", Reason.TOOL_RESULT_WITHOUT_CALL)
        if part.tool_result.parts:
            _check_result_parts(part.tool_result, f"{at}.tool_result", limits, room, violations)


def _check_result_parts(
    result: pb.ToolResult, at: str, limits: Limits, room: ExtensionRoom, violations: Violations
) -> None:
    if result.content:
        violations.add(f"{at}.content", Reason.TOOL_RESULT_SET_TWICE)
    for place, part in enumerate(result.parts):
        kind = part.WhichOneof("part")
        if part.provider_options:
            check_piece_options(part, f"{at}.parts[{place}]", limits, room, violations)
        if kind is None:
            violations.add(f"{at}.parts[{place}].part", Reason.FIELD_REQUIRED)
        elif kind == "media":
            _check_media(part.media, f"{at}.parts[{place}].media", limits, violations)
        elif kind == "provider_block":
            check_block(part.provider_block, f"{at}.parts[{place}].provider_block", limits, violations)


def _check_media(media: pb.Media, at: str, limits: Limits, violations: Violations) -> None:
    if not media.mime_type:
        violations.add(f"{at}.mime_type", Reason.FIELD_REQUIRED)
    elif not _MIME_TYPE.fullmatch(media.mime_type):
        violations.add(f"{at}.mime_type", Reason.MEDIA_TYPE_INVALID)
    source = media.WhichOneof("source")
    if source is None or (source == "data" and not media.data):
        violations.add(f"{at}.source", Reason.MEDIA_WITHOUT_SOURCE)
    elif source == "uri" and not _is_https(media.uri):
        violations.add(f"{at}.uri", Reason.MEDIA_URI_NOT_HTTPS)
    _check_length(media.filename, f"{at}.filename", limits, violations)
    if media.detail and media.detail not in IMAGE_DETAIL_OF:
        violations.add(f"{at}.detail", Reason.UNKNOWN_ENUM_VALUE)
    elif media.detail and not media.mime_type.lower().startswith("image/"):
        violations.add(f"{at}.detail", Reason.DETAIL_WITHOUT_IMAGE)


def _is_https(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return parts.scheme == "https" and bool(parts.hostname) and uri.isprintable() and " " not in uri
    except ValueError:
        return False


def _check_tools(query: pb.Query, path: str, limits: Limits, schemas: SchemaRoom, violations: Violations) -> None:
    names: set[str] = set()
    for index, tool in enumerate(query.tools):
        at = f"{path}.tools[{index}]"
        check_options(tool, at, limits, violations)
        check_cache_hint(tool, at, violations)
        if tool.HasField("provider_tool"):
            check_block(tool.provider_tool, f"{at}.provider_tool", limits, violations)
            if tool.description or tool.parameters_json or tool.HasField("strict"):
                violations.add(f"{at}.provider_tool", Reason.TOOL_SET_TWICE)
        if tool.name or not tool.HasField("provider_tool"):
            _check_name(tool.name, f"{at}.name", violations)
        if tool.name and tool.name in names:
            violations.add(f"{at}.name", Reason.DUPLICATE_TOOL)
        names.add(tool.name)
        if tool.parameters_json:
            _check_schema(tool.parameters_json, f"{at}.parameters_json", schemas, violations, of_type_object=True)


def _check_tool_choice(query: pb.Query, path: str, violations: Violations) -> None:
    choice = query.tool_choice
    kind = choice.WhichOneof("choice")
    at = f"{path}.tool_choice"
    if kind is None:
        violations.add(f"{at}.choice", Reason.FIELD_REQUIRED)
    elif kind == "mode" and choice.mode and choice.mode not in TOOL_CHOICE_MODE_OF:
        violations.add(f"{at}.mode", Reason.UNKNOWN_ENUM_VALUE)
    elif not query.tools:
        violations.add(at, Reason.TOOL_CHOICE_WITHOUT_TOOLS)
    elif kind == "tool_name" and all(tool.name != choice.tool_name for tool in query.tools):
        violations.add(f"{at}.tool_name", Reason.UNKNOWN_TOOL)


def _check_generation(query: pb.Query, at: str, limits: Limits, schemas: SchemaRoom, violations: Violations) -> None:
    config = query.generation
    has = config.HasField
    if has("max_output_tokens") and config.max_output_tokens < 1:
        violations.add(f"{at}.max_output_tokens", Reason.MAX_OUTPUT_TOKENS_OUT_OF_RANGE)
    if has("temperature") and not 0 <= config.temperature <= 2:
        violations.add(f"{at}.temperature", Reason.TEMPERATURE_OUT_OF_RANGE)
    if has("top_p") and not 0 < config.top_p <= 1:
        violations.add(f"{at}.top_p", Reason.TOP_P_OUT_OF_RANGE)
    if len(config.stop_sequences) > limits.stop_sequences or "" in config.stop_sequences:
        violations.add(f"{at}.stop_sequences", Reason.STOP_SEQUENCES_INVALID)
    if has("frequency_penalty") and not -2 <= config.frequency_penalty <= 2:
        violations.add(f"{at}.frequency_penalty", Reason.PENALTY_OUT_OF_RANGE)
    if has("presence_penalty") and not -2 <= config.presence_penalty <= 2:
        violations.add(f"{at}.presence_penalty", Reason.PENALTY_OUT_OF_RANGE)
    if not 0 <= config.top_logprobs <= limits.top_logprobs:
        violations.add(f"{at}.top_logprobs", Reason.TOP_LOGPROBS_OUT_OF_RANGE)
    elif config.top_logprobs and not config.logprobs:
        violations.add(f"{at}.top_logprobs", Reason.TOP_LOGPROBS_WITHOUT_LOGPROBS)
    if config.reasoning_effort and config.reasoning_effort not in REASONING_EFFORT_OF:
        violations.add(f"{at}.reasoning_effort", Reason.UNKNOWN_ENUM_VALUE)
    if has("reasoning_budget_tokens"):
        if config.reasoning_budget_tokens < 1:
            violations.add(f"{at}.reasoning_budget_tokens", Reason.REASONING_BUDGET_OUT_OF_RANGE)
        if config.reasoning_effort:
            violations.add(f"{at}.reasoning_budget_tokens", Reason.REASONING_SET_TWICE)
    if has("parallel_tool_calls") and not query.tools:
        violations.add(f"{at}.parallel_tool_calls", Reason.PARALLEL_TOOL_CALLS_WITHOUT_TOOLS)
    if has("top_k") and config.top_k < 1:
        violations.add(f"{at}.top_k", Reason.TOP_K_OUT_OF_RANGE)
    if has("response_format") and config.response_format.WhichOneof("format") == "json_schema":
        _check_json_schema(config.response_format.json_schema, f"{at}.response_format.json_schema", schemas, violations)


def _check_json_schema(schema: pb.JsonSchemaFormat, at: str, schemas: SchemaRoom, violations: Violations) -> None:
    _check_name(schema.name, f"{at}.name", violations)
    if not schema.schema_json:
        violations.add(f"{at}.schema_json", Reason.FIELD_REQUIRED)
        return
    _check_schema(schema.schema_json, f"{at}.schema_json", schemas, violations)


def _check_schema(
    text: str, at: str, schemas: SchemaRoom, violations: Violations, *, of_type_object: bool = False
) -> None:
    try:
        fault = schema_fault(text, schemas, of_type_object=of_type_object)
    except SchemasTooLarge as error:
        violations.add(at, Reason.FIELD_TOO_LONG, str(error))
    else:
        if fault is not None:
            violations.add(at, Reason.JSON_SCHEMA_INVALID, fault)


def _check_name(name: str, at: str, violations: Violations) -> None:
    if not name:
        violations.add(at, Reason.FIELD_REQUIRED)
    elif not _NAME.fullmatch(name):
        violations.add(at, Reason.NAME_INVALID)


def _check_length(text: str, at: str, limits: Limits, violations: Violations) -> None:
    if len(text) > limits.name_length:
        violations.add(at, Reason.FIELD_TOO_LONG, f"holds more than {limits.name_length} characters")


def _add_enum(violations: Violations, at: str, number: int, unspecified: Reason) -> None:
    violations.add(at, Reason.UNKNOWN_ENUM_VALUE if number else unspecified)
