"""Folds the events of a stream into the completion that `Complete` would have returned."""

from __future__ import annotations

import grpc

from frontdesk.errors import FrontdeskError
from frontdesk.events import AttemptEnded, AttemptStarted, Completed, Event, ReasoningDelta, Started, TextDelta
from frontdesk.v1.chat_pb2 import ROLE_ASSISTANT, Reasoning, TokenLogprob, ToolCall
from frontdesk.v1.router_service_pb2 import CompleteResponse, ToolCallDelta


class Fold:
    """What a stream has come to so far. It holds events to their order; what an ended attempt said is forgotten."""

    def __init__(self) -> None:
        self._response = CompleteResponse()
        self._started = False
        self._running = 0
        self._completed = False
        self._forget()

    @property
    def started(self) -> bool:
        """Whether the decision is known."""
        return self._started

    def add(self, event: Event) -> None:
        """Take in the next event.

        Raises:
            FrontdeskError: STREAM_OUT_OF_ORDER, the event may not stand here.
        """
        if self._completed:
            raise _out_of_order("an event followed completed")
        if isinstance(event, Started) == self._started:
            raise _out_of_order("started must come first and once")
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                if not self._running:
                    raise _out_of_order("a delta came outside an attempt")
                self._add_delta(event)
            case Started():
                self._started = True
                self._response.completion_id = event.completion_id
                if event.HasField("decision"):
                    self._response.decision.CopyFrom(event.decision)
            case AttemptStarted():
                self._forget()
                self._running += 1
                self._response.model = event.model
            case AttemptEnded():
                self._forget()
                self._running -= 1
                if self._running:
                    self._response.model = event.next_model
                self._response.attempts.append(event.attempt)
            case Completed():
                self._complete(event)

    def response(self) -> CompleteResponse:
        """The completion so far; the deltas of a superseded attempt are not in it."""
        response = CompleteResponse()
        response.CopyFrom(self._response)
        message = response.message
        message.role = ROLE_ASSISTANT
        if self._reasoning is not None:
            message.parts.add().reasoning.CopyFrom(self._reasoning)
        if self._text:
            message.parts.add(text="".join(self._text))
        for _, (call, arguments) in sorted(self._calls.items(), key=lambda item: item[0]):
            kept = message.parts.add().tool_call
            kept.CopyFrom(call)
            kept.arguments_json = "".join(arguments) or "{}"
        response.logprobs.extend(self._logprobs)
        return response

    def raise_unless_complete(self) -> None:
        """Raise when the stream ended without its last event, so that a cut answer never looks whole."""
        if not self._completed:
            raise FrontdeskError(
                grpc.StatusCode.DATA_LOSS, "STREAM_CUT", "the stream ended without completed; the answer is cut"
            )

    def _forget(self) -> None:
        self._text: list[str] = []
        self._reasoning: Reasoning | None = None
        self._calls: dict[int, tuple[ToolCall, list[str]]] = {}
        self._logprobs: list[TokenLogprob] = []

    def _add_delta(self, event: TextDelta | ReasoningDelta | ToolCallDelta) -> None:
        match event:
            case TextDelta():
                self._text.append(event.text)
                self._logprobs.extend(event.logprobs)
            case ReasoningDelta():
                if self._reasoning is None:
                    self._reasoning = Reasoning()
                self._reasoning.text += event.text
                self._reasoning.signature += event.signature
                self._reasoning.redacted_data += event.redacted_data
            case ToolCallDelta():
                call, arguments = self._calls.setdefault(event.index, (ToolCall(), []))
                call.id += event.id
                call.name += event.name
                arguments.append(event.arguments_json)

    def _complete(self, event: Completed) -> None:
        self._completed = True
        self._response.model = event.model
        self._response.finish_reason = event.finish_reason
        if event.HasField("usage"):
            self._response.usage.CopyFrom(event.usage)
        if event.HasField("cost"):
            self._response.cost.CopyFrom(event.cost)
        del self._response.attempts[:]
        self._response.attempts.extend(event.attempts)


def _out_of_order(message: str) -> FrontdeskError:
    return FrontdeskError(grpc.StatusCode.INTERNAL, "STREAM_OUT_OF_ORDER", message)
