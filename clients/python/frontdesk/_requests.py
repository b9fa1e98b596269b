"""Builds request messages from what callers pass; shared by both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict, cast

import grpc
from google.protobuf.message import Message as AnyMessage

from frontdesk.errors import FrontdeskError
from frontdesk.messages import user
from frontdesk.v1.chat_pb2 import GenerationConfig, Message, Query, ReasoningEffort, ResponseFormat
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

_LISTS = frozenset({"allowed_models", "excluded_models", "required_capabilities", "stop_sequences"})


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


class GenerationFields(TypedDict, total=False):
    """The fields of `GenerationConfig` as keyword arguments; they win over those of the query."""

    max_output_tokens: int
    temperature: float
    top_p: float
    top_k: int
    stop_sequences: Iterable[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    logprobs: bool
    top_logprobs: int
    response_format: ResponseFormat
    reasoning_effort: ReasoningEffort.ValueType
    reasoning_budget_tokens: int
    parallel_tool_calls: bool


class QueryFields(PolicyFields, GenerationFields, total=False):
    """How a query is to be routed, and how its answer is to be generated."""


def to_query(query: QueryLike, fields: GenerationFields | None = None) -> Query:
    """The query as a message, with the given settings of its generation.

    Raises:
        ValueError: its text is no Unicode text, and so cannot be sent.
    """
    if isinstance(query, str):
        query = Query(messages=[user(query)])
    elif not isinstance(query, Query):
        query = Query(messages=query)
    elif fields:
        given, query = query, Query()
        query.CopyFrom(given)
    for name, value in (fields or {}).items():
        _set(query.generation, name, value)
    return query


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
        else:
            _set(merged, name, value)
    return merged


def _set(message: RoutingPolicy | GenerationConfig, name: str, value: object) -> None:
    """Set a field by its name.

    Raises:
        TypeError: there is no such field.
        ValueError: its text is no Unicode text.
    """
    if name not in message.DESCRIPTOR.fields_by_name:
        raise TypeError(f"unexpected keyword argument {name!r}")
    try:
        if isinstance(value, AnyMessage):
            getattr(message, name).CopyFrom(value)
        elif name in _LISTS:
            getattr(message, name)[:] = value
        else:
            setattr(message, name, value)
    except UnicodeEncodeError as error:
        raise ValueError(f"{name}: it cannot be sent as UTF-8") from error


def _split(fields: QueryFields) -> tuple[GenerationFields, PolicyFields]:
    """What is about the answer's generation, and what is left."""
    generation = {name: value for name, value in fields.items() if name in GenerationFields.__annotations__}
    policy = {name: value for name, value in fields.items() if name not in generation}
    return cast("GenerationFields", generation), cast("PolicyFields", policy)


def route(query: QueryLike, policy: RoutingPolicy | None, labels: Labels | None, fields: QueryFields) -> RouteRequest:
    """Request of Route."""
    generation, wishes = _split(fields)
    return RouteRequest(query=to_query(query, generation), policy=to_policy(policy, wishes), labels=labels)


def route_batch(
    queries: Iterable[QueryLike], policy: RoutingPolicy | None, labels: Labels | None, fields: PolicyFields
) -> RouteBatchRequest:
    """Request of RouteBatch."""
    return RouteBatchRequest(
        queries=[to_query(query) for query in queries], policy=to_policy(policy, fields), labels=labels
    )


def complete(
    query: QueryLike, policy: RoutingPolicy | None, labels: Labels | None, fields: QueryFields
) -> CompleteRequest:
    """Request of Complete."""
    generation, wishes = _split(fields)
    return CompleteRequest(query=to_query(query, generation), policy=to_policy(policy, wishes), labels=labels)


def stream_complete(
    query: QueryLike, policy: RoutingPolicy | None, labels: Labels | None, fields: QueryFields
) -> StreamCompleteRequest:
    """Request of StreamComplete."""
    generation, wishes = _split(fields)
    return StreamCompleteRequest(query=to_query(query, generation), policy=to_policy(policy, wishes), labels=labels)


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
