"""What is asked: one query as prepared bytes, for gRPC and for OpenAI's HTTP API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from frontdesk.messages import assistant, user
from frontdesk.v1.chat_pb2 import Query
from frontdesk.v1.router_service_pb2 import CompleteRequest, RouteRequest, StreamCompleteRequest
from frontdesk.v1.routing_pb2 import RoutingPolicy

from benchmarks.harness.http2 import grpc_frame

SERVICE = "/frontdesk.v1.RouterService"
QUERY = "What would be the best way to cache the results of this function in Python 3?"
"""15 words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it goes over the wire."""

    path: str
    body: bytes
    grpc: bool = True
    extra: tuple[tuple[str, str], ...] = ()
    """Headers beside the usual."""

    @property
    def headers(self) -> dict[str, str]:
        """All headers but the method, the path and the length."""
        if self.grpc:
            return {"te": "trailers", "content-type": "application/grpc", **dict(self.extra)}
        return {"content-type": "application/json", "authorization": "Bearer none", **dict(self.extra)}

    def saved(self, folder: Path) -> Path:
        """The body in a file of this folder."""
        file = folder / f"{abs(hash((self.path, self.body))):x}.body"
        file.write_bytes(self.body)
        return file


def conversation(messages: int) -> Query:
    """A query of so many messages, turn by turn; the last is the user's."""
    to_come = range(messages - 1, -1, -1)
    return Query(messages=[assistant("Use functools.cache.") if after % 2 else user(QUERY) for after in to_come])


def route(router: str = "", messages: int = 1) -> Asked:
    """`Route`; the default router when none is named."""
    request = RouteRequest(query=conversation(messages), policy=RoutingPolicy(router=router))
    return Asked(f"{SERVICE}/Route", grpc_frame(request.SerializeToString()))


def complete(router: str = "", messages: int = 1) -> Asked:
    """`Complete`."""
    request = CompleteRequest(query=conversation(messages), policy=RoutingPolicy(router=router))
    return Asked(f"{SERVICE}/Complete", grpc_frame(request.SerializeToString()))


def stream(router: str = "") -> Asked:
    """`StreamComplete`."""
    request = StreamCompleteRequest(query=conversation(1), policy=RoutingPolicy(router=router))
    return Asked(f"{SERVICE}/StreamComplete", grpc_frame(request.SerializeToString()))


def chat(
    *,
    stream: bool = False,
    model: str = "upstream-model",
    path: str = "/v1/chat/completions",
    extra: tuple[tuple[str, str], ...] = (),
) -> Asked:
    """The same question to an OpenAI-compatible API."""
    body: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": QUERY}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Asked(path, json.dumps(body).encode(), grpc=False, extra=extra)
