"""Responses of the Anthropic Messages API, streamed or unary, as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from frontdesk_server.backends.anthropic_blocks import OpenBlock
from frontdesk_server.backends.finish_reasons import finish_reason
from frontdesk_server.backends.folding import EventFold
from frontdesk_server.backends.json_reading import Json, json_text, piece, promised_form, remark, word
from frontdesk_server.backends.provider_state import anthropic_citation
from frontdesk_server.backends.refusals import error_object, event_object
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.tool_calls import OpenToolCalls
from frontdesk_server.backends.usage import OUTPUT_NAMES, merged_usage, read_usage
from frontdesk_server.domain.errors import UpstreamCut, UpstreamError, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage


class AnthropicTranslator:
    """Turns one response into events.

    The answer is complete with its stop reason. What follows it may add to it, but not spoil it; nothing follows
    `message_stop`.
    """

    def __init__(self, dialect: str = "anthropic") -> None:
        self.ended = False
        self._fold = EventFold(dialect)
        self._open: dict[int, OpenBlock] = {}
        self._container: Json | None = None
        self._finish_reason: FinishReason | None = None
        self._usage: Json = {}
        self._output_counted = False
        self._upstream_model = ""
        self._tool_calls = OpenToolCalls()
        self._shown = False

    @property
    def complete(self) -> bool:
        """Whether the stop reason has come."""
        return self._finish_reason is not None

    @property
    def counted(self) -> bool:
        """Whether usage has come, and not its beginning alone."""
        return self._output_counted

    def read_events(self, events: Iterable[SseEvent]) -> Iterator[BackendEvent]:
        """The deltas of the events that one network read brought, neighbours of one kind joined."""
        try:
            for event in events:
                if self.ended:
                    break
                if self.complete:
                    with suppress(UpstreamError):
                        self._read(event_object(event))
                elif event.data:
                    self._read(event_object(event))
        except UpstreamError:
            if not self.complete:
                if self._output_counted:
                    self._report_usage()
                yield from self._fold.take()
                raise
        yield from self._fold.take()

    def read_document(self, document: Json) -> Iterator[BackendEvent]:
        """The deltas of a unary response."""
        try:
            self._note_usage(document, final=True)
            if failure := error_object(document):
                raise failure
            with promised_form:
                self._upstream_model = remark(document.get("model"))
                self._note_container(document)
                for index, block in enumerate(document.get("content") or ()):
                    self._start_block(index, block)
                    self._close_block(index)
                self._end(document.get("stop_reason"))
            if not self.complete:
                self._finish_unsaid()
        except UpstreamError:
            self._report_usage()
            yield from self._fold.take()
            raise
        yield from self._fold.take()

    def finished(self) -> Finished:
        """The end."""
        if self._finish_reason is None:
            raise UpstreamProtocolError("the response has no stop reason")
        usage = self._read_usage()
        if not self._output_counted:
            usage = replace(usage, output_tokens=None)
        return Finished(self._finish_reason, usage, self._upstream_model)

    def _read(self, event: Json) -> None:
        if failure := error_object(event):
            raise failure
        with promised_form:
            match event.get("type"):
                case "message_start":
                    message = event["message"]
                    self._upstream_model = remark(message.get("model"))
                    self._note_container(message)
                    self._note_usage(message)
                    self._report_usage(opening=True)
                case "content_block_start":
                    self._start_block(event["index"], event["content_block"])
                case "content_block_delta":
                    self._read_delta(event["index"], event["delta"])
                case "content_block_stop":
                    self._close_block(event["index"])
                case "message_delta":
                    self._note_usage(event, final=True)
                    self._note_container(event["delta"])
                    self._end(event["delta"].get("stop_reason"))
                case "message_stop":
                    self._stop()
                case _:
                    pass  # pings, and what the API will learn to say

    def _start_block(self, index: int, block: Json) -> None:
        self._close_block(index)
        self._open[index] = OpenBlock(dict(block))
        self._fold.start_block(index)
        self._tool_calls.start(index)
        match block.get("type"):
            case "text":
                self._add_text(index, piece(block["text"]))
            case "thinking":
                self._add_reasoning(index, ReasoningDelta(piece(block["thinking"]), word(block.get("signature"))))
            case "redacted_thinking":
                self._add_reasoning(index, ReasoningDelta(redacted_data=word(block["data"])))
            case "tool_use":
                given = block.get("input") or {}  # which pieces, if any come, repeat
                if not isinstance(given, dict):
                    raise UpstreamProtocolError("the input of a tool call is no object")
                self._add_tool_call(index, "", word(block["id"]), word(block["name"]), json_text(given))

    def _read_delta(self, index: int, delta: Json) -> None:
        match delta.get("type"):
            case "text_delta":
                self._add_text(index, piece(delta["text"]))
            case "thinking_delta":
                self._add_reasoning(index, ReasoningDelta(piece(delta["thinking"])))
            case "signature_delta":
                self._add_reasoning(index, ReasoningDelta(signature=word(delta["signature"])))
            case "input_json_delta" if index in self._tool_calls:
                self._add_tool_call(index, piece(delta["partial_json"]))
            case _ if index in self._open:
                self._open[index].add(delta)

    def _close_block(self, index: int) -> None:
        """Hand over arguments that came in no piece, and what of the block the contract has no words for."""
        for delta in self._tool_calls.missing_arguments(index):
            self._fold.add(delta)
        block = self._open.pop(index, None)
        if block is None:
            return
        if not isinstance(block.given.get("type"), str):
            return
        if block.foreign:
            self._shown = True
            self._fold.add_block(block.whole(), index)
        elif state := block.state():
            call = self._tool_calls.number(index)
            self._fold.add_state(state, index if call is None else ("call", call))
            for citation in map(anthropic_citation, state.get("citations") or ()):
                if citation is not None:
                    self._fold.add_citation(citation, index)

    def _stop(self) -> None:
        if not self.complete:
            if not self._output_counted:
                raise UpstreamCut("the stream ended without its end")
            self._finish_unsaid()
        self.ended = True

    def _finish_unsaid(self) -> None:
        """The answer ends without a stop reason, if there is any."""
        if not self._shown:
            raise UpstreamProtocolError("the response holds no answer")
        self._finish(FinishReason.OTHER)

    def _end(self, stop_reason: Any) -> None:
        if stop_reason:
            self._finish(finish_reason(stop_reason))

    def _finish(self, reason: FinishReason) -> None:
        for index in sorted(self._open):
            self._close_block(index)
        self._finish_reason = self._tool_calls.ended(reason, shown=self._shown)
        for delta in self._tool_calls.missing_arguments():
            self._fold.add(delta)
        self._fold.end()
        if self._container is not None:
            self._fold.add_state({"container": self._container})

    def _add_text(self, index: int, text: str) -> None:
        if text:
            self._shown = True
            self._fold.add_text(text, index)

    def _add_reasoning(self, index: int, delta: ReasoningDelta) -> None:
        if delta.text or delta.signature or delta.redacted_data:
            self._shown = True
            self._fold.add(delta, index)

    def _add_tool_call(self, index: int, arguments: str, id: str = "", name: str = "", default: str = "{}") -> None:
        delta = self._tool_calls.add(index, 0, id, name, arguments, default)
        if delta is not None:
            self._shown = True
            self._fold.add(delta)

    def _note_container(self, holder: Json) -> None:
        container = holder.get("container")
        self._container = container if isinstance(container, dict) else self._container

    def _note_usage(self, holder: Json, *, final: bool = False) -> None:
        """What `message_start` says of output is only a beginning; what else says it is `final`."""
        usage = holder.get("usage")
        if isinstance(usage, dict):
            if final and not self._output_counted and read_usage(usage).output_tokens is not None:
                self._usage = {name: count for name, count in self._usage.items() if name not in OUTPUT_NAMES}
                self._output_counted = True
            self._usage = merged_usage(self._usage, usage)

    def _report_usage(self, *, opening: bool = False) -> None:
        self._fold.add(UsageReport(self._read_usage(), self._upstream_model, opening=opening))

    def _read_usage(self) -> Usage:
        """Anthropic counts cached input apart; here input includes it."""
        return read_usage(self._usage, cache_beside=True)
