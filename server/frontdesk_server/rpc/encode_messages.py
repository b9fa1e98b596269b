"""Messages of a conversation, and what providers say in them, as the contract's."""

from __future__ import annotations

from frontdesk.v1 import chat_pb2

from frontdesk_server.domain.provider import Citation, Extensible, ProviderBlock, ProviderOptions, ProviderState
from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    Message,
    ProviderPart,
    ReasoningPart,
    ResultPart,
    TextPart,
    ToolCall,
)
from frontdesk_server.rpc.encode import encode_duration
from frontdesk_server.rpc.enums import IMAGE_DETAIL, ROLE


def encode_message(message: Message) -> chat_pb2.Message:
    """One turn of the conversation."""
    encoded = chat_pb2.Message(
        role=ROLE[message.role], parts=[_part(part) for part in message.parts], name=message.name
    )
    _extend(encoded, message)
    return encoded


def encode_block(block: ProviderBlock) -> chat_pb2.ProviderBlock:
    """What only one dialect understands."""
    return chat_pb2.ProviderBlock(dialect=block.dialect, json=block.json)


def encode_state(state: ProviderState) -> chat_pb2.ProviderState:
    """What a provider wants back."""
    return chat_pb2.ProviderState(dialect=state.dialect, json=state.json)


def encode_citation(citation: Citation) -> chat_pb2.Citation:
    """Where something comes from."""
    return chat_pb2.Citation(
        uri=citation.uri,
        title=citation.title,
        cited_text=citation.cited_text,
        start=citation.start,
        end=citation.end,
    )


def _part(part: ContentPart) -> chat_pb2.ContentPart:
    encoded = _bare_part(part)
    _extend(encoded, part)
    return encoded


def _extend(message: chat_pb2.Message | chat_pb2.ContentPart, value: Extensible) -> None:
    if value.provider_options:
        message.provider_options.extend(map(_options, value.provider_options))
    if value.provider_state:
        message.provider_state.extend(map(encode_state, value.provider_state))
    if value.cache_hint is not None:
        message.cache_hint.SetInParent()
        if value.cache_hint.ttl_seconds is not None:
            message.cache_hint.ttl.CopyFrom(encode_duration(value.cache_hint.ttl_seconds))


def _bare_part(part: ContentPart) -> chat_pb2.ContentPart:
    if isinstance(part, TextPart):
        citations = map(encode_citation, part.citations)
        return chat_pb2.ContentPart(text=part.text, refusal=part.refusal, citations=citations)
    if isinstance(part, ToolCall):
        call = chat_pb2.ToolCall(id=part.id, name=part.name, arguments_json=part.arguments_json)
        return chat_pb2.ContentPart(tool_call=call)
    if isinstance(part, ReasoningPart):
        reasoning = chat_pb2.Reasoning(
            text=part.text, signature=part.signature, redacted_data=part.redacted_data, dialect=part.dialect
        )
        return chat_pb2.ContentPart(reasoning=reasoning)
    if isinstance(part, MediaPart):
        return chat_pb2.ContentPart(media=_media(part))
    if isinstance(part, ProviderPart):
        return chat_pb2.ContentPart(provider_block=encode_block(part.block))
    result = chat_pb2.ToolResult(
        tool_call_id=part.tool_call_id,
        content=part.content,
        is_error=part.is_error,
        parts=[_result_part(piece) for piece in part.parts],
    )
    return chat_pb2.ContentPart(tool_result=result)


def _result_part(part: ResultPart) -> chat_pb2.ToolResultPart:
    encoded = _bare_result_part(part)
    encoded.provider_options.extend(map(_options, part.provider_options))
    return encoded


def _options(options: ProviderOptions) -> chat_pb2.ProviderOptions:
    return chat_pb2.ProviderOptions(
        dialect=options.dialect, options_json=options.options_json, required=options.required
    )


def _bare_result_part(part: ResultPart) -> chat_pb2.ToolResultPart:
    if isinstance(part, MediaPart):
        return chat_pb2.ToolResultPart(media=_media(part))
    if isinstance(part, ProviderPart):
        return chat_pb2.ToolResultPart(provider_block=encode_block(part.block))
    return chat_pb2.ToolResultPart(text=part.text)


def _media(part: MediaPart) -> chat_pb2.Media:
    media = chat_pb2.Media(mime_type=part.mime_type, filename=part.filename)
    if part.data is not None:
        media.data = part.data
    else:
        media.uri = part.uri or ""
    if part.detail is not None:
        media.detail = IMAGE_DETAIL[part.detail]
    return media
