"""An answer as a Responses object."""

from __future__ import annotations

from typing import Any

from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.query import Message, ReasoningPart, TextPart, ToolCall
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.faces.carried import Foreign, carried_reasoning, sealed
from frontdesk_server.faces.openai.response import logprobs_of

Json = dict[str, Any]

_INCOMPLETE = {FinishReason.LENGTH: "max_output_tokens", FinishReason.CONTENT_FILTER: "content_filter"}


def response_object(
    decision: Decision,
    model: str,
    output: list[Json],
    usage: Usage | None = None,
    finish_reason: FinishReason | None = None,
) -> Json:
    """The response's JSON; without a finish reason it is in progress."""
    why = _INCOMPLETE.get(finish_reason) if finish_reason is not None else None
    status = "in_progress" if finish_reason is None else "incomplete" if why else "completed"
    return {
        "id": f"resp_{decision.decision_id}",
        "object": "response",
        "created_at": int(decision.decided_at.timestamp()),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": why} if why else None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "store": False,
        "usage": None if usage is None else _usage_of(usage),
    }


def output_of(message: Message, logprobs: tuple[TokenLogprob, ...], key: str) -> list[Json]:
    """The items of an answer; `key` makes their ids."""
    items: list[Json] = []
    foreign = Foreign()
    foreign.add_states(message.provider_state)
    for part in message.parts:
        number = len(items)
        match part:
            case TextPart(text, refusal):
                content = text_content(text, refusal=refusal, logprobs=logprobs)
                if items and items[-1]["type"] == "message":
                    items[-1]["content"].append(content)
                else:
                    items.append(message_item(f"msg_{key}_{number}", [content]))
            case ToolCall(id, name, arguments_json):
                items.append(call_item(f"fc_{key}_{number}", id, name, arguments_json))
            case ReasoningPart():
                items.append(reasoning_item(f"rs_{key}_{number}", part))
        if not isinstance(part, ReasoningPart):
            foreign.add(part)
    return [*items, *foreign_items(foreign, f"rs_{key}_{len(items)}")]


def foreign_items(foreign: Foreign, id: str) -> list[Json]:
    """The item that carries what no other has words for; none where there is nothing."""
    if not foreign.whole:
        return []
    return [{"type": "reasoning", "id": id, "summary": [], "encrypted_content": sealed(foreign.whole)}]


def message_item(id: str, content: list[Json], status: str = "completed") -> Json:
    """What the assistant says."""
    return {"type": "message", "id": id, "status": status, "role": "assistant", "content": content}


def text_content(text: str, *, refusal: bool, logprobs: tuple[TokenLogprob, ...] = ()) -> Json:
    """One content of it."""
    if refusal:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs_of(logprobs)}


def call_item(id: str, call_id: str, name: str, arguments: str, status: str = "completed") -> Json:
    """One call of a function."""
    told = {"call_id": call_id, "name": name, "arguments": arguments}
    return {"type": "function_call", "id": id, "status": status, **told}


def reasoning_item(id: str, part: ReasoningPart) -> Json:
    """Reasoning; what binds it to its provider is sealed with it."""
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    carried = sealed({"reasoning": [carried_reasoning(part)]})
    return {"type": "reasoning", "id": id, "summary": summary, "encrypted_content": carried}


def _usage_of(usage: Usage) -> Json:
    read, output = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": read + output,
    }
