"""Responses of the Anthropic Messages API, streamed or unary, as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from frontdesk_server.backends.failures import error_object
from frontdesk_server.backends.folding import EventFold, token_count
from frontdesk_server.backends.openai_response import json_object
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamError, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, ToolCallDelta, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage

Json = dict[str, Any]

_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}


class AnthropicTranslator:
    """Turns one response into events. The answer is complete with its stop reason."""

    def __init__(self) -> None:
        self.ended = False
        self._fold = EventFold()
        self._finish_reason: FinishReason | None = None
        self._usage: Json = {}
        self._output_counted = False
        self._upstream_model = ""
        self._tool_calls = 0
        self._tool_call_at: dict[int, int] = {}
        self._without_arguments: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether the stop reason has come."""
        return self._finish_reason is not None

    def read_events(self, events: Iterable[SseEvent]) -> Iterator[BackendEvent]:
        """The deltas of the events that one network read brought, neighbours of one kind joined."""
        try:
            for event in events:
                if event.data:
                    self._read(json_object(event.data))
        except UpstreamError:
            yield from self._fold.take()
            raise
        yield from self._fold.take()

    def read_document(self, document: Json) -> list[BackendEvent]:
        """The deltas of a unary response."""
        try:
            self._upstream_model = document.get("model") or ""
            for index, block in enumerate(document.get("content") or ()):
                self._start_block(index, block)
                self._stop_block(index)
            self._end(document, document.get("stop_reason"))
        except (AttributeError, KeyError, TypeError) as error:
            raise UpstreamProtocolError("the response is not of the form the API promises") from error
        if not self.complete:
            raise UpstreamProtocolError("the response has no stop reason")
        return self._fold.take()

    def finished(self) -> Finished:
        """The end."""
        if self._finish_reason is None:
            raise UpstreamProtocolError("the response has no stop reason")
        usage = _usage(self._usage)
        if not self._output_counted:  # what `message_start` says of output is only a beginning
            usage = replace(usage, output_tokens=None)
        return Finished(self._finish_reason, usage, self._upstream_model)

    def _read(self, event: Json) -> None:
        if failure := error_object(event):
            raise failure
        try:
            match event.get("type"):
                case "message_start":
                    self._upstream_model = event["message"].get("model") or ""
                    self._note_usage(event["message"])
                    self._fold.add(UsageReport(_usage(self._usage), self._upstream_model))
                case "content_block_start":
                    self._start_block(event["index"], event["content_block"])
                case "content_block_delta":
                    self._read_delta(event["index"], event["delta"])
                case "content_block_stop":
                    self._stop_block(event["index"])
                case "message_delta":
                    self._end(event, event["delta"].get("stop_reason"))
                case "message_stop":
                    self.ended = True
                case _:
                    pass  # pings, and what the API will learn to say
        except (AttributeError, KeyError, TypeError) as error:
            raise UpstreamProtocolError("an event is not of the form the API promises") from error

    def _start_block(self, index: int, block: Json) -> None:
        self._fold.start_block(index)
        match block.get("type"):
            case "text":
                self._add_text(index, block["text"])
            case "thinking":
                self._add_reasoning(index, ReasoningDelta(block["thinking"], block.get("signature") or ""))
            case "redacted_thinking":
                self._fold.add(ReasoningDelta(redacted_data=block["data"]), index)
            case "tool_use":
                arguments = orjson.dumps(block["input"]).decode() if block.get("input") else ""
                self._tool_call_at[index] = self._tool_calls
                if not arguments:
                    self._without_arguments.add(index)
                self._fold.add(ToolCallDelta(self._tool_calls, block["id"], block["name"], arguments))
                self._tool_calls += 1

    def _read_delta(self, index: int, delta: Json) -> None:
        match delta.get("type"):
            case "text_delta":
                self._add_text(index, delta["text"])
            case "thinking_delta":
                self._add_reasoning(index, ReasoningDelta(delta["thinking"]))
            case "signature_delta":
                self._add_reasoning(index, ReasoningDelta(signature=delta["signature"]))
            case "input_json_delta" if index in self._tool_call_at and delta["partial_json"]:
                self._without_arguments.discard(index)
                self._fold.add(ToolCallDelta(self._tool_call_at[index], arguments_json=delta["partial_json"]))

    def _stop_block(self, index: int) -> None:
        if index in self._without_arguments:
            self._fold.add(ToolCallDelta(self._tool_call_at[index], arguments_json="{}"))

    def _end(self, holder: Json, stop_reason: str | None) -> None:
        self._note_usage(holder)
        self._output_counted = "output_tokens" in (holder.get("usage") or {})
        if stop_reason:
            self._finish_reason = _FINISH_REASONS.get(stop_reason, FinishReason.OTHER)

    def _add_text(self, index: int, text: str) -> None:
        if text:
            self._fold.add_text(text, index)

    def _add_reasoning(self, index: int, delta: ReasoningDelta) -> None:
        if delta.text or delta.signature:
            self._fold.add(delta, index)

    def _note_usage(self, holder: Json) -> None:
        self._usage |= {name: count for name, count in (holder.get("usage") or {}).items() if count is not None}


def _usage(usage: Json) -> Usage:
    """Anthropic counts cached input apart; here input includes it."""
    uncached = token_count(usage.get("input_tokens"))
    read = token_count(usage.get("cache_read_input_tokens"))
    written = token_count(usage.get("cache_creation_input_tokens"))
    return Usage(
        None if uncached is None else uncached + (read or 0) + (written or 0),
        token_count(usage.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=token_count((usage.get("output_tokens_details") or {}).get("thinking_tokens")),
    )
