"""A RouterService that does what its caller asks for, so that every client can be held to every case.

The request's router names the scenario (a decision id does where a request has no router):

default          answers with the text of the last message, piece by piece
newer            as default, with enum values, fields and an event which this version does not know
settings         answers with the query as JSON
superseded       streams an answer that another model's supersedes
metadata         the decision's reason is what the server saw of the call, as JSON: metadata, seconds left, port
error:NAME       fails with that vector of errors.json
broken           fails after content has reached the caller; the status carries the account
incomplete       ends a stream without `completed`
disordered       sends a delta before its attempt
endless          streams until the caller goes away; GetDecision of the affinity key tells whether it did
silent           never answers; GetDecision of the affinity key tells whether the caller went away
flaky:N          UNAVAILABLE for the first N calls with the same affinity key; GetDecision of it tells how many came
refusing         UNAVAILABLE with the order not to retry; calls are counted as in flaky

`python tests/interop/scripted_server.py [--tls CERTIFICATE KEY]` prints its addresses as one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
from frontdesk.v1 import chat_pb2, router_service_pb2, router_service_pb2_grpc, routing_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection

VECTORS = Path(__file__).parents[1] / "contract" / "vectors"
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
UNKNOWN_FIELD = bytes.fromhex("82800505") + b"newer"
UNKNOWN_ENUM_VALUE = 99
PIECE_CHARACTERS = 4096
GONE_SECONDS = 5.0
"""How long GetDecision waits for the caller of an endless or silent call to go away."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
M = TypeVar("M", bound=Message)


class Script:
    """What the servers of one process remember of their calls, by affinity key."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.gone: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.outcomes: dict[tuple[str, str], router_service_pb2.Outcome] = {}
        errors = json.loads((VECTORS / "errors.json").read_text(encoding="utf-8"))
        self.statuses = {
            vector["name"]: status_pb2.Status.FromString(base64.b64decode(vector["status"])) for vector in errors
        }


class ScriptedService(router_service_pb2_grpc.RouterServiceServicer):
    """The scenarios, on one port."""

    def __init__(self, script: Script, port: int) -> None:
        self._script = script
        self._port = port

    async def Route(  # noqa: N802
        self, request: router_service_pb2.RouteRequest, context: Context
    ) -> router_service_pb2.RouteResponse:
        return router_service_pb2.RouteResponse(decision=await self._decide(request.policy, context))

    async def RouteBatch(  # noqa: N802
        self, request: router_service_pb2.RouteBatchRequest, context: Context
    ) -> router_service_pb2.RouteBatchResponse:
        """One decision a query, in order; an error for a query without messages."""
        response = router_service_pb2.RouteBatchResponse()
        for index, query in enumerate(request.queries):
            if query.messages:
                decision = await self._decide(request.policy, context)
                decision.reason = _text(query)
                response.results.add(decision=decision)
            else:
                response.results.add().error.MergeFrom(
                    router_service_pb2.RouteError(
                        code=grpc.StatusCode.INVALID_ARGUMENT.value[0],
                        reason="MESSAGES_EMPTY",
                        message="must not be empty",
                        field=f"queries[{index}].messages",
                    )
                )
        return response

    async def Complete(  # noqa: N802
        self, request: router_service_pb2.CompleteRequest, context: Context
    ) -> router_service_pb2.CompleteResponse:
        scenario = request.policy.router
        decision = await self._decide(request.policy, context)
        await context.send_initial_metadata((("x-frontdesk-decision-id", decision.decision_id),))
        if scenario == "silent":
            await self._until_gone(request.policy.affinity_key)
        if scenario == "broken":
            await self._abort(context, _failure_status(decision.decision_id), pushback_ms=-1)
        response = router_service_pb2.CompleteResponse(
            completion_id=decision.decision_id,
            decision=decision,
            model=decision.model,
            finish_reason=chat_pb2.FINISH_REASON_STOP,
            usage=_USAGE,
            cost=_COST,
            attempts=[_attempt()],
        )
        response.message.role = chat_pb2.ROLE_ASSISTANT
        response.message.parts.add(
            text=MessageToJson(request.query) if scenario == "settings" else _text(request.query)
        )
        if scenario == "newer":
            response.finish_reason = UNKNOWN_ENUM_VALUE  # type: ignore[assignment]  # that is the point
            return _newer(response)
        return response

    async def StreamComplete(  # noqa: N802
        self, request: router_service_pb2.StreamCompleteRequest, context: Context
    ) -> AsyncIterator[router_service_pb2.StreamCompleteResponse]:
        event = router_service_pb2.StreamCompleteResponse
        scenario = request.policy.router
        decision = await self._decide(request.policy, context)
        yield event(started=router_service_pb2.Started(completion_id=decision.decision_id, decision=decision))
        if scenario == "disordered":
            yield event(text_delta=router_service_pb2.TextDelta(text="Hi."))
            return
        if scenario == "newer":
            yield _newer(event())
        attempt = router_service_pb2.AttemptStarted(model=decision.model, kind=routing_pb2.STEP_KIND_PRIMARY)
        yield event(attempt_started=attempt)
        if scenario == "superseded":
            yield event(text_delta=router_service_pb2.TextDelta(text="Perhaps it "))
            rejected = _attempt(routing_pb2.ATTEMPT_OUTCOME_REJECTED)
            ended = router_service_pb2.AttemptEnded(attempt=rejected, next_model="frontier-llm", superseded=True)
            yield event(attempt_ended=ended)
            attempt = router_service_pb2.AttemptStarted(model="frontier-llm", kind=routing_pb2.STEP_KIND_ESCALATION)
            yield event(attempt_started=attempt)
        if scenario == "endless":
            async for delta in self._until_gone_streaming(request.policy.affinity_key):
                yield delta
        text = _text(request.query)
        for start in range(0, len(text), PIECE_CHARACTERS):
            yield event(text_delta=router_service_pb2.TextDelta(text=text[start : start + PIECE_CHARACTERS]))
        if scenario == "broken":
            await self._abort(context, _failure_status(decision.decision_id), pushback_ms=-1)
        if scenario == "incomplete":
            return
        completed = router_service_pb2.Completed(
            model=decision.model,
            finish_reason=chat_pb2.FINISH_REASON_STOP,
            usage=_USAGE,
            cost=_COST,
            attempts=[_attempt()],
        )
        yield _newer(event(completed=completed)) if scenario == "newer" else event(completed=completed)

    async def ReportOutcome(  # noqa: N802
        self, request: router_service_pb2.ReportOutcomeRequest, context: Context
    ) -> router_service_pb2.ReportOutcomeResponse:
        await self._play(request.decision_id, "", context)
        key = (request.decision_id, request.source or "caller")
        replaced = key in self._script.outcomes
        outcome = router_service_pb2.Outcome(
            decision_id=key[0], quality=request.quality, source=key[1], labels=request.labels
        )
        outcome.reported_at.FromSeconds(1_800_000_000)
        self._script.outcomes[key] = outcome
        return router_service_pb2.ReportOutcomeResponse(outcome=outcome, replaced=replaced)

    async def GetDecision(  # noqa: N802
        self, request: router_service_pb2.GetDecisionRequest, context: Context
    ) -> router_service_pb2.GetDecisionResponse:
        """The labels tell of the calls whose affinity key is the decision id."""
        key = request.decision_id
        await self._play(key, "", context)
        labels = {"calls": str(self._script.calls[key])}
        if key in self._script.gone:
            async with asyncio.timeout(GONE_SECONDS):
                await self._script.gone[key].wait()
            labels["gone"] = "true"
        outcomes = [outcome for (decision_id, _), outcome in self._script.outcomes.items() if decision_id == key]
        return router_service_pb2.GetDecisionResponse(
            decision=_decision(key), attempts=[_attempt()], cost=_COST, outcomes=outcomes, labels=labels
        )

    async def ListModels(  # noqa: N802
        self, request: router_service_pb2.ListModelsRequest, context: Context
    ) -> router_service_pb2.ListModelsResponse:
        await self._play(request.router, "", context)
        response = router_service_pb2.ListModelsResponse()
        for name in ("frontier-llm", "größtes-模型", "small-llm"):
            response.models.add(
                name=name,
                context_window=2**53 + 1,
                capabilities=[routing_pb2.CAPABILITY_TOOLS],
                available=True,
                prices=router_service_pb2.Prices(
                    input_nano_usd_per_million=100_000_000, output_nano_usd_per_million=500_000_000
                ),
            )
        return _newer(response) if request.router == "newer" else response

    async def _decide(self, policy: routing_pb2.RoutingPolicy, context: Context) -> routing_pb2.Decision:
        await self._play(policy.router, policy.affinity_key, context)
        decision = _decision(policy.affinity_key or "01JC3Q9W7T8V5E2N4K6M0P1R3S")
        if policy.router == "metadata":
            metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
            left = context.time_remaining()
            decision.reason = json.dumps({"metadata": metadata, "seconds_left": left, "port": self._port})
        if policy.router == "newer":
            decision.path.add(path="default/oracle", strategy="oracle").verdict = UNKNOWN_ENUM_VALUE  # type: ignore[assignment]
            return _newer(decision)
        return decision

    async def _play(self, scenario: str, key: str, context: Context) -> None:
        """Count the call, and fail it where the scenario says so."""
        self._script.calls[key] += 1
        kind, _, argument = scenario.partition(":")
        if kind == "error":
            await self._abort(context, self._script.statuses[argument])
        if kind == "flaky" and self._script.calls[key] <= int(argument):
            await self._abort(context, self._script.statuses["SHUTTING_DOWN"])
        if kind == "refusing":
            await self._abort(context, self._script.statuses["UPSTREAM_FAILED"], pushback_ms=-1)

    async def _abort(self, context: Context, status: status_pb2.Status, pushback_ms: int | None = None) -> NoReturn:
        trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", status.SerializeToString())]
        if pushback_ms is not None:
            trailers.append(("grpc-retry-pushback-ms", str(pushback_ms)))
        await context.abort(_STATUS_CODES[status.code], status.message, tuple(trailers))
        raise AssertionError("abort raises")

    async def _until_gone(self, key: str) -> NoReturn:
        gone = self._script.gone[key]
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            gone.set()
        raise AssertionError("nothing sets that future")

    async def _until_gone_streaming(self, key: str) -> AsyncIterator[router_service_pb2.StreamCompleteResponse]:
        gone = self._script.gone[key]
        try:
            while True:
                delta = router_service_pb2.TextDelta(text="and so on ")
                yield router_service_pb2.StreamCompleteResponse(text_delta=delta)
                await asyncio.sleep(0.02)
        finally:
            gone.set()


_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}
_USAGE = chat_pb2.Usage(input_tokens=5, output_tokens=7)
_COST = routing_pb2.Cost(total_nano_usd=12_000, attempts_nano_usd=12_000, strongest_nano_usd=360_000)


def _text(query: chat_pb2.Query) -> str:
    """The text of the last message."""
    return "".join(part.text for part in query.messages[-1].parts)


def _decision(decision_id: str) -> routing_pb2.Decision:
    return routing_pb2.Decision(
        decision_id=decision_id,
        model="small-llm",
        reason="the scenario says so",
        strategy="rules",
        candidates=[routing_pb2.Candidate(model="small-llm", predicted_quality=0.8)],
        plan=[routing_pb2.PlanStep(model="small-llm", kind=routing_pb2.STEP_KIND_PRIMARY)],
        router="default",
        router_version="3f2a9c01b7de",
        propensity=1.0,
    )


def _attempt(
    outcome: routing_pb2.AttemptOutcome.ValueType = routing_pb2.ATTEMPT_OUTCOME_ACCEPTED,
) -> routing_pb2.Attempt:
    return routing_pb2.Attempt(model="small-llm", outcome=outcome, usage=_USAGE, cost_nano_usd=12_000)


def _failure_status(completion_id: str) -> status_pb2.Status:
    status = status_pb2.Status(code=grpc.StatusCode.UNAVAILABLE.value[0], message="the response ended without its end")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="UPSTREAM_CUT", domain="frontdesk"))
    failure = router_service_pb2.CompletionFailure(
        completion_id=completion_id,
        attempts=[_attempt(routing_pb2.ATTEMPT_OUTCOME_FAILED)],
        cost=_COST,
        committed=True,
    )
    status.details.add().Pack(failure)
    return status


def _newer(message: M) -> M:
    """The message with a field which this version does not know; protobuf keeps and sends it."""
    message.MergeFromString(UNKNOWN_FIELD)
    return message


async def serve(credentials: grpc.ServerCredentials | None) -> None:
    """Serve on two ports, and on a third with TLS, until SIGTERM."""
    script = Script()
    addresses: dict[str, str] = {}
    servers = []
    for name in ("first", "second", "tls"):
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.so_reuseport", 0),
            ]
        )
        if name == "tls":
            if credentials is None:
                continue
            port = server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = server.add_insecure_port("127.0.0.1:0")
        router_service_pb2_grpc.add_RouterServiceServicer_to_server(ScriptedService(script, port), server)
        service_names = (
            router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].full_name,
            reflection.SERVICE_NAME,
        )
        reflection.enable_server_reflection(service_names, server)
        await server.start()
        addresses[name] = f"127.0.0.1:{port}"
        servers.append(server)
    print(json.dumps(addresses), flush=True)
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    await stop.wait()
    for server in servers:
        await server.stop(None)


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", nargs=2, type=Path, metavar=("CERTIFICATE", "KEY"), default=(None, None))
    certificate, key = parser.parse_args().tls
    credentials = None
    if certificate is not None:
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    asyncio.run(serve(credentials))


if __name__ == "__main__":
    main()
