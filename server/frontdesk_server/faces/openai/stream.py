"""An answer as chunks of a chat completion, written as they come."""

from __future__ import annotations

from typing import Any

import orjson

from frontdesk_server.domain.decision import Decision
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
from frontdesk_server.domain.query import ReasoningPart, TextPart
from frontdesk_server.faces.carried import MEMBER, carried_block, carried_reasoning, carried_state
from frontdesk_server.faces.http import Reply, data_of
from frontdesk_server.faces.openai.response import FINISH_REASONS, annotations_of, completion_id, logprobs_of, usage_of
from frontdesk_server.faces.report import decision_headers, report

Json = dict[str, Any]

_DONE = b"data: [DONE]\n\n"
_PLAIN = b'"finish_reason":null,"logprobs":null}]}\n\n'


class ChunkStream:
    """Answers one request in chunks; `usage` asks for a chunk that tells it, `reports` for our own."""

    def __init__(self, reply: Reply, passed: list[str], *, usage: bool, reports: bool) -> None:
        self._reply = reply
        self._passed = passed
        self._usage = usage
        self._reports = reports
        self._head: Json = {}
        self._text_head = b""
        self._model = ""
        self._reasoning: dict[int, Json] = {}
        self._calls: dict[int, int] = {}
        self._carried: Json = {}

    async def begin(self, decision: Decision, model: str) -> None:
        """Say who answers, and that it is the assistant."""
        self._model = model
        self._head = {
            "id": completion_id(decision),
            "object": "chat.completion.chunk",
            "created": int(decision.decided_at.timestamp()),
            "model": model,
        }
        self._text_head = b'data: %b,"choices":[{"index":0,"delta":{"content":' % orjson.dumps(self._head)[:-1]
        await self._reply.begin_events(decision_headers(decision, model, self._passed))
        await self._reply.events(self._chunk({"role": "assistant", "content": "", "refusal": None}))

    async def delta(self, delta: Delta) -> None:
        """A piece of the answer."""
        if isinstance(delta, TextDelta) and not (delta.logprobs or delta.refusal):  # by far the most
            await self._reply.events(b"%b%b},%b" % (self._text_head, orjson.dumps(delta.text), _PLAIN))
        elif (raw := self._rare(delta)) is not None:
            await self._reply.events(raw)

    async def complete(self, decision: Decision, completed: Completed) -> None:
        """Say why it ended, and all that was asked for."""
        carried = self._told()
        pieces = [self._chunk({MEMBER: carried})] if carried else []
        pieces.append(self._chunk({}, FINISH_REASONS[completed.finish_reason]))
        if self._usage:
            pieces.append(data_of({**self._head, "choices": [], "usage": usage_of(completed.usage)}))
        if self._reports:
            told = report(decision, completed.model, completed.settlement, self._passed)
            pieces.append(data_of({**self._head, "choices": [], MEMBER: told}))
        await self._reply.end(b"".join([*pieces, _DONE]))

    def _rare(self, delta: Delta) -> bytes | None:
        match delta:
            case TextDelta(text, logprobs, _, refusal):
                named = "refusal" if refusal else "content"
                told = {"content": None, "refusal": None, named: logprobs_of(logprobs)} if logprobs else None
                return self._chunk({named: text}, logprobs=told)
            case ReasoningDelta():
                return self._reasoned(delta)
            case ToolCallDelta(index, id, name, arguments_json, part):
                self._calls[part] = index
                function: Json = {"arguments": arguments_json}
                if id or name:
                    function = {"name": name, **function}
                    return self._chunk(
                        {"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}
                    )
                return self._chunk({"tool_calls": [{"index": index, "function": function}]})
            case CitationDelta(citation):
                return self._chunk({"annotations": annotations_of([TextPart("", citations=(citation,))])})
            case ProviderBlockDelta(block):
                self._carried.setdefault("blocks", []).append(carried_block(block))
            case ProviderStateDelta(state, part) if part is not None and part in self._calls:
                return self._call_state(self._calls[part], state)
            case ProviderStateDelta(state, part) if part is not None and part in self._reasoning:
                self._reasoning[part].setdefault("provider_state", []).extend(carried_state([state]))
            case ProviderStateDelta(state):
                self._carried.setdefault("provider_state", []).extend(carried_state([state]))
        return None

    def _reasoned(self, delta: ReasoningDelta) -> bytes | None:
        """Show the text; what binds it to its provider is told once it is whole."""
        whole = self._reasoning.setdefault(delta.part, {})
        piece = carried_reasoning(ReasoningPart(delta.text, delta.signature, delta.redacted_data, delta.dialect))
        for name, value in piece.items():
            whole[name] = value if name == "dialect" else whole.get(name, "") + value
        return self._chunk({"reasoning_content": delta.text}) if delta.text else None

    def _call_state(self, index: int, state: ProviderState) -> bytes:
        return self._chunk({"tool_calls": [{"index": index, MEMBER: {"provider_state": carried_state([state])}}]})

    def _told(self) -> Json:
        """What of the message goes back to its provider alone."""
        bound = [one for one in self._reasoning.values() if one.keys() - {"text"}]
        return {**({"reasoning": bound} if bound else {}), **self._carried}

    def _chunk(self, delta: Json, finish_reason: str | None = None, logprobs: Json | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": logprobs}
        return data_of({**self._head, "choices": [choice]})
