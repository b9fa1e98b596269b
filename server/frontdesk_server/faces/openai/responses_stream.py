"""An answer as the events of a Responses stream, written as they come."""

from __future__ import annotations

from typing import Any

from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.events import (
    Completed,
    Delta,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from frontdesk_server.domain.query import ProviderPart, ReasoningPart, ToolCall
from frontdesk_server.domain.usage import FinishReason
from frontdesk_server.faces.carried import Foreign
from frontdesk_server.faces.http import Reply, event_of
from frontdesk_server.faces.openai.response import logprobs_of
from frontdesk_server.faces.openai.responses_response import (
    call_item,
    foreign_items,
    message_item,
    reasoning_item,
    response_object,
    text_content,
)
from frontdesk_server.faces.report import decision_headers, report

Json = dict[str, Any]


class ResponseStream:
    """Answers one request in events; `reports` puts our own into the last one. Items follow one another."""

    def __init__(self, reply: Reply, passed: list[str], *, reports: bool) -> None:
        self._reply = reply
        self._passed = passed
        self._reports = reports
        self._foreign = Foreign()
        self._key = ""
        self._number = 0
        self._done: list[Json] = []
        self._part: int | None = None
        self._begun: set[int] = set()
        self._calls: dict[int, str] = {}
        self._open: Json = {}
        self._thought = ReasoningPart()

    async def begin(self, decision: Decision, model: str) -> None:
        """Say who answers."""
        self._key = decision.decision_id
        response = response_object(decision, model, [])
        await self._reply.begin_events(decision_headers(decision, model, self._passed))
        created = self._event("response.created", response=response)
        await self._reply.events(created + self._event("response.in_progress", response=response))

    async def delta(self, delta: Delta) -> None:
        """A piece of the answer."""
        if raw := self._events(delta):
            await self._reply.events(raw)

    async def complete(self, decision: Decision, completed: Completed) -> None:
        """Say that it is whole, and all that was asked for."""
        pieces = [self._close()]
        carriers = foreign_items(self._foreign, f"rs_{self._key}_{len(self._done)}")
        pieces += [self._added(item) + self._finished(item) for item in carriers]
        response = response_object(decision, completed.model, self._done, completed.usage, completed.finish_reason)
        if self._reports:
            response["frontdesk"] = report(decision, completed.model, completed.settlement, self._passed)
        cut = completed.finish_reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
        pieces.append(self._event("response.incomplete" if cut else "response.completed", response=response))
        await self._reply.end(b"".join(pieces))

    def _events(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(text, logprobs, part, refusal):
                opened = self._begin_text(part, refusal=refusal)
                self._open["text"] += text
                kind = "response.refusal.delta" if refusal else "response.output_text.delta"
                told = {} if refusal else {"logprobs": logprobs_of(logprobs)}
                return opened + self._piece(kind, content_index=0, delta=text, **told)
            case ToolCallDelta():
                return self._called(delta)
            case ReasoningDelta():
                return self._reasoned(delta)
            case ProviderBlockDelta(block):
                self._foreign.add(ProviderPart(block))
            case ProviderStateDelta(state, part) if part is not None and part in self._calls:
                self._foreign.add(ToolCall(self._calls[part], "", provider_state=(state,)))
            case ProviderStateDelta(state):
                self._foreign.add_states((state,))
        return b""

    def _begin_text(self, part: int, *, refusal: bool) -> bytes:
        if part == self._part:
            return b""
        closed = self._take_turn(part)
        self._open = {"kind": "text", "text": "", "refusal": refusal, "id": f"msg_{self._key}_{len(self._done)}"}
        added = self._added(message_item(self._open["id"], [], "in_progress"))
        content = text_content("", refusal=refusal)
        return closed + added + self._piece("response.content_part.added", content_index=0, part=content)

    def _called(self, delta: ToolCallDelta) -> bytes:
        opened = b""
        if delta.part != self._part:
            opened = self._take_turn(delta.part)
            self._calls[delta.part] = delta.id
            item_id = f"fc_{self._key}_{len(self._done)}"
            self._open = {"kind": "call", "id": item_id, "call": delta.id, "name": delta.name, "text": ""}
            opened += self._added(call_item(item_id, delta.id, delta.name, "", "in_progress"))
        self._open["text"] += delta.arguments_json
        if not delta.arguments_json:
            return opened
        return opened + self._piece("response.function_call_arguments.delta", delta=delta.arguments_json)

    def _reasoned(self, delta: ReasoningDelta) -> bytes:
        opened = b""
        if delta.part != self._part:
            opened = self._take_turn(delta.part)
            self._open = {"kind": "reasoning", "id": f"rs_{self._key}_{len(self._done)}"}
            self._thought = ReasoningPart()
            item = {"type": "reasoning", "id": self._open["id"], "summary": []}
            part = {"type": "summary_text", "text": ""}
            opened += self._added(item)
            opened += self._piece("response.reasoning_summary_part.added", summary_index=0, part=part)
        told = self._thought
        self._thought = ReasoningPart(
            told.text + delta.text,
            told.signature + delta.signature,
            told.redacted_data + delta.redacted_data,
            delta.dialect or told.dialect,
        )
        if not delta.text:
            return opened
        return opened + self._piece("response.reasoning_summary_text.delta", summary_index=0, delta=delta.text)

    def _take_turn(self, part: int) -> bytes:
        """Close what is open for a part that begins; a part that was closed cannot go on."""
        if part in self._begun:
            raise UpstreamProtocolError("pieces of two parts are mixed, which this API's streams cannot tell")
        closed = self._close()
        self._begun.add(part)
        self._part = part
        return closed

    def _close(self) -> bytes:
        opened, self._part = self._open, None
        self._open = {}
        match opened.get("kind"):
            case "text":
                return self._close_text(opened)
            case "call":
                told = self._piece_of(opened["id"], "response.function_call_arguments.done", arguments=opened["text"])
                return told + self._finished(call_item(opened["id"], opened["call"], opened["name"], opened["text"]))
            case "reasoning":
                text = self._thought.text
                part = {"type": "summary_text", "text": text}
                done = self._piece_of(opened["id"], "response.reasoning_summary_text.done", summary_index=0, text=text)
                done += self._piece_of(opened["id"], "response.reasoning_summary_part.done", summary_index=0, part=part)
                return done + self._finished(reasoning_item(opened["id"], self._thought))
        return b""

    def _close_text(self, opened: Json) -> bytes:
        content = text_content(opened["text"], refusal=opened["refusal"])
        if opened["refusal"]:
            done = self._piece_of(opened["id"], "response.refusal.done", content_index=0, refusal=opened["text"])
        else:
            told = {"text": opened["text"], "logprobs": []}
            done = self._piece_of(opened["id"], "response.output_text.done", content_index=0, **told)
        done += self._piece_of(opened["id"], "response.content_part.done", content_index=0, part=content)
        return done + self._finished(message_item(opened["id"], [content]))

    def _added(self, item: Json) -> bytes:
        return self._event("response.output_item.added", output_index=len(self._done), item=item)

    def _finished(self, item: Json) -> bytes:
        raw = self._event("response.output_item.done", output_index=len(self._done), item=item)
        self._done.append(item)
        return raw

    def _piece(self, kind: str, **members: Any) -> bytes:
        return self._piece_of(self._open["id"], kind, **members)

    def _piece_of(self, item_id: str, kind: str, **members: Any) -> bytes:
        return self._event(kind, item_id=item_id, output_index=len(self._done), **members)

    def _event(self, kind: str, **members: Any) -> bytes:
        number, self._number = self._number, self._number + 1
        return event_of(kind, {"type": kind, "sequence_number": number, **members})
