"""Responses of the Responses API, streamed or unary, as events."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from frontdesk_server.backends.finish_reasons import finish_reason
from frontdesk_server.backends.folding import EventFold
from frontdesk_server.backends.json_reading import Json, piece, place, promised_form, remark, word
from frontdesk_server.backends.logprobs import read_logprob
from frontdesk_server.backends.provider_state import annotated_citations
from frontdesk_server.backends.refusals import error_object, event_object
from frontdesk_server.backends.reported_cost import reported_cost_nano_usd
from frontdesk_server.backends.responses_items import beyond, called, spoken_text, thought
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.tool_calls import OpenToolCalls
from frontdesk_server.backends.usage import read_usage
from frontdesk_server.domain.errors import UpstreamError, UpstreamFailed, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage

_ENDS = ("completed", "incomplete", "failed", "cancelled")
_BETWEEN_THOUGHTS = "\n\n"


class ResponsesTranslator:
    """Turns one response into events.

    The answer is complete with the event that ends the response, which holds its usage. Whatever says the whole of an
    item adds what the deltas before it left out.
    """

    def __init__(self, dialect: str = "openai_responses") -> None:
        self.ended = False
        self._fold = EventFold(dialect)
        self._tool_calls = OpenToolCalls()
        self._said: dict[Hashable, int] = {}
        """Characters read of every text, thought and arguments."""
        self._thinking: dict[int, Hashable] = {}
        """By item of reasoning, the text that its last piece belonged to."""
        self._closed: set[int] = set()
        self._closings = 0
        self._searches = 0
        self._usage: Json | None = None
        self._service_tier: Any = None
        self._upstream_model = ""
        self._finish_reason: FinishReason | None = None
        self._refused = False
        self._shown = False

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
                if not self._shown:
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
                    self._open(_index(event["output_index"]), event["item"])
                case "response.content_part.added":
                    index, at = _index(event["output_index"]), _index(event["content_index"])
                    self._read_content(index, at, event["part"])
                case "response.output_text.delta":
                    key = (_index(event["output_index"]), _index(event["content_index"]))
                    self._add_text(key, piece(event["delta"]), event.get("logprobs"))
                case "response.refusal.delta":
                    key = (_index(event["output_index"]), _index(event["content_index"]))
                    self._add_text(key, piece(event["delta"]), refusal=True)
                case "response.reasoning_summary_text.delta":
                    text = ("summary", _index(event["summary_index"]))
                    self._add_thought(_index(event["output_index"]), text, piece(event["delta"]))
                case "response.reasoning_text.delta":
                    text = ("content", _index(event["content_index"]))
                    self._add_thought(_index(event["output_index"]), text, piece(event["delta"]))
                case "response.function_call_arguments.delta":
                    self._add_arguments(_index(event["output_index"]), piece(event["delta"]))
                case "response.output_item.done":
                    self._close(_index(event["output_index"]), event["item"])
                case "response.created" | "response.in_progress" | "response.queued":
                    self._note(event["response"])
                case str() if kind.removeprefix("response.") in _ENDS:
                    self._end(event["response"], kind.removeprefix("response."))
                case _:
                    if failure := error_object(event):
                        raise failure

    def _open(self, index: int, item: Json) -> None:
        if index in self._closed:  # there are servers that give all items one number
            self._closed.discard(index)
            for key in [key for key in self._said if isinstance(key, tuple) and key[0] == index]:
                del self._said[key]
                self._fold.start_block(key)
        self._tool_calls.start(index)
        self._read_item(index, item)

    def _read_item(self, index: int, item: Json) -> None:
        """Whatever of an item is new."""
        match item.get("type"):
            case "message":
                for at, part in enumerate(item.get("content") or ()):
                    self._read_content(index, at, part)
            case "reasoning":
                for name in ("summary", "content"):
                    for at, part in enumerate(item.get(name) or ()):
                        rest = self._rest((index, name, at), piece(part.get("text")))
                        self._add_thought(index, (name, at), rest)
            case "function_call":
                rest = self._rest((index, "arguments"), piece(item.get("arguments")))
                known = index in self._tool_calls
                self._add_arguments(index, rest, "" if known else word(item["call_id"]), "" if known else item["name"])

    def _read_content(self, index: int, at: int, part: Json) -> None:
        key = (index, at)
        match part.get("type"):
            case "output_text":
                self._add_text(key, self._rest(key, piece(part.get("text"))), part.get("logprobs"))
            case "refusal":
                self._add_text(key, self._rest(key, piece(part.get("refusal"))), refusal=True)

    def _close(self, index: int, item: Json) -> None:
        """Read the rest of an item, and hand over what of it the contract has no words for."""
        kind = item.get("type")
        self._read_item(index, item)
        match kind:
            case "message":
                self._close_message(index, item)
            case "reasoning":
                self._close_reasoning(index, item)
            case "function_call":
                said = called(word(item["call_id"]), word(item["name"]), piece(item.get("arguments")))
                self._add_state(beyond(item, said), ("call", self._tool_calls.number(index)))
            case str():
                self._shown = True
                self._fold.add_block(item)
                self._searches += _is_search(item)
        self._closed.add(index)
        self._closings += 1

    def _close_message(self, index: int, item: Json) -> None:
        contents = item.get("content") or []
        own = beyond(item, {"type": "message", "role": "assistant", "content": contents})
        for at, part in enumerate(contents):
            state = _of_content(part)
            self._add_state({**own, "content": state} if state else own, (index, at))
            for citation in annotated_citations(part.get("annotations")):
                self._fold.add_citation(citation, (index, at))
        if not any(self._said.get((index, at)) for at in range(len(contents))):
            self._fold.add_block(item)  # it says nothing, but reasoning before it may demand it

    def _close_reasoning(self, index: int, item: Json) -> None:
        sealed = word(item.get("encrypted_content"))
        if sealed:
            self._shown = True
            self._fold.add(ReasoningDelta(signature=sealed), (index, 0))
        texts = (piece(part.get("text")) for name in ("summary", "content") for part in item.get(name) or ())
        said = thought(_BETWEEN_THOUGHTS.join(filter(None, texts)), sealed)
        self._add_state(beyond(item, said), (index, 0))

    def _end(self, response: Json, status: Any) -> None:
        self._note(response)
        failure = _failure(response, status) if status in ("failed", "cancelled") or response.get("error") else None
        if failure := failure or error_object(response):
            if self._usage is not None:
                self._fold.add(UsageReport(self._read_usage(), self._upstream_model))
            raise failure
        items = response.get("output") or ()
        if len(items) > self._closings:
            for index, item in enumerate(items):
                if index not in self._closed:
                    self._close(index, item)
        if status == "completed":
            self._finish(FinishReason.STOP)
        elif status == "incomplete":
            reason = (response.get("incomplete_details") or {}).get("reason")
            self._finish(finish_reason(reason) if reason else FinishReason.OTHER)

    def _finish(self, reason: FinishReason) -> None:
        reason = self._tool_calls.ended(reason, shown=self._shown)
        self._finish_reason = FinishReason.CONTENT_FILTER if self._refused else reason
        self._fold.end()
        self.ended = True

    def _note(self, response: Json) -> None:
        self._upstream_model = remark(response.get("model")) or self._upstream_model
        self._service_tier = response.get("service_tier") or self._service_tier
        usage = response.get("usage")
        self._usage = usage if isinstance(usage, dict) else self._usage

    def _read_usage(self) -> Usage:
        usage = read_usage(self._usage or {}, service_tier=self._service_tier)
        return replace(usage, web_searches=self._searches) if self._searches else usage

    def _rest(self, key: Hashable, whole: str) -> str:
        """What has not been read of a text."""
        return whole[self._said.get(key, 0) :]

    def _count(self, key: Hashable, text: str) -> None:
        self._said[key] = self._said.get(key, 0) + len(text)

    def _add_text(self, key: tuple[int, int], text: str, logprobs: Any = None, *, refusal: bool = False) -> None:
        if text:
            if logprobs:
                self._fold.add_logprobs(map(read_logprob, logprobs))
            self._count(key, text)
            self._shown = True
            self._refused |= refusal
            self._fold.add_text(text, key, refusal=refusal)

    def _add_thought(self, index: int, text: tuple[str, int], said: str) -> None:
        """Texts of one item of reasoning stand apart."""
        if said:
            self._count((index, *text), said)
            self._shown = True
            apart = self._thinking.setdefault(index, text) != text
            self._thinking[index] = text
            self._fold.add(ReasoningDelta(_BETWEEN_THOUGHTS + said if apart else said), (index, 0))

    def _add_arguments(self, index: int, arguments: str, call_id: str = "", name: str = "") -> None:
        self._count((index, "arguments"), arguments)
        delta = self._tool_calls.add(index, 0, call_id, word(name), arguments)
        if delta is not None:
            self._shown = True
            self._fold.add(delta)

    def _add_state(self, state: Json, key: Hashable) -> None:
        if state:
            self._fold.add_state(state, key)


def _index(value: Any) -> int:
    index = place(value)
    if index is None:
        raise UpstreamProtocolError("an index is missing")
    return index


def _of_content(part: Json) -> Json:
    """What a content of a message holds beside its text, and the log-probabilities of that."""
    refusal = part.get("type") == "refusal"
    state = beyond(part, spoken_text(piece(part.get("refusal" if refusal else "text")), refusal=refusal))
    if state.get("logprobs"):
        del state["logprobs"]
    return state


def _is_search(item: Json) -> bool:
    """Whether it is a search of the web that is charged; opening a page that was found is not."""
    action = item.get("action")
    kind = action.get("type") if isinstance(action, dict) else "search"
    return item.get("type") == "web_search_call" and kind == "search"


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
