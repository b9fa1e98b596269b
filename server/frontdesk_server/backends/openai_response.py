"""Responses of an OpenAI-compatible /chat/completions, streamed or unary, as events."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from frontdesk_server.backends.failures import error_object
from frontdesk_server.backends.folding import EventFold, token_count
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamError, UpstreamFailed, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, ToolCallDelta, UsageReport
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, TopLogprob, Usage

Json = dict[str, Any]

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_FAILURES = frozenset(("abort", "error"))


@dataclass(slots=True)
class _OpenToolCall:
    """A tool call that is being streamed; held back until its name is known."""

    index: int
    id: str = ""
    name: str = ""
    announced: bool = False
    held_arguments: str = ""


class OpenAITranslator:
    """Turns one response into events. The answer is complete with its finish reason; no `[DONE]` stands for it."""

    def __init__(self) -> None:
        self.ended = False
        self._fold = EventFold()
        self._finish_reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._upstream_model = ""
        self._refused = False
        self._tool_calls: list[_OpenToolCall] = []
        self._tool_call_at: dict[int, _OpenToolCall] = {}

    @property
    def complete(self) -> bool:
        """Whether the finish reason has come."""
        return self._finish_reason is not None

    def read_events(self, events: Iterable[SseEvent]) -> Iterator[BackendEvent]:
        """The deltas of the chunks that one network read brought, neighbours of one kind joined."""
        usage_before = self._usage
        try:
            for event in events:
                if event.data == "[DONE]":
                    self.ended = True
                    break
                if event.data:
                    self._read_chunk(json_object(event.data))
        except UpstreamError:
            yield from self._fold.take()
            raise
        if self._usage is not None and self._usage is not usage_before and not self.complete:
            self._fold.add(UsageReport(self._usage, self._upstream_model))
        yield from self._fold.take()

    def read_document(self, document: Json) -> list[BackendEvent]:
        """The deltas of a unary response."""
        self._read_chunk(document)
        if not self.complete:
            raise UpstreamProtocolError("the response has no finish reason")
        return self._fold.take()

    def finished(self) -> Finished:
        """The end."""
        if self._finish_reason is None:
            raise UpstreamProtocolError("the response has no finish reason")
        return Finished(self._finish_reason, self._usage or Usage(), self._upstream_model)

    def _read_chunk(self, chunk: Json) -> None:
        if failure := error_object(chunk):
            raise failure
        try:
            self._upstream_model = chunk.get("model") or self._upstream_model
            if usage := chunk.get("usage"):
                self._usage = _usage(usage)
            for choice in chunk.get("choices") or ():
                if choice.get("index", 0) == 0:
                    self._read_choice(choice)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UpstreamProtocolError("a chunk is not of the form the API promises") from error

    def _read_choice(self, choice: Json) -> None:
        delta = choice.get("delta") or choice.get("message") or {}
        content, tool_calls = delta.get("content"), delta.get("tool_calls") or ()
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning:
            self._fold.add(ReasoningDelta(_text(reasoning)))
        logprobs = choice.get("logprobs")
        if logprobs and (content or not (reasoning or tool_calls)):
            self._fold.add_logprobs(map(_logprob, logprobs.get("content") or logprobs.get("refusal") or ()))
        if content:
            self._fold.add_text(_text(content))
        if refusal := delta.get("refusal"):
            self._refused = True
            self._fold.add_text(_text(refusal))
        for position, piece in enumerate(tool_calls):
            self._read_tool_call(piece, position)
        if reason := choice.get("finish_reason"):
            self._finish(reason)

    def _read_tool_call(self, piece: Json, position: int) -> None:
        function = piece.get("function") or {}
        call = self._tool_call(piece.get("index"), position, piece.get("id") or "")
        call.name = call.name or function.get("name") or ""
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):  # some servers send the object itself
            arguments = orjson.dumps(arguments).decode()
        if call.announced:
            if arguments:
                self._fold.add(ToolCallDelta(call.index, arguments_json=arguments))
            return
        call.held_arguments += arguments
        if call.name:
            call.announced = True
            call.id = call.id or f"call_{secrets.token_hex(12)}"
            self._fold.add(ToolCallDelta(call.index, call.id, call.name, call.held_arguments))

    def _tool_call(self, index: int | None, position: int, id: str) -> _OpenToolCall:
        """The call a piece belongs to. Some servers number every call 0, or none: then a new id starts a new call."""
        key = position if index is None else index
        call = self._tool_call_at.get(key)
        if call is None or (id and call.id and id != call.id):
            call = _OpenToolCall(len(self._tool_calls))
            self._tool_calls.append(call)
            self._tool_call_at[key] = call
        call.id = call.id or id
        return call

    def _finish(self, reason: str) -> None:
        if reason in _FAILURES:
            raise UpstreamFailed(f"the upstream gave up with finish reason {reason!r}", status=200)
        finish_reason = _FINISH_REASONS.get(reason, FinishReason.OTHER)
        if self._refused:
            finish_reason = FinishReason.CONTENT_FILTER
        elif self._tool_calls and finish_reason is FinishReason.STOP:
            finish_reason = FinishReason.TOOL_CALLS  # what OpenAI itself answers when one tool is demanded
        self._finish_reason = finish_reason


def json_object(data: str) -> Json:
    """The JSON object in an event's data.

    Raises:
        UpstreamProtocolError: it holds anything else.

    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UpstreamProtocolError("a chunk is not valid JSON") from error
    if not isinstance(value, dict):
        raise UpstreamProtocolError("a chunk is not a JSON object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UpstreamProtocolError("a text is not a string")
    return value


def _logprob(entry: Json) -> TokenLogprob:
    top = tuple(TopLogprob(t["token"], float(t["logprob"])) for t in entry.get("top_logprobs") or ())
    return TokenLogprob(entry["token"], float(entry["logprob"]), top)


def _usage(usage: Json) -> Usage:
    prompt_details = usage.get("prompt_tokens_details") or {}
    completion_details = usage.get("completion_tokens_details") or {}
    input_tokens = token_count(usage.get("prompt_tokens"))
    output_tokens = token_count(usage.get("completion_tokens"))
    total_tokens = token_count(usage.get("total_tokens"))
    cache_read = prompt_details.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    reasoning_tokens = token_count(completion_details.get("reasoning_tokens"))
    if input_tokens is not None and output_tokens is not None and total_tokens is not None:
        # Some providers (xAI, Gemini) count reasoning in the total only.
        beyond = total_tokens - input_tokens - output_tokens
        if beyond > 0:
            output_tokens += beyond
            reasoning_tokens = beyond if reasoning_tokens is None else reasoning_tokens
    return Usage(
        input_tokens,
        output_tokens,
        cache_read_tokens=token_count(cache_read),
        cache_write_tokens=token_count(prompt_details.get("cache_write_tokens")),
        reasoning_tokens=reasoning_tokens,
    )
