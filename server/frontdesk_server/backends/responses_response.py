"""Responses of the Responses API, streamed or unary, as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from frontdesk_server.backends.finish_reasons import finish_reason
from frontdesk_server.backends.folding import EventFold
from frontdesk_server.backends.json_reading import Json, piece, place, promised_form, remark
from frontdesk_server.backends.refusals import error_object, event_object
from frontdesk_server.backends.reported_cost import reported_cost_nano_usd
from frontdesk_server.backends.responses_open_items import OpenItems
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.usage import read_usage
from frontdesk_server.domain.errors import UpstreamError, UpstreamFailed, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage

_ENDS = ("completed", "incomplete", "failed", "cancelled")


class ResponsesTranslator:
    """Turns one response into events.

    The answer is complete with the event that ends the response, which holds its usage.
    """

    def __init__(self, dialect: str = "openai_responses") -> None:
        self.ended = False
        self._fold = EventFold(dialect)
        self._items = OpenItems(self._fold)
        self._usage: Json | None = None
        self._service_tier: Any = None
        self._upstream_model = ""
        self._finish_reason: FinishReason | None = None

    @property
    def complete(self) -> bool:
        """Whether the response has come to its end."""
        return self._finish_reason is not None

    @property
    def counted(self) -> bool:
        """Whether usage has come."""
        return self._usage is not None

    def read_events(self, events: Iterable[SseEvent]) -> Iterator[BackendEvent]:
        """The deltas of the events that one network read brought, neighbours of one kind joined."""
        try:
            for event in events:
                if self.complete:
                    with suppress(UpstreamError):
                        self._read(event_object(event))
                elif event.data:
                    self._read(event_object(event))
        except UpstreamError:
            if not self.complete:
                yield from self._fold.take()
                raise
        yield from self._fold.take()

    def read_document(self, document: Json) -> Iterator[BackendEvent]:
        """The deltas of a unary response."""
        try:
            with promised_form:
                self._end(document, document.get("status"))
            if not self.complete:
                if not self._items.shown:
                    raise UpstreamProtocolError("the response holds no answer")
                self._finish(FinishReason.OTHER)
        except UpstreamError:
            yield from self._fold.take()
            raise
        yield from self._fold.take()

    def finished(self) -> Finished:
        """The end."""
        if self._finish_reason is None:
            raise UpstreamProtocolError("the response has not come to its end")
        cost = reported_cost_nano_usd(self._usage or {})
        return Finished(self._finish_reason, self._read_usage(), self._upstream_model, cost)

    def _read(self, event: Json) -> None:
        with promised_form:
            kind = event.get("type")
            match kind:
                case "response.output_item.added":
                    self._items.open(_index(event["output_index"]), event["item"])
                case "response.content_part.added" | "response.content_part.done":
                    index, at = _index(event["output_index"]), _index(event["content_index"])
                    self._items.read_content(index, at, event["part"], whole=kind.endswith("done"))
                case "response.output_text.delta":
                    key = (_index(event["output_index"]), _index(event["content_index"]))
                    self._items.add_text(key, piece(event["delta"]), event.get("logprobs"))
                case "response.refusal.delta":
                    key = (_index(event["output_index"]), _index(event["content_index"]))
                    self._items.add_text(key, piece(event["delta"]), refusal=True)
                case "response.reasoning_summary_text.delta":
                    text = ("summary", _index(event["summary_index"]))
                    self._items.add_thought(_index(event["output_index"]), text, piece(event["delta"]))
                case "response.reasoning_text.delta":
                    text = ("content", _index(event["content_index"]))
                    self._items.add_thought(_index(event["output_index"]), text, piece(event["delta"]))
                case "response.function_call_arguments.delta":
                    self._items.add_arguments(_index(event["output_index"]), piece(event["delta"]))
                case "response.output_item.done":
                    self._items.close(_index(event["output_index"]), event["item"])
                case "response.created" | "response.in_progress" | "response.queued":
                    self._note(event["response"])
                case str() if kind.removeprefix("response.") in _ENDS:
                    self._end(event["response"], kind.removeprefix("response."))
                case _:
                    if failure := error_object(event):
                        raise failure

    def _end(self, response: Json, status: Any) -> None:
        self._note(response)
        failure = _failure(response, status) if status in ("failed", "cancelled") or response.get("error") else None
        if failure := failure or error_object(response):
            if self._usage is not None:
                self._fold.add(UsageReport(self._read_usage(), self._upstream_model))
            raise failure
        self._items.close_missing(response.get("output") or ())
        if status == "completed":
            self._finish(FinishReason.STOP)
        elif status == "incomplete":
            reason = (response.get("incomplete_details") or {}).get("reason")
            self._finish(finish_reason(reason) if reason else FinishReason.OTHER)

    def _finish(self, reason: FinishReason) -> None:
        self._finish_reason = self._items.ended(reason)
        self._fold.end()
        self.ended = True

    def _note(self, response: Json) -> None:
        self._upstream_model = remark(response.get("model")) or self._upstream_model
        self._service_tier = response.get("service_tier") or self._service_tier
        usage = response.get("usage")
        self._usage = usage if isinstance(usage, dict) else self._usage

    def _read_usage(self) -> Usage:
        usage = read_usage(self._usage or {}, service_tier=self._service_tier)
        return replace(usage, web_searches=self._items.searches) if self._items.searches else usage


def _index(value: Any) -> int:
    index = place(value)
    if index is None:
        raise UpstreamProtocolError("an index is missing")
    return index


def _failure(response: Json, status: Any) -> UpstreamError:
    error = response.get("error")
    if isinstance(error, dict):
        code = str(error.get("code"))
        if code.startswith("invalid_") or "image" in code:  # what the request holds cannot be read
            error = {**error, "type": "invalid_request_error"}
        if failure := error_object({"error": error}):
            return failure
    return error_object(response) or UpstreamFailed(
        "the upstream gave up in its answer", status=200, quoted=f"status {status!r}"
    )
