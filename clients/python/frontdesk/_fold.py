"""Folds the events of a stream into the completion that `Complete` would have returned."""

from __future__ import annotations

import grpc

from frontdesk.errors import FrontdeskError
from frontdesk.events import AttemptEnded, AttemptStarted, Completed, Event, ReasoningDelta, Started, TextDelta
from frontdesk.v1.chat_pb2 import ROLE_ASSISTANT, ContentPart, Reasoning, TokenLogprob, ToolCall
from frontdesk.v1.router_service_pb2 import CompleteResponse, ToolCallDelta


class Fold:
    """What a stream has come to so far."""

    def __init__(self) -> None:
        self._response = CompleteResponse()
        self._completed = False
        self._start_attempt("")

    @property
    def started(self) -> bool:
        """Whether the decision is known."""
        return self._response.HasField("decision")

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case TextDelta():
                self._add_text(event)
            case ReasoningDelta():
                self._add_reasoning(event)
            case ToolCallDelta():
                self._add_tool_call(event)
            case Started():
                self._response.completion_id = event.completion_id
                self._response.decision.CopyFrom(event.decision)
            case AttemptStarted():
                self._start_attempt(event.model)
            case AttemptEnded():
                self._response.attempts.append(event.attempt)
                self._start_attempt("")
            case Completed():
                self._complete(event)

    def response(self) -> CompleteResponse:
        """The completion so far; the deltas of a superseded attempt are not in it."""
        response = CompleteResponse()
        response.CopyFrom(self._response)
        response.model = response.model or self._model
        response.message.role = ROLE_ASSISTANT
        for part, pieces in self._parts:
            kept = response.message.parts.add()
            kept.CopyFrom(part)
            match part.WhichOneof("part"):
                case "text":
                    kept.text = "".join(pieces)
                case "reasoning":
                    kept.reasoning.text = "".join(pieces)
                case "tool_call":
                    kept.tool_call.arguments_json = "".join(pieces)
        response.logprobs.extend(self._logprobs)
        return response

    def raise_unless_complete(self) -> None:
        """Raise when the stream ended without its last event, so that a cut answer never looks whole."""
        if not self._completed:
            raise FrontdeskError(grpc.StatusCode.DATA_LOSS, "STREAM_CUT", "the stream ended without its last event")

    def _start_attempt(self, model: str) -> None:
        self._model = model
        self._parts: list[tuple[ContentPart, list[str]]] = []
        self._tool_calls: dict[int, tuple[ContentPart, list[str]]] = {}
        self._logprobs: list[TokenLogprob] = []

    def _add_text(self, event: TextDelta) -> None:
        if not self._parts or self._parts[-1][0].WhichOneof("part") != "text":
            self._parts.append((ContentPart(text=""), []))
        self._parts[-1][1].append(event.text)
        self._logprobs.extend(event.logprobs)

    def _add_reasoning(self, event: ReasoningDelta) -> None:
        if not self._parts or self._parts[-1][0].WhichOneof("part") != "reasoning":
            self._parts.append((ContentPart(reasoning=Reasoning()), []))
        part, pieces = self._parts[-1]
        pieces.append(event.text)
        part.reasoning.signature += event.signature
        part.reasoning.redacted_data += event.redacted_data

    def _add_tool_call(self, event: ToolCallDelta) -> None:
        call = self._tool_calls.get(event.index)
        if call is None:
            call = self._tool_calls[event.index] = (ContentPart(tool_call=ToolCall()), [])
            self._parts.append(call)
        part, pieces = call
        part.tool_call.id += event.id
        part.tool_call.name += event.name
        pieces.append(event.arguments_json)

    def _complete(self, event: Completed) -> None:
        self._completed = True
        self._response.model = event.model
        self._response.finish_reason = event.finish_reason
        self._response.usage.CopyFrom(event.usage)
        self._response.cost.CopyFrom(event.cost)
        del self._response.attempts[:]
        self._response.attempts.extend(event.attempts)
