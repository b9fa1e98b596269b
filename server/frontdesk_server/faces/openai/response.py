"""An answer as a chat completion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.query import Message, ProviderPart, ReasoningPart, TextPart, ToolCall
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.faces.carried import MEMBER, carried_block, carried_reasoning, carried_state

Json = dict[str, Any]

FINISH_REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.OTHER: "stop",
}


def completion_id(decision: Decision) -> str:
    """The id of a completion: that of its decision."""
    return f"chatcmpl-{decision.decision_id}"


def chat_completion(decision: Decision, completion: Completion) -> Json:
    """The response's JSON."""
    answer = completion.answer
    return {
        "id": completion_id(decision),
        "object": "chat.completion",
        "created": int(decision.decided_at.timestamp()),
        "model": completion.model,
        "choices": [
            {
                "index": 0,
                "message": message_of(answer.message),
                "logprobs": {"content": logprobs_of(answer.logprobs), "refusal": None} if answer.logprobs else None,
                "finish_reason": FINISH_REASONS[answer.finish_reason],
            }
        ],
        "usage": usage_of(answer.usage),
        **({"service_tier": answer.usage.service_tier} if answer.usage.service_tier else {}),
    }


def message_of(message: Message) -> Json:
    """What the assistant says."""
    texts = [part for part in message.parts if isinstance(part, TextPart)]
    refusal = "".join(part.text for part in texts if part.refusal)
    content = "".join(part.text for part in texts if not part.refusal)
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    item: Json = {
        "role": "assistant",
        "content": content or (None if calls or refusal else ""),
        "refusal": refusal or None,
    }
    if calls:
        item["tool_calls"] = [call_of(call) for call in calls]
    reasoning = [part for part in message.parts if isinstance(part, ReasoningPart)]
    if told := "".join(part.text for part in reasoning):
        item["reasoning_content"] = told
    if annotations := annotations_of(texts):
        item["annotations"] = annotations
    if carried := _carried(message, reasoning):
        item[MEMBER] = carried
    return item


def call_of(call: ToolCall) -> Json:
    """One call of a tool."""
    item: Json = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments_json},
    }
    if call.provider_state:
        item[MEMBER] = {"provider_state": carried_state(call.provider_state)}
    return item


def annotations_of(texts: Iterable[TextPart]) -> list[Json]:
    """Where the text comes from."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": one.uri,
                "title": one.title,
                "start_index": one.start or 0,
                "end_index": one.end or 0,
                **({"content": one.cited_text} if one.cited_text else {}),
            },
        }
        for part in texts
        for one in part.citations
    ]


def logprobs_of(logprobs: Sequence[TokenLogprob]) -> list[Json]:
    """Log-probabilities of tokens."""
    return [
        {
            **_logprob(one.token, one.logprob),
            "top_logprobs": [_logprob(top.token, top.logprob) for top in one.top],
        }
        for one in logprobs
    ]


def usage_of(usage: Usage) -> Json:
    """Tokens; the dialect has no word for what is unknown but zero."""
    read, output = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": read,
        "completion_tokens": output,
        "total_tokens": read + output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens or 0,
            "audio_tokens": usage.input_audio_tokens or 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens or 0,
            "audio_tokens": usage.output_audio_tokens or 0,
        },
    }


def _logprob(token: str, logprob: float) -> Json:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def _carried(message: Message, reasoning: Iterable[ReasoningPart]) -> Json:
    """What of the message goes back to its provider alone."""
    bound = [carried_reasoning(part) for part in reasoning if part.signed or part.dialect or part.provider_state]
    blocks = [carried_block(part.block) for part in message.parts if isinstance(part, ProviderPart)]
    states = [*message.provider_state]
    for part in message.parts:
        if isinstance(part, TextPart):
            states.extend(part.provider_state)
    whole: Json = {"reasoning": bound, "blocks": blocks, "provider_state": carried_state(states)}
    return {name: value for name, value in whole.items() if value}
