"""From validated request messages to domain values. Lean on purpose: every `Route` passes here."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from frontdesk.v1 import chat_pb2, routing_pb2

from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.provider import (
    CacheHint,
    Extensible,
    ProviderBlock,
    ProviderOptions,
    ProviderState,
)
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    ProviderPart,
    Query,
    ReasoningPart,
    ResponseFormat,
    ResultPart,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from frontdesk_server.rpc.enums import CAPABILITY_OF, IMAGE_DETAIL_OF, REASONING_EFFORT_OF, ROLE_OF, TOOL_CHOICE_MODE_OF

_E = TypeVar("_E", bound=Extensible)
_Holder = chat_pb2.Message | chat_pb2.ContentPart | chat_pb2.Tool
_REGISTERED_AS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/x-pdf": "application/pdf"}
_TEXT_FIELD = chat_pb2.ContentPart.DESCRIPTOR.fields_by_name["text"]
_DEFAULT_GENERATION = GenerationConfig()
_DEFAULT_POLICY = RoutingPolicy()


def decode_query(query: chat_pb2.Query, messages: tuple[Message, ...] | None = None) -> Query:
    """The query; it must have passed validation. `messages` are its own where they are decoded already."""
    has = query.HasField
    return Query(
        messages=tuple([decode_message(message) for message in query.messages]) if messages is None else messages,
        tools=tuple([_tool(tool) for tool in query.tools]) if query.tools else (),
        tool_choice=_tool_choice(query.tool_choice) if has("tool_choice") else None,
        generation=_generation(query.generation) if has("generation") else _DEFAULT_GENERATION,
        user_id=query.user_id,
        provider_options=_options(query),
    )


def decode_message(message: chat_pb2.Message) -> Message:
    """One turn of the conversation."""
    decoded = Message(ROLE_OF[message.role], tuple([_part(part) for part in message.parts]), message.name)
    return _extended(decoded, message)


def decode_policy(policy: routing_pb2.RoutingPolicy) -> RoutingPolicy:
    """The caller's wishes."""
    if not policy.ByteSize():
        return _DEFAULT_POLICY
    has = policy.HasField
    limit = policy.max_time_to_first_token if has("max_time_to_first_token") else None
    return RoutingPolicy(
        router=policy.router or _DEFAULT_POLICY.router,
        quality_floor=policy.quality_floor if has("quality_floor") else None,
        cost_weight=policy.cost_weight if has("cost_weight") else None,
        latency_weight=policy.latency_weight if has("latency_weight") else None,
        max_cost_nano_usd=policy.max_cost_nano_usd if has("max_cost_nano_usd") else None,
        max_time_to_first_token_seconds=None if limit is None else limit.seconds + limit.nanos / 1e9,
        allowed_models=frozenset(policy.allowed_models),
        excluded_models=frozenset(policy.excluded_models),
        required_capabilities=frozenset([CAPABILITY_OF[number] for number in policy.required_capabilities]),
        affinity_key=policy.affinity_key,
        max_attempts=policy.max_attempts if has("max_attempts") else None,
    )


def _part(part: chat_pb2.ContentPart) -> ContentPart:
    fields = part.ListFields()
    if len(fields) == 1 and fields[0][0] is _TEXT_FIELD:  # by far the most, and not worth a look at every other field
        return TextPart(fields[0][1])
    return _extended(_bare_part(part), part)


def _bare_part(part: chat_pb2.ContentPart) -> ContentPart:
    kind = part.WhichOneof("part")
    if kind == "text":
        return TextPart(part.text, part.refusal)  # its citations are for reading alone
    if kind == "media":
        return _media(part.media)
    if kind == "tool_call":
        call = part.tool_call
        return ToolCall(call.id, call.name, call.arguments_json or "{}")
    if kind == "tool_result":
        result = part.tool_result
        parts = tuple([_result_part(piece) for piece in result.parts]) if result.parts else ()
        return ToolResult(result.tool_call_id, result.content, result.is_error, parts)
    if kind == "provider_block":
        return ProviderPart(_block(part.provider_block))
    reasoning = part.reasoning
    return ReasoningPart(reasoning.text, reasoning.signature, reasoning.redacted_data, reasoning.dialect)


def _result_part(part: chat_pb2.ToolResultPart) -> ResultPart:
    piece = _bare_result_part(part)
    return replace(piece, provider_options=_options(part)) if part.provider_options else piece


def _bare_result_part(part: chat_pb2.ToolResultPart) -> ResultPart:
    kind = part.WhichOneof("part")
    if kind == "provider_block":
        return ProviderPart(_block(part.provider_block))
    return _media(part.media) if kind == "media" else TextPart(part.text)


def _block(block: chat_pb2.ProviderBlock) -> ProviderBlock:
    return ProviderBlock(block.dialect, block.json)


def _options(holder: _Holder | chat_pb2.Query | chat_pb2.ToolResultPart) -> tuple[ProviderOptions, ...]:
    return tuple([ProviderOptions(one.dialect, one.options_json, one.required) for one in holder.provider_options])


def _extended(value: _E, holder: _Holder) -> _E:
    """The value with what few callers send beside it."""
    hinted, options = holder.HasField("cache_hint"), holder.provider_options
    states = () if isinstance(holder, chat_pb2.Tool) else holder.provider_state
    if not (hinted or states or options):
        return value
    return replace(
        value,
        provider_options=_options(holder),
        cache_hint=_hint(holder.cache_hint) if hinted else None,
        provider_state=tuple([ProviderState(state.dialect, state.json) for state in states]),
    )


def _hint(hint: chat_pb2.CacheHint) -> CacheHint:
    return CacheHint(hint.ttl.seconds + hint.ttl.nanos / 1e9 if hint.HasField("ttl") else None)


def _media(media: chat_pb2.Media) -> MediaPart:
    """Media types are spelt as IANA registers them: they know no case, and providers know them under one name only."""
    mime_type = media.mime_type.lower()
    by_data = media.WhichOneof("source") == "data"
    return MediaPart(
        _REGISTERED_AS.get(mime_type, mime_type),
        data=media.data if by_data else None,
        uri=None if by_data else media.uri,
        filename=media.filename,
        detail=IMAGE_DETAIL_OF.get(media.detail),
    )


def _tool(tool: chat_pb2.Tool) -> Tool:
    strict = tool.strict if tool.HasField("strict") else None
    block = _block(tool.provider_tool) if tool.HasField("provider_tool") else None
    return _extended(Tool(tool.name, tool.description, tool.parameters_json, strict, block), tool)


def _tool_choice(choice: chat_pb2.ToolChoice) -> ToolChoice | None:
    if choice.WhichOneof("choice") == "tool_name":
        return ToolChoice(tool_name=choice.tool_name)
    mode = TOOL_CHOICE_MODE_OF.get(choice.mode)
    return None if mode is None else ToolChoice(mode)


def _generation(config: chat_pb2.GenerationConfig) -> GenerationConfig:
    has = config.HasField
    return GenerationConfig(
        max_output_tokens=config.max_output_tokens if has("max_output_tokens") else None,
        temperature=config.temperature if has("temperature") else None,
        top_p=config.top_p if has("top_p") else None,
        stop_sequences=tuple(config.stop_sequences),
        seed=config.seed if has("seed") else None,
        frequency_penalty=config.frequency_penalty if has("frequency_penalty") else None,
        presence_penalty=config.presence_penalty if has("presence_penalty") else None,
        logprobs=config.logprobs,
        top_logprobs=config.top_logprobs,
        response_format=_response_format(config.response_format) if has("response_format") else None,
        reasoning_effort=REASONING_EFFORT_OF.get(config.reasoning_effort),
        reasoning_budget_tokens=config.reasoning_budget_tokens if has("reasoning_budget_tokens") else None,
        parallel_tool_calls=config.parallel_tool_calls if has("parallel_tool_calls") else None,
        top_k=config.top_k if has("top_k") else None,
    )


def _response_format(response_format: chat_pb2.ResponseFormat) -> ResponseFormat | None:
    kind = response_format.WhichOneof("format")
    if kind == "json_object":
        return JsonObjectFormat()
    if kind == "json_schema":
        schema = response_format.json_schema
        strict = schema.strict if schema.HasField("strict") else None
        return JsonSchemaFormat(schema.name, schema.schema_json, schema.description, strict)
    return None
