"""Answers of four dialects with every value in turn replaced by every type of JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.bedrock_response import BedrockTranslator
from frontdesk_server.backends.exchange import Translator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.responses_response import ResponsesTranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import (
    BackendEvent,
    CitationDelta,
    Finished,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.provider import Citation, ProviderBlock, ProviderState

Json = Any
WRONG: tuple[Json, ...] = (
    None,
    True,
    0,
    -1,
    7,
    2**62,
    10**30,
    1.5,
    "",
    "x",
    "null",
    "\ud800",
    [],
    [1],
    [None],
    {},
    {"a": 1},
)

LOGPROBS = {"content": [{"token": "F", "logprob": -0.1, "top_logprobs": [{"token": "F", "logprob": -0.1}]}]}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CALL = {"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": '{"b":1}'}}
MESSAGE = {"role": "assistant", "content": "Four", "reasoning_content": "Hm", "refusal": None, "tool_calls": [CALL]}
OPENAI_DOCUMENT = {
    "id": "c",
    "object": "chat.completion",
    "model": "m",
    "choices": [
        {"index": 0, "message": MESSAGE, "finish_reason": "stop", "native_finish_reason": "STOP", "logprobs": LOGPROBS}
    ],
    "usage": USAGE,
    "error": None,
}
CONTENT = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "F"}]
OPENAI_STREAM = [
    {"model": "m", "choices": [{"index": 0, "delta": {"reasoning": "Hm"}, "finish_reason": None}]},
    {"model": "m", "choices": [{"index": 0, "delta": {"content": "Four"}, "logprobs": LOGPROBS}]},
    {"choices": [{"index": 0, "delta": {"content": CONTENT}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [CALL]}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "x_groq": {"usage": USAGE}},
    {"choices": [], "usage": USAGE},
]
ANTHROPIC_USAGE = {
    "input_tokens": 3,
    "cache_read_input_tokens": 4,
    "cache_creation": {"ephemeral_5m_input_tokens": 1},
    "output_tokens": 9,
    "output_tokens_details": {"thinking_tokens": 2},
}
ANTHROPIC_DOCUMENT = {
    "type": "message",
    "model": "m",
    "content": [
        {"type": "thinking", "thinking": "Hm", "signature": "signed"},
        {"type": "redacted_thinking", "data": "secret"},
        {"type": "text", "text": "Four"},
        {"type": "tool_use", "id": "1", "name": "a", "input": {"b": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": ANTHROPIC_USAGE,
}
ANTHROPIC_STREAM = [
    {"type": "message_start", "message": {"model": "m", "usage": ANTHROPIC_USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "signed"}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Four"}},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "redacted_thinking", "data": "secret"}},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "1", "name": "a", "input": {}},
    },
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"b":1}'}},
    {"type": "content_block_stop", "index": 3},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": ANTHROPIC_USAGE},
    {"type": "message_stop"},
]

RESPONSES_USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}
SOURCE = {"type": "url_citation", "url": "https://a.test", "title": "A", "start_index": 0, "end_index": 4}
SPOKEN = {"type": "output_text", "text": "Four", "annotations": [SOURCE], "logprobs": LOGPROBS["content"]}
ITEMS: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "s"},
    {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": [SPOKEN]},
    {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}},
    {"type": "function_call", "id": "fc", "call_id": "1", "name": "a", "arguments": '{"b":1}', "status": "completed"},
]
RESPONSES_DOCUMENT = {
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": ITEMS,
    "usage": RESPONSES_USAGE,
    "service_tier": "default",
    "incomplete_details": None,
    "error": None,
}
RESPONSES_STREAM = [
    {"type": "response.created", "response": {"model": "m", "status": "in_progress"}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**ITEMS[0], "summary": []}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Hm"},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEMS[0]},
    {"type": "response.output_item.added", "output_index": 1, "item": {**ITEMS[1], "content": []}},
    {"type": "response.content_part.added", "output_index": 1, "content_index": 0, "part": {**SPOKEN, "text": ""}},
    {
        "type": "response.output_text.delta",
        "output_index": 1,
        "content_index": 0,
        "delta": "Four",
        "logprobs": LOGPROBS["content"],
    },
    {"type": "response.output_item.done", "output_index": 1, "item": ITEMS[1]},
    {"type": "response.output_item.done", "output_index": 2, "item": ITEMS[2]},
    {"type": "response.output_item.added", "output_index": 3, "item": {**ITEMS[3], "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "output_index": 3, "delta": '{"b":1}'},
    {"type": "response.output_item.done", "output_index": 3, "item": ITEMS[3]},
    {"type": "response.completed", "response": RESPONSES_DOCUMENT},
]
BEDROCK_USAGE = {
    "inputTokens": 3,
    "outputTokens": 5,
    "totalTokens": 12,
    "cacheReadInputTokens": 2,
    "cacheWriteInputTokens": 2,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 1}],
}
BEDROCK_DOCUMENT = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "signed"}}},
                {"reasoningContent": {"redactedContent": "secret"}},
                {"text": "Four"},
                {"toolUse": {"toolUseId": "1", "name": "a", "input": {"b": 1}}},
                {"citationsContent": {"content": [{"text": "F"}], "citations": [{"title": "A"}]}},
                {"image": {"format": "png", "source": {"bytes": "eA=="}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": BEDROCK_USAGE,
    "serviceTier": {"type": "flex"},
}
BEDROCK_STREAM: list[Json] = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "signed"}}}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "Four"}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"citation": {"title": "A"}}}},
    {"contentBlockStop": {"contentBlockIndex": 1}},
    {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "1", "name": "a"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"b":1}'}}}},
    {"contentBlockStop": {"contentBlockIndex": 2}},
    {"messageStop": {"stopReason": "tool_use"}},
    {"metadata": {"usage": BEDROCK_USAGE, "serviceTier": {"type": "flex"}}},
]


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within, the whole excepted."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def variants(answer: Json) -> Iterator[tuple[str, Json]]:
    """The answer with one value replaced, or left out, in every way, and what was done."""
    for path in places(answer):
        for wrong in (*WRONG, "left out"):
            variant = copy.deepcopy(answer)
            holder = variant
            for key in path[:-1]:
                holder = holder[key]
            if wrong == "left out":
                del holder[path[-1]]
            else:
                holder[path[-1]] = wrong
            yield f"{'.'.join(map(str, path))} = {wrong!r}", variant


def read(translator: Translator, answer: Json) -> list[BackendEvent]:
    """The events of an answer; none of its own after the events before an error of the upstream's."""
    seen: list[BackendEvent] = []
    sent = json.loads(json.dumps(answer))
    try:
        if isinstance(sent, list):
            for document in sent:  # one read each; Bedrock's events are named beside what they hold
                kind, held = "", document
                if isinstance(translator, BedrockTranslator) and isinstance(document, dict):
                    kind, held = next(iter(document.items()), ("", {}))
                seen.extend(translator.read_events([SseEvent(kind, json.dumps(held))]))
        else:
            seen.extend(translator.read_document(sent))
        if translator.complete:
            seen.append(translator.finished())
    except UpstreamError as error:
        (str(error) + error.quoted).encode()
    return seen


def check(event: BackendEvent) -> None:
    """Whether an event holds what its type promises."""
    match event:
        case TextDelta(text, logprobs):
            words = [text, *(logprob.token for logprob in logprobs)]
            assert all(isinstance(logprob.logprob, float) for logprob in logprobs)
        case ReasoningDelta(text, signature, data):
            words = [text, signature, data]
        case ToolCallDelta(index, id_, name, arguments):
            assert isinstance(index, int)
            words = [id_, name, arguments]
        case ProviderBlockDelta(ProviderBlock(dialect, text)) | ProviderStateDelta(ProviderState(dialect, text)):
            assert isinstance(json.loads(text), dict)
            words = [dialect, text]
        case CitationDelta(Citation(uri, title, cited)):
            words = [uri, title, cited]
        case UsageReport(usage, model) | Finished(_, usage, model):
            words = [model, usage.service_tier]
            for count in (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens):
                assert count is None or (type(count) is int and 0 <= count < 2**62)
    for text in words:
        assert isinstance(text, str)
        text.encode()


@pytest.mark.parametrize(
    ("translator", "answer"),
    [
        (OpenAITranslator, OPENAI_DOCUMENT),
        (OpenAITranslator, OPENAI_STREAM),
        (AnthropicTranslator, ANTHROPIC_DOCUMENT),
        (AnthropicTranslator, ANTHROPIC_STREAM),
        (ResponsesTranslator, RESPONSES_DOCUMENT),
        (ResponsesTranslator, RESPONSES_STREAM),
        (partial(BedrockTranslator, "m"), BEDROCK_DOCUMENT),
        (partial(BedrockTranslator, "m"), BEDROCK_STREAM),
    ],
    ids=[
        *("openai unary", "openai streamed", "anthropic unary", "anthropic streamed"),
        *("responses unary", "responses streamed", "bedrock unary", "bedrock streamed"),
    ],
)
def test_a_value_of_another_type_is_the_upstreams_error_or_ignored(
    translator: Callable[[], Translator], answer: Json
) -> None:
    assert any(isinstance(event, Finished) for event in read(translator(), answer))
    for what, variant in variants(answer):
        try:
            for event in read(translator(), variant):
                check(event)
        except Exception as error:
            raise AssertionError(what) from error
