"""Builds request messages from what callers pass; shared by both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

import grpc

from frontdesk.errors import FrontdeskError
from frontdesk.messages import user
from frontdesk.v1.chat_pb2 import Message, Query
from frontdesk.v1.router_service_pb2 import (
    CompleteRequest,
    ReportOutcomeRequest,
    RouteBatchRequest,
    RouteError,
    RouteRequest,
    RouteResult,
    StreamCompleteRequest,
)
from frontdesk.v1.routing_pb2 import Capability, Decision, RoutingPolicy

QueryLike = str | Iterable[Message] | Query
"""What is to be answered: the text of one user message, a conversation, or a full query."""

Labels = Mapping[str, str]

_LISTS = frozenset({"allowed_models", "excluded_models", "required_capabilities"})


class PolicyFields(TypedDict, total=False):
    """The fields of `RoutingPolicy` as keyword arguments; they win over those of `policy`."""

    router: str
    quality_floor: float
    cost_weight: float
    latency_weight: float
    max_cost_nano_usd: int
    max_time_to_first_token_seconds: float
    allowed_models: Iterable[str]
    excluded_models: Iterable[str]
    required_capabilities: Iterable[Capability.ValueType]
    affinity_key: str
    max_attempts: int


def to_query(query: QueryLike) -> Query:
    """The query as a message."""
    if isinstance(query, Query):
        return query
    return Query(messages=[user(query)] if isinstance(query, str) else query)


def to_policy(policy: RoutingPolicy | None, fields: PolicyFields) -> RoutingPolicy | None:
    """The policy with the given fields set; None when nothing is."""
    if not fields:
        return policy
    merged = RoutingPolicy()
    if policy is not None:
        merged.CopyFrom(policy)
    for name, value in fields.items():
        if name == "max_time_to_first_token_seconds":
            nanoseconds = round(fields["max_time_to_first_token_seconds"] * 1e9)
            merged.max_time_to_first_token.FromNanoseconds(nanoseconds)
        elif name in _LISTS:
            getattr(merged, name)[:] = value
        else:
            setattr(merged, name, value)
    return merged


def route(query: QueryLike, policy: RoutingPolicy | None, labels: Labels | None, fields: PolicyFields) -> RouteRequest:
    """Request of Route."""
    return RouteRequest(query=to_query(query), policy=to_policy(policy, fields), labels=labels)


def route_batch(
    queries: Iterable[QueryLike], policy: RoutingPolicy | None, labels: Labels | None, fields: PolicyFields
) -> RouteBatchRequest:
    """Request of RouteBatch."""
    return RouteBatchRequest(
        queries=[to_query(query) for query in queries], policy=to_policy(policy, fields), labels=labels
    )


def complete(
    query: QueryLike, policy: RoutingPolicy | None, labels: Labels | None, fields: PolicyFields
) -> CompleteRequest:
    """Request of Complete."""
    return CompleteRequest(query=to_query(query), policy=to_policy(policy, fields), labels=labels)


def stream_complete(
    query: QueryLike, policy: RoutingPolicy | None, labels: Labels | None, fields: PolicyFields
) -> StreamCompleteRequest:
    """Request of StreamComplete."""
    return StreamCompleteRequest(query=to_query(query), policy=to_policy(policy, fields), labels=labels)


def report_outcome(decision_id: str, quality: float, source: str, labels: Labels | None) -> ReportOutcomeRequest:
    """Request of ReportOutcome."""
    return ReportOutcomeRequest(decision_id=decision_id, quality=quality, source=source, labels=labels)


def deadline_seconds(timeout: float | None, default: float | None) -> float | None:
    """The deadline of a call.

    Raises:
        FrontdeskError: it has passed already; gRPC might still let such a call through.
    """
    seconds = default if timeout is None else timeout
    if seconds is not None and seconds <= 0:
        code = grpc.StatusCode.DEADLINE_EXCEEDED
        raise FrontdeskError(code, code.name, "the deadline had passed before the call was made")
    return seconds


def route_result(result: RouteResult) -> Decision | RouteError:
    """Either of both."""
    return result.error if result.WhichOneof("result") == "error" else result.decision
