"""Folds the events of a stream into the completion that `Complete` would have returned."""

from __future__ import annotations

from operator import itemgetter

import grpc

from frontdesk import reasons
from frontdesk.errors import FrontdeskError
from frontdesk.events import (
    AttemptEnded,
    AttemptStarted,
    CitationDelta,
    Completed,
    Delta,
    Event,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from frontdesk.v1.chat_pb2 import (
    ROLE_ASSISTANT,
    Citation,
    ContentPart,
    ProviderBlock,
    ProviderState,
    Reasoning,
    TokenLogprob,
    ToolCall,
)
from frontdesk.v1.router_service_pb2 import CompleteResponse


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
            case _:
                if not self._running:
                    raise _out_of_order("a delta came outside an attempt")
                self._add_delta(event)

    def response(self) -> CompleteResponse:
        """The completion so far; the deltas of a superseded attempt are not in it."""
        response = CompleteResponse()
        response.CopyFrom(self._response)
        message = response.message
        message.role = ROLE_ASSISTANT
        message.parts.extend(self._parts())
        message.provider_state.extend(self._state.get(None, ()))
        response.logprobs.extend(self._logprobs)
        return response

    def raise_unless_complete(self) -> None:
        """Raise when the stream ended without its last event, so that a cut answer never looks whole."""
        if not self._completed:
            raise FrontdeskError(
                grpc.StatusCode.DATA_LOSS, reasons.STREAM_CUT, "the stream ended without completed; the answer is cut"
            )

    def _parts(self) -> list[ContentPart]:
        """By their places; where an older server tells none, reasoning, text, and the calls by their index."""
        placed: list[tuple[tuple[int, int, int], ContentPart]] = []
        placed += (((part, 0, 0), ContentPart(reasoning=said)) for part, said in self._reasoning.items())
        for part, texts in self._texts.items():
            refusal = part in self._refusals
            said = ContentPart(text="".join(texts), refusal=refusal, citations=self._citations.get(part, ()))
            placed.append(((part, 1, 0), said))
        for (part, index), (call, arguments) in self._calls.items():
            whole = ToolCall(id=call.id, name=call.name, arguments_json="".join(arguments) or "{}")
            placed.append(((part, 2, index), ContentPart(tool_call=whole)))
        placed += (((part, 3, 0), ContentPart(provider_block=block)) for part, block in self._blocks.items())
        placed.sort(key=itemgetter(0))
        for (place, *_), content in placed:
            content.provider_state.extend(self._state.get(place, ()))
        return [content for _, content in placed]

    def _forget(self) -> None:
        self._reasoning: dict[int, Reasoning] = {}
        self._texts: dict[int, list[str]] = {}
        self._refusals: set[int] = set()
        self._calls: dict[tuple[int, int], tuple[ToolCall, list[str]]] = {}
        self._blocks: dict[int, ProviderBlock] = {}
        self._state: dict[int | None, list[ProviderState]] = {}
        self._citations: dict[int, list[Citation]] = {}
        self._logprobs: list[TokenLogprob] = []

    def _add_delta(self, event: Delta) -> None:
        match event:
            case TextDelta():
                self._texts.setdefault(event.part, []).append(event.text)
                if event.refusal:
                    self._refusals.add(event.part)
                self._logprobs.extend(event.logprobs)
            case ReasoningDelta():
                reasoning = self._reasoning.setdefault(event.part, Reasoning())
                reasoning.text += event.text
                reasoning.signature += event.signature
                reasoning.redacted_data += event.redacted_data
                reasoning.dialect = reasoning.dialect or event.dialect
            case ProviderBlockDelta():
                self._blocks[event.part] = event.block
            case ProviderStateDelta():
                place = event.part if event.HasField("part") else None
                self._state.setdefault(place, []).append(event.state)
            case CitationDelta():
                self._citations.setdefault(event.part, []).append(event.citation)
            case ToolCallDelta():
                call, arguments = self._calls.setdefault((event.part, event.index), (ToolCall(), []))
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


def superseded(ended: AttemptEnded) -> FrontdeskError:
    """The error of reading on as if it were one text, where another answer begins."""
    message = f"the answer of {ended.attempt.model} is superseded; that of {ended.next_model} follows"
    return FrontdeskError(grpc.StatusCode.ABORTED, reasons.ANSWER_SUPERSEDED, message)


def _out_of_order(message: str) -> FrontdeskError:
    return FrontdeskError(grpc.StatusCode.INTERNAL, reasons.STREAM_OUT_OF_ORDER, message)
