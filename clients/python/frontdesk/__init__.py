"""Frontdesk's Python client: `Client` (asynchronous) and `frontdesk.sync.Client` (blocking).

The messages of the contract are in `frontdesk.v1`; the ones most used are also here.
"""

from __future__ import annotations

from frontdesk._version import __version__
from frontdesk.client import Client
from frontdesk.errors import FieldViolation, FrontdeskError
from frontdesk.events import (
    AttemptEnded,
    AttemptStarted,
    CitationDelta,
    Completed,
    Event,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from frontdesk.explain import explain
from frontdesk.messages import assistant, system, text_of, to_json, tool_result, user
from frontdesk.stream import CompletionStream
from frontdesk.v1.chat_pb2 import ContentPart, GenerationConfig, Message, Query, Tool
from frontdesk.v1.router_service_pb2 import CompleteResponse, CompletionFailure
from frontdesk.v1.routing_pb2 import Decision, RoutingPolicy

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "CitationDelta",
    "Client",
    "CompleteResponse",
    "Completed",
    "CompletionFailure",
    "CompletionStream",
    "ContentPart",
    "Decision",
    "Event",
    "FieldViolation",
    "FrontdeskError",
    "GenerationConfig",
    "Message",
    "ProviderBlockDelta",
    "ProviderStateDelta",
    "Query",
    "ReasoningDelta",
    "RoutingPolicy",
    "Started",
    "TextDelta",
    "Tool",
    "ToolCallDelta",
    "__version__",
    "assistant",
    "explain",
    "system",
    "text_of",
    "to_json",
    "tool_result",
    "user",
]
