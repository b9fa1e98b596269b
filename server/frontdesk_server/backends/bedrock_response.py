"""Responses of Amazon Bedrock's Converse and ConverseStream as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from frontdesk_server.backends.bedrock_blocks import OpenBlock, citations_of, is_foreign
from frontdesk_server.backends.finish_reasons import finish_reason
from frontdesk_server.backends.folding import EventFold
from frontdesk_server.backends.json_reading import Json, json_object, json_text, piece, promised_form, word
from frontdesk_server.backends.refusals import error_object
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.tool_calls import OpenToolCalls
from frontdesk_server.backends.usage import merged_usage, read_usage
from frontdesk_server.domain.errors import UpstreamError, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage

_STATUSES = {
    "throttlingException": 429,
    "serviceUnavailableException": 503,
    "modelNotReadyException": 503,
    "modelStreamErrorException": 500,
    "modelTimeoutException": 408,
    "validationException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
}
"""Statuses that the exceptions of a stream would have had before it began; 500 for those that it does not tell."""

_USAGE = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "totalTokens": "total_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
}
_LONG = "1h"
"""The longer of the times that a cache is kept, which costs more to write."""


class BedrockTranslator:
    """Turns one response into events.

    The answer is complete with its stop reason; usage follows it, in the last event.
    """

    def __init__(self, upstream_model: str, dialect: str = "bedrock") -> None:
        self.ended = False
        self._upstream_model = upstream_model  # which no response repeats
        self._fold = EventFold(dialect)
        self._finish_reason: FinishReason | None = None
        self._usage: Json = {}
        self._service_tier: Any = None
        self._open: dict[int, OpenBlock] = {}
        self._tool_calls = OpenToolCalls()
        self._shown = False

    @property
    def complete(self) -> bool:
        """Whether the stop reason has come."""
        return self._finish_reason is not None

    @property
    def counted(self) -> bool:
        """Whether usage has come."""
        return bool(self._usage)

    def read_events(self, events: Iterable[SseEvent]) -> Iterator[BackendEvent]:
        """The deltas of the events that one network read brought, neighbours of one kind joined."""
        try:
            for event in events:
                if self.complete:
                    with suppress(UpstreamError):
                        self._read(event)
                else:
                    self._read(event)
        except UpstreamError:
            if not self.complete:
                yield from self._fold.take()
                raise
        yield from self._fold.take()

    def read_document(self, document: Json) -> Iterator[BackendEvent]:
        """The deltas of a unary response."""
        try:
            with promised_form:
                self._note_usage(document)
                output = document.get("output") or {}
                for index, block in enumerate(_objects(output["message"].get("content") or [])):
                    self._read_block(index, block)
                self._end(document.get("stopReason"))
            if not self.complete:
                raise UpstreamProtocolError("the response has no stop reason")
        except UpstreamError:
            self._fold.add(UsageReport(self._read_usage(), self._upstream_model))
            yield from self._fold.take()
            raise
        yield from self._fold.take()

    def finished(self) -> Finished:
        """The end."""
        if self._finish_reason is None:
            raise UpstreamProtocolError("the response has no stop reason")
        return Finished(self._finish_reason, self._read_usage(), self._upstream_model)

    def _read(self, event: SseEvent) -> None:
        content = json_object(event.data) if event.data else {}
        if event.type == "error" or event.type.endswith("Exception"):
            raise _exception(event.type, content)
        with promised_form:
            match event.type:
                case "contentBlockStart":
                    self._start(content["contentBlockIndex"], content.get("start") or {})
                case "contentBlockDelta":
                    self._read_delta(content["contentBlockIndex"], content["delta"])
                case "contentBlockStop":
                    self._stop_block(content["contentBlockIndex"])
                case "messageStop":
                    self._end(content.get("stopReason"))
                case "metadata":
                    self._note_usage(content)
                    self.ended = self.complete
                case _:
                    pass  # the start of the message, and what the API will learn to say

    def _start(self, index: int, start: Json) -> None:
        self._fold.start_block(index)
        block = self._open[index] = OpenBlock(start)
        if (call := start.get("toolUse")) is not None and not block.foreign:
            self._tool_calls.start(index)
            self._add_tool_call(index, "", word(call["toolUseId"]), word(call["name"]))

    def _read_delta(self, index: int, delta: Json) -> None:
        block = self._open.setdefault(index, OpenBlock())
        block.add(delta)
        if block.foreign:
            return
        match delta:
            case {"text": text}:
                self._add_text(index, piece(text))
            case {"toolUse": {"input": arguments}}:
                self._add_tool_call(index, piece(arguments))
            case {"reasoningContent": {**reasoning}}:
                text, signature = piece(reasoning.get("text")), word(reasoning.get("signature"))
                self._add_reasoning(index, ReasoningDelta(text, signature, word(reasoning.get("redactedContent"))))

    def _stop_block(self, index: int) -> None:
        block = self._open.pop(index, None)
        if block is not None and block.foreign:
            self._add_block(index, block.whole())
        elif block is not None and block.citations:
            self._add_citations(index, block.cited())

    def _read_block(self, index: int, block: Json) -> None:
        self._fold.start_block(index)
        if is_foreign(block):
            self._add_block(index, block)
            return
        match block:
            case {"text": text}:
                self._add_text(index, piece(text))
            case {"toolUse": {**call}}:
                given = call.get("input") or {}
                if not isinstance(given, dict):
                    raise UpstreamProtocolError("the input of a tool call is no object")
                self._tool_calls.start(index)
                self._add_tool_call(index, json_text(given), word(call["toolUseId"]), word(call["name"]))
            case {"reasoningContent": {"reasoningText": {**reasoning}}}:
                delta = ReasoningDelta(piece(reasoning.get("text")), word(reasoning.get("signature")))
                self._add_reasoning(index, delta)
            case {"reasoningContent": {"redactedContent": data}}:
                self._add_reasoning(index, ReasoningDelta(redacted_data=word(data)))
            case {"citationsContent": dict() as cited}:
                self._add_text(index, "".join(piece(said.get("text")) for said in _items(cited.get("content"))))
                self._add_citations(index, cited)

    def _add_block(self, index: int, block: Json) -> None:
        self._shown = True
        self._fold.add_block(block, index)

    def _add_citations(self, index: int, cited: Json) -> None:
        """The sources, to be read, and all of it, to be given back."""
        for citation in citations_of(cited):
            self._fold.add_citation(citation, index)
        self._fold.add_state({"citationsContent": cited}, index)

    def _end(self, stop_reason: Any) -> None:
        if stop_reason:
            self._finish_reason = self._tool_calls.ended(finish_reason(stop_reason), shown=self._shown)
            for delta in self._tool_calls.missing_arguments():
                self._fold.add(delta)
            self._fold.end()

    def _add_text(self, index: int, text: str) -> None:
        if text:
            self._shown = True
            self._fold.add_text(text, index)

    def _add_reasoning(self, index: int, delta: ReasoningDelta) -> None:
        if delta.text or delta.signature or delta.redacted_data:
            self._shown = True
            self._fold.add(delta, index)

    def _add_tool_call(self, index: int, arguments: str, id: str = "", name: str = "") -> None:
        delta = self._tool_calls.add(index, 0, id, name, arguments)
        if delta is not None:
            self._shown = True
            self._fold.add(delta)

    def _note_usage(self, holder: Json) -> None:
        usage, tier = holder.get("usage"), holder.get("serviceTier")
        self._service_tier = tier.get("type") if isinstance(tier, dict) else self._service_tier
        if isinstance(usage, dict):
            said: Json = {_USAGE[name]: count for name, count in usage.items() if name in _USAGE}
            long = [one.get("inputTokens") for one in _items(usage.get("cacheDetails")) if one.get("ttl") == _LONG]
            if long:
                said["cache_creation"] = {"ephemeral_1h_input_tokens": long[0]}
            self._usage = merged_usage(self._usage, said)

    def _read_usage(self) -> Usage:
        """The API counts cached input apart, but within its total; here input includes it."""
        return read_usage(self._usage, cache_beside=True, service_tier=self._service_tier)


def _objects(value: Any) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UpstreamProtocolError("the content of the answer is no list of objects")
    return value


def _items(value: Any) -> list[Json]:
    return value if isinstance(value, list) else []


def _exception(kind: str, content: Json) -> UpstreamError:
    """The error that an exception within a stream stands for."""
    status = _STATUSES.get(kind, 500)  # whatever the original one: AWS asks to repeat what a model failed in
    code = content.get("code") or kind
    told = content.get("message") or content.get("Message") or content.get("originalMessage") or ""
    error = error_object({"error": {"code": str(status), "type": code, "message": told}})
    return error or UpstreamProtocolError("an exception without any content")
