"""The methods of RouterService over the desk: validate, decode, ask, encode."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import grpc
from frontdesk.v1 import router_service_pb2 as pb

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.desk.forwarding import Forwarding
from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.errors import FrontdeskError, InvalidRequest, UnknownRouter
from frontdesk_server.domain.events import CompletionEvent, Emit, Started
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.rpc import validation
from frontdesk_server.rpc.decode import decode_policy, decode_query
from frontdesk_server.rpc.encode import (
    encode_attempt,
    encode_cost,
    encode_decision,
    encode_logprobs,
    encode_model,
    encode_outcome,
    encode_record,
    encode_usage,
)
from frontdesk_server.rpc.encode_events import encode_event
from frontdesk_server.rpc.encode_messages import encode_message
from frontdesk_server.rpc.enums import FINISH_REASON
from frontdesk_server.rpc.interceptor import Interceptor, Write
from frontdesk_server.rpc.plain import plain_messages
from frontdesk_server.rpc.status import status_of, violations_of
from frontdesk_server.rpc.violations import DEFAULT_LIMITS, Limits

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["RouterService"].full_name
_DEFAULT_SOURCE = "caller"


class Desk(Protocol):
    """The use cases behind the service; errors come as `FrontdeskError`."""

    async def route(self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str]) -> Decision:
        """Decide."""

    async def route_batch(
        self, queries: Sequence[Query], policy: RoutingPolicy, call: Call, labels: Mapping[str, str]
    ) -> list[Decision | FrontdeskError]:
        """Decide for each query, in their order."""

    def complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], emit: Emit | None = None
    ) -> Awaitable[tuple[Decision, Completion]]:
        """Decide and answer, and tell `emit` what happens meanwhile; raises CompletionFailed."""

    def stream_complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], emit: Emit
    ) -> Awaitable[object]:
        """Decide and push the answer's events to `emit`; raises CompletionFailed."""

    def forwarding(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], *, stream: bool
    ) -> AbstractAsyncContextManager[Forwarding]:
        """Decide for a query that a gateway forwards, and settle it on leaving."""

    def deadline(self, policy: RoutingPolicy, call: Call) -> float:
        """The instant, of the clock's monotonic time, at which a completion that arrives now must have ended."""

    async def report_outcome(
        self, decision_id: str, quality: float, source: str, call: Call, labels: Mapping[str, str]
    ) -> tuple[Outcome, bool]:
        """Record an outcome; True when it replaced one."""

    async def decision(self, decision_id: str, call: Call) -> DecisionRecord:
        """Look a decision up."""

    def models(self, router: str, call: Call) -> list[tuple[Model, bool]]:
        """The models the caller may use, each with whether it is available; all routers' when `router` is empty."""


class RouterService:
    """Serves `frontdesk.v1.RouterService`."""

    def __init__(self, desk: Desk, limits: Limits = DEFAULT_LIMITS) -> None:
        self._desk = desk
        self._limits = limits

    def handlers(self, interceptor: Interceptor) -> dict[str, grpc.RpcMethodHandler[bytes, Any]]:
        """The handler of every method by its name."""

        def full(name: str) -> str:
            return f"{SERVICE_NAME}/{name}"

        unary, stream = interceptor.unary, interceptor.stream
        return {
            "Route": unary(full("Route"), pb.RouteRequest, pb.RouteResponse, self.route),
            "RouteBatch": unary(full("RouteBatch"), pb.RouteBatchRequest, pb.RouteBatchResponse, self.route_batch),
            "Complete": unary(full("Complete"), pb.CompleteRequest, pb.CompleteResponse, self.complete),
            "StreamComplete": stream(
                full("StreamComplete"), pb.StreamCompleteRequest, pb.StreamCompleteResponse, self.stream_complete
            ),
            "ReportOutcome": unary(
                full("ReportOutcome"), pb.ReportOutcomeRequest, pb.ReportOutcomeResponse, self.report_outcome
            ),
            "GetDecision": unary(full("GetDecision"), pb.GetDecisionRequest, pb.GetDecisionResponse, self.get_decision),
            "ListModels": unary(full("ListModels"), pb.ListModelsRequest, pb.ListModelsResponse, self.list_models),
        }

    async def route(self, request: pb.RouteRequest, call: FrontCall) -> pb.RouteResponse:
        """Decide only."""
        query, policy = self._read(request)
        decision = await self._desk.route(query, policy, call, dict(request.labels))
        return pb.RouteResponse(decision=encode_decision(decision))

    async def route_batch(self, request: pb.RouteBatchRequest, call: FrontCall) -> pb.RouteBatchResponse:
        """Decide for many queries; one that is invalid does not fail the others."""
        validation.validate_batch_request(request, self._limits)
        queries: list[Query] = []
        refused: dict[int, FrontdeskError] = {}
        for index, query in enumerate(request.queries):
            await asyncio.sleep(0)  # a long batch leaves the others their turn
            try:
                messages = plain_messages(query, self._limits)
                validation.validate_batch_query(query, index, self._limits, plain=messages is not None)
                queries.append(decode_query(query, messages))
            except InvalidRequest as error:
                refused[index] = error
        policy, labels = decode_policy(request.policy), dict(request.labels)
        routed = iter(await self._desk.route_batch(queries, policy, call, labels) if queries else ())
        results = [refused[i] if i in refused else next(routed) for i in range(len(request.queries))]
        return pb.RouteBatchResponse(results=[_route_result(result) for result in results])

    async def complete(self, request: pb.CompleteRequest, call: FrontCall) -> pb.CompleteResponse:
        """Decide and return the whole answer. Of a long one the decision goes ahead."""
        query, policy = self._read(request)

        async def emit(event: CompletionEvent) -> None:
            if isinstance(event, Started):
                call.send_ahead(_found_by(event.decision))

        decision, completion = await self._desk.complete(query, policy, call, dict(request.labels), emit)
        answer, settlement = completion.answer, completion.settlement
        return pb.CompleteResponse(
            completion_id=decision.decision_id,
            decision=encode_decision(decision),
            model=completion.model,
            message=encode_message(answer.message),
            finish_reason=FINISH_REASON[answer.finish_reason],
            usage=encode_usage(answer.usage),
            cost=encode_cost(settlement.cost),
            attempts=[encode_attempt(attempt) for attempt in settlement.attempts],
            logprobs=encode_logprobs(answer.logprobs),
        )

    async def stream_complete(
        self, request: pb.StreamCompleteRequest, call: FrontCall, write: Write[pb.StreamCompleteResponse]
    ) -> None:
        """Decide and stream the answer. A caller that does not read has until the deadline."""
        query, policy = self._read(request)
        deadline = self._desk.deadline(policy, call)

        def emit(event: CompletionEvent) -> Awaitable[None]:
            return write(encode_event(event), deadline)

        await self._desk.stream_complete(query, policy, call, dict(request.labels), emit)

    async def report_outcome(self, request: pb.ReportOutcomeRequest, call: FrontCall) -> pb.ReportOutcomeResponse:
        """Record how good an answer was."""
        validation.validate_outcome_request(request, self._limits)
        source = request.source or _DEFAULT_SOURCE
        outcome, replaced = await self._desk.report_outcome(
            request.decision_id, request.quality, source, call, dict(request.labels)
        )
        return pb.ReportOutcomeResponse(outcome=encode_outcome(outcome), replaced=replaced)

    async def get_decision(self, request: pb.GetDecisionRequest, call: FrontCall) -> pb.GetDecisionResponse:
        """Return a recorded decision with what became of it."""
        validation.validate_decision_request(request)
        return encode_record(await self._desk.decision(request.decision_id, call))

    async def list_models(self, request: pb.ListModelsRequest, call: FrontCall) -> pb.ListModelsResponse:
        """List the models which the caller may use."""
        validation.validate_models_request(request, self._limits)
        try:
            models = self._desk.models(request.router, call)
        except UnknownRouter as error:
            error.field = "router"  # the desk names the field of the other requests
            raise
        models = sorted(models, key=lambda entry: entry[0].name)
        return pb.ListModelsResponse(models=[encode_model(model, available) for model, available in models])

    def _read(self, request: validation.QueryRequest) -> tuple[Query, RoutingPolicy]:
        messages = plain_messages(request.query, self._limits)
        validation.validate_query_request(request, self._limits, plain=messages is not None)
        return decode_query(request.query, messages), decode_policy(request.policy)


def _route_result(result: Decision | FrontdeskError) -> pb.RouteResult:
    if isinstance(result, Decision):
        return pb.RouteResult(decision=encode_decision(result))
    status, violations = status_of(result), violations_of(result)
    error = pb.RouteError(
        code=status.code.value[0],
        reason=result.reason,
        message=status.message,
        field=violations[0].field if violations else "",
    )
    return pb.RouteResult(error=error)


def _found_by(decision: Decision) -> list[tuple[str, str]]:
    """What a completion is found by, named as in the HTTP faces' headers."""
    named = (
        ("x-frontdesk-decision-id", decision.decision_id),
        ("x-frontdesk-model", decision.model),
        ("x-frontdesk-router", decision.router),
    )
    return [(key, value) for key, value in named if value.isascii() and value.isprintable()]
