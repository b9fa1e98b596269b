"""An answer as a message of Anthropic's API."""

from __future__ import annotations

from typing import Any

import orjson

from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.provider import Citation
from frontdesk_server.domain.query import ContentPart, Message, ProviderPart, ReasoningPart, TextPart, ToolCall
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.faces.anthropic.blocks import DIALECT
from frontdesk_server.faces.carried import Foreign, carried_reasoning, sealed

Json = dict[str, Any]

_STOP_REASONS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.OTHER: "end_turn",
}
_PAUSED = "pause_turn"


def message_id(decision: Decision) -> str:
    """The id of a message: that of its decision."""
    return f"msg_{decision.decision_id}"


def message_document(decision: Decision, completion: Completion) -> Json:
    """The response's JSON."""
    answer = completion.answer
    last = answer.message.parts[-1:]
    paused = bool(last) and isinstance(last[0], ProviderPart)
    return {
        "id": message_id(decision),
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": content_of(answer.message),
        "stop_reason": stop_reason(answer.finish_reason, paused=paused),
        "stop_sequence": None,
        "usage": usage_of(answer.usage),
    }


def stop_reason(reason: FinishReason, *, paused: bool) -> str:
    """Why it ended; `paused`: with a block of the provider's own, in the middle of what it does there."""
    return _PAUSED if paused and reason is FinishReason.OTHER else _STOP_REASONS[reason]


def content_of(message: Message) -> list[Json]:
    """The blocks of a message. What none of them has words for stands sealed in one of its own."""
    blocks = [block for part in message.parts if (block := _block(part)) is not None]
    foreign = Foreign(DIALECT)
    foreign.add_states(message.provider_state)
    for part in message.parts:
        foreign.add(part)
    return [*blocks, *sealed_blocks(foreign)]


def sealed_blocks(foreign: Foreign) -> list[Json]:
    """The block that carries what no other has words for; none where there is nothing."""
    return [{"type": "redacted_thinking", "data": sealed(foreign.whole)}] if foreign.whole else []


def signature_of(part: ReasoningPart) -> str:
    """What binds reasoning to its provider: Anthropic's as it is, any other's sealed with its name."""
    if part.dialect in ("", DIALECT) and not part.provider_state:
        return part.signature
    return sealed({name: value for name, value in carried_reasoning(part).items() if name != "text"})


def citation_of(citation: Citation) -> Json:
    """A source that another provider named."""
    return {
        "type": "web_search_result_location",
        "url": citation.uri,
        "title": citation.title,
        "cited_text": citation.cited_text,
        "encrypted_index": "",
    }


def usage_of(usage: Usage) -> Json:
    """Tokens: the dialect counts what is read from a cache and written to it apart."""
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    long = usage.cache_write_long_tokens or 0
    return {
        "input_tokens": max(0, (usage.input_tokens or 0) - read - written),
        "output_tokens": usage.output_tokens or 0,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written - long, "ephemeral_1h_input_tokens": long},
        **({"server_tool_use": {"web_search_requests": usage.web_searches}} if usage.web_searches else {}),
        **({"service_tier": usage.service_tier} if usage.service_tier else {}),
    }


def own_state(part: ContentPart) -> Json:
    """What Anthropic itself said beside the contract's words."""
    told: Json = {}
    for state in part.provider_state:
        if state.dialect == DIALECT:
            told |= orjson.loads(state.json)
    return told


def _block(part: ContentPart) -> Json | None:
    match part:
        case TextPart(text=text, citations=citations):
            own = own_state(part)
            cited = {"citations": [citation_of(one) for one in citations]} if citations else {}
            return {"type": "text", "text": text, **cited, **own}
        case ToolCall(id, name, arguments_json):
            return {"type": "tool_use", "id": id, "name": name, "input": _object(arguments_json), **own_state(part)}
        case ReasoningPart(redacted_data=data) if data:
            return {"type": "redacted_thinking", "data": data} if part.dialect == DIALECT else None
        case ReasoningPart(text):
            return {"type": "thinking", "thinking": text, "signature": signature_of(part)}
        case ProviderPart(block) if block.dialect == DIALECT:
            own_block: Json = orjson.loads(block.json)
            return own_block
    return None


def _object(arguments_json: str) -> Any:
    """What the LLM wrote; the API has no word for what is no JSON but a text in an object."""
    try:
        value = orjson.loads(arguments_json or "{}")
    except orjson.JSONDecodeError:
        return {"INVALID_JSON": arguments_json}
    return value if isinstance(value, dict) else {"INVALID_JSON": arguments_json}
