"""From completion events to the messages of a stream."""

from __future__ import annotations

from frontdesk.v1 import router_service_pb2 as pb

from frontdesk_server.domain.events import (
    AttemptEnded,
    AttemptStarted,
    CitationDelta,
    CompletionEvent,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from frontdesk_server.rpc.encode import (
    encode_attempt,
    encode_cost,
    encode_decision,
    encode_logprobs,
    encode_usage,
)
from frontdesk_server.rpc.encode_messages import encode_block, encode_citation, encode_state
from frontdesk_server.rpc.enums import FINISH_REASON, STEP_KIND


def encode_event(event: CompletionEvent) -> pb.StreamCompleteResponse:
    """One event; text deltas, by far the most frequent, come first."""
    if isinstance(event, TextDelta):
        response = pb.StreamCompleteResponse()
        response.text_delta.text = event.text
        response.text_delta.part = event.part
        if event.refusal:
            response.text_delta.refusal = True
        if event.logprobs:
            response.text_delta.logprobs.extend(encode_logprobs(event.logprobs))
        return response
    if isinstance(event, ReasoningDelta):
        reasoning = pb.ReasoningDelta(
            text=event.text,
            signature=event.signature,
            redacted_data=event.redacted_data,
            part=event.part,
            dialect=event.dialect,
        )
        return pb.StreamCompleteResponse(reasoning_delta=reasoning)
    if isinstance(event, ToolCallDelta):
        call = pb.ToolCallDelta(
            index=event.index, id=event.id, name=event.name, arguments_json=event.arguments_json, part=event.part
        )
        return pb.StreamCompleteResponse(tool_call_delta=call)
    if isinstance(event, ProviderBlockDelta):
        block = pb.ProviderBlockDelta(block=encode_block(event.block), part=event.part)
        return pb.StreamCompleteResponse(provider_block_delta=block)
    if isinstance(event, ProviderStateDelta):
        state = pb.ProviderStateDelta(state=encode_state(event.state), part=event.part)
        return pb.StreamCompleteResponse(provider_state_delta=state)
    if isinstance(event, CitationDelta):
        citation = pb.CitationDelta(citation=encode_citation(event.citation), part=event.part)
        return pb.StreamCompleteResponse(citation_delta=citation)
    if isinstance(event, Started):
        decision = event.decision
        started = pb.Started(completion_id=decision.decision_id, decision=encode_decision(decision))
        return pb.StreamCompleteResponse(started=started)
    if isinstance(event, AttemptStarted):
        attempt_started = pb.AttemptStarted(index=event.index, model=event.model, kind=STEP_KIND[event.kind])
        return pb.StreamCompleteResponse(attempt_started=attempt_started)
    if isinstance(event, AttemptEnded):
        attempt_ended = pb.AttemptEnded(
            attempt=encode_attempt(event.attempt), next_model=event.next_model, superseded=event.superseded
        )
        return pb.StreamCompleteResponse(attempt_ended=attempt_ended)
    completed = pb.Completed(
        model=event.model,
        finish_reason=FINISH_REASON[event.finish_reason],
        usage=encode_usage(event.usage),
        cost=encode_cost(event.settlement.cost),
        attempts=[encode_attempt(attempt) for attempt in event.settlement.attempts],
    )
    return pb.StreamCompleteResponse(completed=completed)
