"""The events of a streamed answer: the contract's own messages, taken out of their envelope."""

from __future__ import annotations

from frontdesk.v1.router_service_pb2 import (
    AttemptEnded,
    AttemptStarted,
    CitationDelta,
    Completed,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    Started,
    StreamCompleteResponse,
    TextDelta,
    ToolCallDelta,
)

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "CitationDelta",
    "Completed",
    "Event",
    "ProviderBlockDelta",
    "ProviderStateDelta",
    "ReasoningDelta",
    "Started",
    "TextDelta",
    "ToolCallDelta",
]

Delta = TextDelta | ReasoningDelta | ToolCallDelta | ProviderBlockDelta | ProviderStateDelta | CitationDelta
Event = Started | AttemptStarted | Delta | AttemptEnded | Completed


def event_of(response: StreamCompleteResponse) -> Event | None:
    """The event; None for one that this client does not know, from a newer server."""
    name = response.WhichOneof("event")
    if name is None:
        return None
    event: Event = getattr(response, name)
    return event
