"""The client's public names and signatures. A change here is a change for users: think twice, then note it."""

from __future__ import annotations

import inspect

import frontdesk
from frontdesk import client, stream, sync

NAMES = [
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

CLIENT = {
    "__init__": "target tls token provider_keys timeout options interceptors",
    "close": "",
    "complete": "query policy labels provider_keys timeout **fields",
    "get_decision": "decision_id timeout",
    "list_models": "router timeout",
    "report_outcome": "decision_id quality source labels timeout",
    "route": "query policy labels timeout **fields",
    "route_batch": "queries policy labels timeout **fields",
    "stream_complete": "query policy labels provider_keys timeout **fields",
}
STREAM = {"cancel", "completion", "decision", "partial", "text"}
ERROR = ["code", "reason", "message", "violations", "retry_after_seconds", "metadata", "failure", "completion_id"]


def signatures(kind: type) -> dict[str, str]:
    """Parameters of every public method."""
    return {
        name: " ".join(
            f"**{parameter.name}" if parameter.kind is parameter.VAR_KEYWORD else parameter.name
            for parameter in list(inspect.signature(member).parameters.values())[1:]
        )
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
    }


def test_the_public_names() -> None:
    assert frontdesk.__all__ == NAMES
    for name in NAMES:
        assert getattr(frontdesk, name) is not None


def test_both_clients_have_the_same_methods() -> None:
    assert signatures(client.Client) == CLIENT
    assert signatures(sync.Client) == CLIENT


def test_both_streams_have_the_same_members() -> None:
    for kind in (stream.CompletionStream, sync.CompletionStream):
        assert {name for name in vars(kind) if not name.startswith("_")} == STREAM


def test_the_error() -> None:
    assert list(inspect.signature(frontdesk.FrontdeskError).parameters) == ERROR


def test_every_method_of_the_contract_has_its_method_here() -> None:
    methods = frontdesk.v1.router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].methods
    snake = {"".join(f"_{c.lower()}" if c.isupper() else c for c in m.name).lstrip("_") for m in methods}
    assert snake == set(CLIENT) - {"__init__", "close"}
