"""An answer as the events of a message of Anthropic's API, written as they come."""

from __future__ import annotations

from typing import Any

import orjson

from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.events import (
    CitationDelta,
    Completed,
    Delta,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from frontdesk_server.domain.provider import ProviderState
from frontdesk_server.domain.query import ProviderPart, ReasoningPart, ToolCall
from frontdesk_server.faces.anthropic.blocks import DIALECT
from frontdesk_server.faces.anthropic.response import (
    citation_of,
    message_id,
    sealed_blocks,
    signature_of,
    stop_reason,
    usage_of,
)
from frontdesk_server.faces.carried import Foreign
from frontdesk_server.faces.http import Reply, event_of
from frontdesk_server.faces.report import decision_headers, report

Json = dict[str, Any]

_STOP = "content_block_stop"


class EventStream:
    """Answers one request in events; `reports` asks for our own at the end.

    Blocks follow one another, as the clients demand: each is open until another part begins.
    """

    def __init__(self, reply: Reply, passed: list[str], *, reports: bool) -> None:
        self._reply = reply
        self._passed = passed
        self._reports = reports
        self._foreign = Foreign(DIALECT)
        self._index = -1
        self._part: int | None = None
        self._kind = ""
        self._begun: set[int] = set()
        self._calls: dict[int, str] = {}
        self._signed = ReasoningPart()
        self._paused = False

    async def begin(self, decision: Decision, model: str) -> None:
        """Say who answers."""
        message: Json = {
            "id": message_id(decision),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": decision.signals.input_tokens, "output_tokens": 0},
        }
        await self._reply.begin_events(decision_headers(decision, model, self._passed))
        await self._reply.events(event_of("message_start", {"type": "message_start", "message": message}))

    async def delta(self, delta: Delta) -> None:
        """A piece of the answer."""
        if raw := self._events(delta):
            await self._reply.events(raw)

    async def complete(self, decision: Decision, completed: Completed) -> None:
        """Say why it ended, and all that was asked for."""
        pieces = [self._close(), *map(self._whole, sealed_blocks(self._foreign))]
        told = {"stop_reason": stop_reason(completed.finish_reason, paused=self._paused), "stop_sequence": None}
        usage = usage_of(completed.usage)
        pieces.append(event_of("message_delta", {"type": "message_delta", "delta": told, "usage": usage}))
        if self._reports:
            told = report(decision, completed.model, completed.settlement, self._passed)
            pieces.append(event_of("frontdesk", {"type": "frontdesk", **told}))
        pieces.append(event_of("message_stop", {"type": "message_stop"}))
        await self._reply.end(b"".join(pieces))

    def _events(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(text, _, part):
                opened = self._open(part, "text", {"type": "text", "text": ""})
                return opened + self._piece({"type": "text_delta", "text": text})
            case ReasoningDelta():
                return self._reasoned(delta)
            case ToolCallDelta():
                return self._called(delta)
            case ProviderBlockDelta(block, part) if block.dialect == DIALECT:
                self._paused = True
                return self._close() + self._whole(orjson.loads(block.json))
            case ProviderBlockDelta(block):
                self._foreign.add(ProviderPart(block))
            case CitationDelta(citation, part) if part == self._part and self._kind == "text":
                return self._piece({"type": "citations_delta", "citation": citation_of(citation)})
            case ProviderStateDelta(state, part):
                return self._state(state, part)
        return b""

    def _reasoned(self, delta: ReasoningDelta) -> bytes:
        if delta.redacted_data:
            if delta.dialect == DIALECT:
                return self._close() + self._whole({"type": "redacted_thinking", "data": delta.redacted_data})
            self._foreign.add(ReasoningPart(redacted_data=delta.redacted_data, dialect=delta.dialect))
            return b""
        opened = self._open(delta.part, "thinking", {"type": "thinking", "thinking": "", "signature": ""})
        signed = self._signed
        self._signed = ReasoningPart("", signed.signature + delta.signature, "", delta.dialect or signed.dialect)
        return opened + (self._piece({"type": "thinking_delta", "thinking": delta.text}) if delta.text else b"")

    def _called(self, delta: ToolCallDelta) -> bytes:
        if delta.id or delta.name:
            self._calls[delta.part] = delta.id
        block = {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}}
        opened = self._open(delta.part, "tool_use", block)
        if not delta.arguments_json:
            return opened
        return opened + self._piece({"type": "input_json_delta", "partial_json": delta.arguments_json})

    def _state(self, state: ProviderState, part: int | None) -> bytes:
        """What the provider wants back with a part, or with the message."""
        if part is not None and part in self._calls:
            self._foreign.add(ToolCall(self._calls[part], "", provider_state=(state,)))
        elif part is not None and part == self._part and self._kind == "thinking":
            signed = self._signed
            states = (*signed.provider_state, state)
            self._signed = ReasoningPart("", signed.signature, "", signed.dialect, provider_state=states)
        elif state.dialect == DIALECT and self._kind == "text" and part == self._part:
            cited = orjson.loads(state.json).get("citations") or ()
            return b"".join([self._piece({"type": "citations_delta", "citation": one}) for one in cited])
        else:
            self._foreign.add_states((state,))
        return b""

    def _open(self, part: int, kind: str, block: Json) -> bytes:
        """Begin a block unless it is the one that is open; a block that was closed cannot go on."""
        if part == self._part:
            return b""
        if part in self._begun:
            raise UpstreamProtocolError("pieces of two parts are mixed, which this API's streams cannot tell")
        closed = self._close()
        self._index += 1
        self._part, self._kind = part, kind
        self._begun.add(part)
        self._paused = False
        return closed + self._start(block)

    def _start(self, block: Json) -> bytes:
        told = {"type": "content_block_start", "index": self._index, "content_block": block}
        return event_of("content_block_start", told)

    def _piece(self, delta: Json) -> bytes:
        return event_of("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self) -> bytes:
        """End the open block, reasoning with its signature, which the clients take as a whole."""
        if self._part is None:
            return b""
        signed = b""
        if self._kind == "thinking":
            signed = self._piece({"type": "signature_delta", "signature": signature_of(self._signed)})
            self._signed = ReasoningPart()
        self._part, self._kind = None, ""
        return signed + event_of(_STOP, {"type": _STOP, "index": self._index})

    def _whole(self, block: Json) -> bytes:
        """A block in one piece."""
        self._index += 1
        return self._start(block) + event_of(_STOP, {"type": _STOP, "index": self._index})
