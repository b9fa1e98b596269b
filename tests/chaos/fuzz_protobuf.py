"""Mutated messages to every method of the real service: the answer is OK or a documented reason, never INTERNAL."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import grpc
from frontdesk import FrontdeskError, user
from frontdesk.errors import error_of
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import GenerationConfig, JsonSchemaFormat, Query, ResponseFormat, Tool
from frontdesk.v1.routing_pb2 import RoutingPolicy
from frontdesk_server.rpc.reasons import reason_rows
from google.protobuf.message import Message

from tests.chaos.fuzzing import Budget, Report, mutated
from tests.service import pool_config, service
from tests.upstream import FaultyUpstream

_QUERY = Query(
    messages=[user("What is 2 + 2?")],
    tools=[Tool(name="add", description="Adds.", parameters_json='{"type": "object"}')],
    generation=GenerationConfig(temperature=0.5, max_output_tokens=9, stop_sequences=["x"], seed=3),
)
_QUERY.generation.response_format.CopyFrom(ResponseFormat(json_schema=JsonSchemaFormat(name="a", schema_json="{}")))
_POLICY = RoutingPolicy(quality_floor=0.2, cost_weight=1, allowed_models=["small", "mid"], affinity_key="k")
_LABELS = {"team": "blue"}
_REQUESTS: dict[str, Message] = {
    "Route": pb.RouteRequest(query=_QUERY, policy=_POLICY, labels=_LABELS),
    "RouteBatch": pb.RouteBatchRequest(queries=[_QUERY, _QUERY], policy=_POLICY, labels=_LABELS),
    "Complete": pb.CompleteRequest(query=_QUERY, policy=_POLICY, labels=_LABELS),
    "StreamComplete": pb.StreamCompleteRequest(query=_QUERY, policy=_POLICY, labels=_LABELS),
    "ReportOutcome": pb.ReportOutcomeRequest(decision_id="0" * 26, quality=0.5, source="user", labels=_LABELS),
    "GetDecision": pb.GetDecisionRequest(decision_id="0" * 26),
    "ListModels": pb.ListModelsRequest(router="default"),
}
_DOCUMENTED = {(row.reason, row.code) for row in reason_rows() if row.code != "INTERNAL"}


async def fuzz(budget: Budget) -> Report:
    """Mutate a full request of each method in turn."""
    report = Report("protobuf messages")
    with tempfile.TemporaryDirectory() as folder:
        async with FaultyUpstream() as upstream:
            config = pool_config(upstream.openai_url, ledger={"url": f"sqlite:///{folder}/ledger.db"})
            async with service(config, Path(folder)) as (client, _), client._connect().channel as channel:
                for number, random in enumerate(budget.rounds()):
                    method = list(_REQUESTS)[number % len(_REQUESTS)]
                    raw = mutated(_REQUESTS[method].SerializeToString(), random)
                    report.inputs += 1
                    error = await _answer(channel, method, raw)
                    if error is not None and (error.reason, error.code.name) not in _DOCUMENTED:
                        report.findings.append(f"{method} {raw!r}: {error.code.name} {error}")
                    upstream.requests.clear()
    return report


async def _answer(channel: grpc.aio.Channel, method: str, raw: bytes) -> FrontdeskError | None:
    """The call's error; None when it went well."""
    path = f"/frontdesk.v1.RouterService/{method}"
    unary: Any = channel.unary_unary(path)
    stream: Any = channel.unary_stream(path)
    try:
        if method == "StreamComplete":
            async for _ in stream(raw, timeout=20):
                pass
        else:
            await unary(raw, timeout=20)
    except grpc.RpcError as error:
        return error_of(error)  # type: ignore[arg-type]
    return None
