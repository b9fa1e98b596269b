"""Responses of an OpenAI-compatible /chat/completions, streamed or unary, as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from frontdesk_server.backends.finish_reasons import finish_reason
from frontdesk_server.backends.folding import EventFold
from frontdesk_server.backends.foreign_calls import ForeignCalls
from frontdesk_server.backends.json_reading import Json, json_text, piece, place, promised_form, remark, word
from frontdesk_server.backends.logprobs import read_logprob
from frontdesk_server.backends.provider_state import accumulate, searched_citations, unread, url_citations
from frontdesk_server.backends.refusals import error_object, event_object
from frontdesk_server.backends.reported_cost import reported_cost_nano_usd
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.tool_calls import OpenToolCalls
from frontdesk_server.backends.usage import find_usage, merged_usage, read_usage
from frontdesk_server.domain.errors import UpstreamCut, UpstreamError, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage

_READ_OF_MESSAGE = frozenset(
    ("role", "content", "reasoning", "reasoning_content", "refusal", "tool_calls", "function_call", "logprobs")
)
_READ_OF_CALL = frozenset(("index", "id", "type", "function"))
_REASONING_FIELDS = ("reasoning_content", "reasoning")
_SOURCES = ("search_results", "citations")
_ANSWERING = ("audio", "images")
"""Members of a message that answer without a word."""


class OpenAITranslator:
    """Turns one response into events.

    The answer is complete with its finish reason; where none comes, with the whole document, or with `[DONE]` after
    usage. What follows a complete answer may add to it, but not spoil it. `reasoning_apart`: the API counts reasoning
    beside its output tokens, unless a total says otherwise.
    """

    def __init__(self, dialect: str = "openai", *, reasoning_apart: bool = False) -> None:
        self._reasoning_apart = reasoning_apart
        self.ended = False
        self._fold = EventFold(dialect)
        self._state: Json = {}
        self._call_states: dict[int, Json] = {}
        self._sources: Json = {}
        self._tool_calls = OpenToolCalls()
        self._foreign_calls = ForeignCalls()
        self._finish_reason: FinishReason | None = None
        self._usage: Json | None = None
        self._upstream_model = ""
        self._service_tier: Any = None
        self._refused = False
        self._shown = False
        self._by_deltas = False

    @property
    def complete(self) -> bool:
        """Whether the answer has come to its end; usage may still follow."""
        return self._finish_reason is not None

    @property
    def counted(self) -> bool:
        """Whether usage has come."""
        return self._usage is not None

    def read_events(self, events: Iterable[SseEvent]) -> Iterator[BackendEvent]:
        """The deltas of the chunks that one network read brought, neighbours of one kind joined."""
        usage_before = self._usage
        try:
            for event in events:
                if event.data == "[DONE]":
                    self._end_stream()
                    break
                if self.complete:
                    with suppress(UpstreamError):
                        self._read_chunk(event_object(event))
                elif event.data:
                    self._read_chunk(event_object(event))
        except UpstreamError:
            if not self.complete:
                yield from self._take(usage_before)
                raise
        yield from self._take(usage_before)

    def read_document(self, document: Json) -> Iterator[BackendEvent]:
        """The deltas of a unary response."""
        try:
            self._read_chunk(document, whole=True)
            if not self.complete:
                self._finish_unsaid()
        except UpstreamError:
            yield from self._take(None)
            raise
        yield from self._take(None)

    def finished(self) -> Finished:
        """The end."""
        if self._finish_reason is None:
            raise UpstreamProtocolError("the response has no finish reason")
        usage = self._usage or {}
        return Finished(
            self._finish_reason, self._read_usage(usage), self._upstream_model, reported_cost_nano_usd(usage)
        )

    def _take(self, usage_before: Json | None) -> Iterator[BackendEvent]:
        if self._usage is not None and self._usage is not usage_before and not self.complete:
            cost = reported_cost_nano_usd(self._usage)
            self._fold.add(UsageReport(self._read_usage(self._usage), self._upstream_model, cost))
        return iter(self._fold.take())

    def _read_usage(self, usage: Json) -> Usage:
        return read_usage(usage, reasoning_apart=self._reasoning_apart, service_tier=self._service_tier)

    def _read_chunk(self, chunk: Json, *, whole: bool = False) -> None:
        usage = find_usage(chunk)
        if usage is not None:
            self._usage = usage if self._usage is None else merged_usage(self._usage, usage)
        if failure := error_object(chunk) or error_object(chunk.get("x_groq")):
            raise failure
        with promised_form:
            model = chunk.get("model")
            if model != self._upstream_model:
                self._upstream_model = remark(model) or self._upstream_model
            self._service_tier = chunk.get("service_tier") or self._service_tier
            self._sources |= {name: chunk[name] for name in _SOURCES if chunk.get(name)}
            for choice in chunk.get("choices") or ():
                if not place(choice.get("index")):
                    self._read_choice(choice, whole=whole)

    def _read_choice(self, choice: Json, *, whole: bool) -> None:
        """A choice may hold both a delta and a message, of which one repeats what was said, or is empty.

        So does a message at the end of a stream of deltas; there are streams of messages alone, too.
        """
        if choice.get("error") and (failure := error_object(choice)):
            raise failure
        delta, message = choice.get("delta"), choice.get("message")
        if not (delta or message) and (text := choice.get("text")):  # as completions without a chat have it
            delta = {"content": text}
        first, second = (message, delta) if whole else (delta, message)
        reason = choice.get("finish_reason")
        if first:
            self._read_message(first, choice.get("logprobs"))
            self._by_deltas = self._by_deltas or self._shown
        if second and not (self._by_deltas if first is None else self._shown or not (whole or reason)):
            self._read_message(second, choice.get("logprobs"))
        if reason:
            self._finish(finish_reason(reason, choice.get("native_finish_reason")))

    def _read_message(self, message: Json, logprobs: Json | None) -> None:
        content, tool_calls = message.get("content"), message.get("tool_calls") or ()
        accumulate(self._state, unread(message, _READ_OF_MESSAGE))
        self._shown = self._shown or any(self._state.get(name) for name in _ANSWERING)
        told = ((field, piece(message.get(field))) for field in _REASONING_FIELDS)
        field, reasoning = next((one for one in told if one[1]), ("", ""))
        if reasoning:
            self._add_reasoning(reasoning, field)
        if logprobs and (content or not (reasoning or tool_calls)):
            self._fold.add_logprobs(map(read_logprob, logprobs.get("content") or logprobs.get("refusal") or ()))
        if content is not None and content != "":
            self._read_content(content)
        if refusal := piece(message.get("refusal")):
            self._refused = True
            self._add_text(refusal, refusal=True)
        for position, call in enumerate(tool_calls):
            self._read_tool_call(call, position)
        if function := message.get("function_call"):  # what tool calls were called once
            self._read_tool_call({"function": function}, 0)

    def _read_content(self, content: Any) -> None:
        match content:
            case str():
                self._add_text(content)
            case list():  # Mistral's chunks
                for chunk in content:
                    self._read_content_chunk(chunk)
            case dict():  # Cloudflare parses the JSON that was asked for
                self._add_text(json_text(content))
            case _:
                raise UpstreamProtocolError("a text is not a string")

    def _read_content_chunk(self, chunk: Any) -> None:
        match chunk:
            case str():
                self._add_text(chunk)
            case {"type": "text"}:
                self._add_text(piece(chunk.get("text")))
            case {"type": "thinking", "thinking": str() as text}:
                self._add_reasoning(text, "content")
            case {"type": "thinking", "thinking": list() as parts}:
                self._add_reasoning("".join(piece(part.get("text")) for part in parts), "content")
            case dict():  # references, and what the APIs will learn to say
                self._shown = True
                self._fold.add_block(chunk)
            case _:
                raise UpstreamProtocolError("a part of a text is neither a string nor an object")

    def _read_tool_call(self, call: Json, position: int) -> None:
        index = place(call.get("index"))
        if self._foreign_calls.takes(position if index is None else index, call):
            self._shown = True
            return
        function = call.get("function") or {}
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = json_text(arguments)
        delta = self._tool_calls.add(
            index, position, word(call.get("id")), word(function.get("name")), piece(arguments)
        )
        if delta is not None:
            self._shown = True
            self._fold.add(delta)
        if state := unread(call, _READ_OF_CALL):
            number = self._tool_calls.number(position if index is None else index)
            if number is not None:
                accumulate(self._call_states.setdefault(number, {}), state)

    def _add_text(self, text: str, *, refusal: bool = False) -> None:
        self._shown = True
        self._fold.add_text(text, refusal=refusal)

    def _add_reasoning(self, text: str, field: str) -> None:
        self._shown = True
        self._state.setdefault(field, None)
        self._fold.add(ReasoningDelta(text))

    def _end_stream(self) -> None:
        if not self.complete:
            if self._usage is None and not self._sounded:
                raise UpstreamCut("the stream ended without its end")
            self._finish_unsaid()
        self.ended = True

    @property
    def _sounded(self) -> bool:
        """Whether a sound is whole: how long it is kept is said last."""
        audio = self._state.get("audio")
        return isinstance(audio, dict) and bool(audio.get("expires_at"))

    def _finish_unsaid(self) -> None:
        """The answer ends without a finish reason, if there is any."""
        if not self._shown:
            raise UpstreamProtocolError("the response holds no answer")
        self._finish(FinishReason.OTHER)

    def _finish(self, reason: FinishReason) -> None:
        waits = reason is FinishReason.TOOL_CALLS and bool(self._foreign_calls)
        ended = self._tool_calls.ended(reason, shown=self._shown)
        reason = FinishReason.TOOL_CALLS if waits else ended
        for block in self._foreign_calls.blocks():
            self._fold.add_block(block)
        self._finish_reason = FinishReason.CONTENT_FILTER if self._refused else reason
        for delta in self._tool_calls.missing_arguments():
            self._fold.add(delta)
        self._fold.end()
        self._hand_over_state()

    def _hand_over_state(self) -> None:
        """What the provider wants back, once it is whole."""
        for citation in (*url_citations(self._state.get("annotations")), *searched_citations(self._sources)):
            self._fold.add_citation(citation)
        for number, state in self._call_states.items():
            self._fold.add_state(state, ("call", number))
        if self._state:
            self._fold.add_state(self._state)
