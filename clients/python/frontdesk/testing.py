"""A Frontdesk for your own tests: a gRPC server in this process that answers what a test has told it to.

    with FakeFrontdesk() as desk, frontdesk.sync.Client(desk.address) as client:
        desk.answer("4", model="small-llm")
        desk.fail(reasons.RATE_LIMITED, grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_seconds=2)
        assert text_of(client.complete("What is 2 + 2?").message) == "4"

The clients are the real ones, so what they do with errors, broken streams and deadlines is tried, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, NoReturn, Self

import grpc
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from frontdesk import reasons
from frontdesk._fold import Fold
from frontdesk.errors import DOMAIN, ID_KEY
from frontdesk.events import event_of
from frontdesk.messages import text_of
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import FINISH_REASON_STOP, FinishReason, Query, ToolCall, Usage
from frontdesk.v1.router_service_pb2_grpc import RouterServiceServicer, add_RouterServiceServicer_to_server
from frontdesk.v1.routing_pb2 import STEP_KIND_PRIMARY, Candidate, Cost, Decision, PlanStep

__all__ = ["FakeFrontdesk"]


@dataclass(frozen=True, slots=True)
class _Failure:
    code: grpc.StatusCode
    reason: str
    message: str
    retry_after_seconds: float | None = None

    def status(self, failure: pb.CompletionFailure | None = None) -> Any:
        status = Status(code=self.code.value[0], message=self.message)
        status.details.add().Pack(ErrorInfo(reason=self.reason, domain=DOMAIN))
        if self.retry_after_seconds is not None:
            retry = RetryInfo()
            retry.retry_delay.FromNanoseconds(round(self.retry_after_seconds * 1e9))
            status.details.add().Pack(retry)
        if failure is not None:
            status.details.add().Pack(failure)
        return rpc_status.to_status(status)


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    model: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason.ValueType = FINISH_REASON_STOP
    cost_nano_usd: int = 1_000
    broken: _Failure | None = None


@dataclass(slots=True)
class FakeFrontdesk:
    """Serves on a port of loopback while its `with` block lasts. What is asked of it is in `requests` and `queries`.

    Args:
        models: the pool; the first one is decided for where a test names no other.
        text: what is answered where a test has said nothing.
    """

    models: tuple[str, ...] = ("small-llm", "frontier-llm")
    text: str = "An answer."
    requests: list[Any] = field(default_factory=list, init=False)
    _script: deque[_Answer | _Failure] = field(default_factory=deque, init=False, repr=False)
    _server: grpc.Server = field(init=False, repr=False)
    _port: int = field(default=0, init=False, repr=False)

    @property
    def address(self) -> str:
        """The target for a client."""
        return f"127.0.0.1:{self._port}"

    @property
    def queries(self) -> list[Query]:
        """The queries of Route, Complete and StreamComplete so far."""
        return [request.query for request in self.requests if hasattr(request, "query")]

    def answer(
        self,
        text: str = "",
        *,
        model: str | None = None,
        tool_calls: Iterable[ToolCall] = (),
        finish_reason: FinishReason.ValueType = FINISH_REASON_STOP,
        cost_nano_usd: int = 1_000,
    ) -> None:
        """What the next call that asks for a decision is given."""
        self._script.append(_Answer(text, model, tuple(tool_calls), finish_reason, cost_nano_usd))

    def fail(
        self,
        reason: str,
        code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE,
        message: str = "the test said so",
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        """The next call fails. UNAVAILABLE is final here: the client's own retries are told to rest."""
        self._script.append(_Failure(code, reason, message, retry_after_seconds))

    def break_off(self, text: str, reason: str = reasons.UPSTREAM_CUT) -> None:
        """The next stream gives the text and then fails; a unary call fails with the same account."""
        failure = _Failure(grpc.StatusCode.UNAVAILABLE, reason, "the test said so")
        self._script.append(_Answer(text, broken=failure))

    def __enter__(self) -> Self:
        self._server = grpc.server(ThreadPoolExecutor(thread_name_prefix="fake-frontdesk"))
        add_RouterServiceServicer_to_server(_Service(self), self._server)
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()

    def _next(self) -> _Answer | _Failure:
        return self._script.popleft() if self._script else _Answer(self.text)


class _Service(RouterServiceServicer):
    """Plays the script."""

    def __init__(self, desk: FakeFrontdesk) -> None:
        self._desk = desk
        self._numbers = count(1)
        self._decided: dict[str, pb.GetDecisionResponse] = {}

    def Route(self, request: pb.RouteRequest, context: Any) -> pb.RouteResponse:  # noqa: N802
        _, decision = self._decide(request, context)
        return pb.RouteResponse(decision=decision)

    def RouteBatch(self, request: pb.RouteBatchRequest, context: Any) -> pb.RouteBatchResponse:  # noqa: N802
        response = pb.RouteBatchResponse()
        for _ in request.queries:
            response.results.add(decision=self._decide(request, context)[1])
        return response

    def Complete(self, request: pb.CompleteRequest, context: Any) -> pb.CompleteResponse:  # noqa: N802
        fold = Fold()
        for response in self.StreamComplete(request, context):
            event = event_of(response)
            if event is not None:
                fold.add(event)
        return fold.response()

    def StreamComplete(self, request: Any, context: Any) -> Iterator[pb.StreamCompleteResponse]:  # noqa: N802
        answer, decision = self._decide(request, context)
        event, model = pb.StreamCompleteResponse, decision.model
        context.send_initial_metadata(((ID_KEY, decision.decision_id),))
        yield event(started=pb.Started(completion_id=decision.decision_id, decision=decision))
        yield event(attempt_started=pb.AttemptStarted(model=model, kind=STEP_KIND_PRIMARY))
        half = len(answer.text) // 2
        for piece in filter(None, (answer.text[:half], answer.text[half:])):
            yield event(text_delta=pb.TextDelta(text=piece))
        for index, call in enumerate(answer.tool_calls):
            delta = pb.ToolCallDelta(
                part=index + 1, index=index, id=call.id, name=call.name, arguments_json=call.arguments_json
            )
            yield event(tool_call_delta=delta)
        cost = Cost(total_nano_usd=answer.cost_nano_usd, attempts_nano_usd=answer.cost_nano_usd)
        recorded = self._decided[decision.decision_id]
        recorded.cost.CopyFrom(cost)
        if answer.broken is not None:
            account = pb.CompletionFailure(completion_id=decision.decision_id, cost=cost, committed=bool(answer.text))
            self._abort(context, answer.broken, account)
        usage = Usage(input_tokens=sum(len(text_of(m).split()) for m in request.query.messages))
        usage.output_tokens = len(answer.text.split())
        completed = pb.Completed(model=model, finish_reason=answer.finish_reason, usage=usage, cost=cost)
        yield event(completed=completed)

    def ReportOutcome(self, request: pb.ReportOutcomeRequest, context: Any) -> pb.ReportOutcomeResponse:  # noqa: N802
        self._desk.requests.append(request)
        outcome = pb.Outcome(decision_id=request.decision_id, quality=request.quality, source=request.source)
        self._found(request.decision_id, context).outcomes.append(outcome)
        return pb.ReportOutcomeResponse(outcome=outcome)

    def GetDecision(self, request: pb.GetDecisionRequest, context: Any) -> pb.GetDecisionResponse:  # noqa: N802
        self._desk.requests.append(request)
        return self._found(request.decision_id, context)

    def ListModels(self, request: pb.ListModelsRequest, context: Any) -> pb.ListModelsResponse:  # noqa: N802
        self._desk.requests.append(request)
        return pb.ListModelsResponse(models=[pb.Model(name=name, available=True) for name in self._desk.models])

    def _decide(self, request: Any, context: Any) -> tuple[_Answer, Decision]:
        self._desk.requests.append(request)
        step = self._desk._next()
        if isinstance(step, _Failure):
            self._abort(context, step)
        model = step.model or self._desk.models[0]
        decision = Decision(
            decision_id=f"{next(self._numbers):026}",
            model=model,
            reason="the test said so",
            router=request.policy.router or "default",
            strategy="fake",
            propensity=1.0,
            candidates=[Candidate(model=name) for name in self._desk.models],
            plan=[PlanStep(model=model, kind=STEP_KIND_PRIMARY)],
        )
        self._decided[decision.decision_id] = pb.GetDecisionResponse(decision=decision, labels=request.labels)
        return step, decision

    def _found(self, decision_id: str, context: Any) -> pb.GetDecisionResponse:
        recorded = self._decided.get(decision_id)
        if recorded is None:
            message = f"no decision {decision_id!r} is recorded"
            self._abort(context, _Failure(grpc.StatusCode.NOT_FOUND, reasons.DECISION_NOT_FOUND, message))
        return recorded

    def _abort(self, context: Any, failure: _Failure, account: pb.CompletionFailure | None = None) -> NoReturn:
        status = failure.status(account)
        context.set_trailing_metadata((("grpc-retry-pushback-ms", "-1"), *status.trailing_metadata))
        context.abort(status.code, status.details)
        raise AssertionError("abort raises")
