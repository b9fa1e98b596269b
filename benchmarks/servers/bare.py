"""The baselines, bare grpc.aio on uvloop, in one process: what the stack itself costs for the same messages.

`Route` gives the request back. `Complete` and `StreamComplete` forward to an OpenAI-compatible upstream with aiohttp:
take the request apart, build the JSON, read the answer, put the response together; a message a chunk. No routing,
checks, deadlines, accounts, ledger, metrics or logs.

A request for the router `paced` goes to the upstream that takes its time.

Usage: python -m benchmarks.servers.bare PORT UPSTREAM_URL
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc
import orjson
import uvloop
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import (
    FINISH_REASON_STOP,
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_USER,
    ContentPart,
    Message,
    Query,
    Usage,
)

from benchmarks.harness.config import PACE_MS
from benchmarks.servers.serving import serve

_ROLES = {ROLE_SYSTEM: "system", ROLE_USER: "user", ROLE_ASSISTANT: "assistant"}
_JSON = {"content-type": "application/json"}
_DATA = b"data: "

Context = grpc.aio.ServicerContext[Any, Any]


class Bare:
    """The three handlers."""

    def __init__(self, session: aiohttp.ClientSession, upstream: str) -> None:
        self._session = session
        self._urls = {"": f"{upstream}/v1/chat/completions", "paced": f"{upstream}/pace/{PACE_MS}/v1/chat/completions"}

    async def route(self, request: pb.RouteRequest, context: Context) -> pb.RouteRequest:
        """The request."""
        return request

    async def complete(self, request: pb.CompleteRequest, context: Context) -> pb.CompleteResponse:
        """The upstream's answer."""
        async with self._session.post(self._urls[""], data=_body(request.query), headers=_JSON) as response:
            answer = orjson.loads(await response.read())
        message = answer["choices"][0]["message"]
        return pb.CompleteResponse(
            completion_id=answer["id"],
            model=answer["model"],
            message=Message(role=ROLE_ASSISTANT, parts=[ContentPart(text=message["content"])]),
            finish_reason=FINISH_REASON_STOP,
            usage=_usage(answer["usage"]),
        )

    async def stream_complete(
        self, request: pb.StreamCompleteRequest, context: Context
    ) -> AsyncIterator[pb.StreamCompleteResponse]:
        """The upstream's chunks, each as it comes."""
        yield pb.StreamCompleteResponse(started=pb.Started(completion_id="bare"))
        usage, model = Usage(), ""
        url, body = self._urls[request.policy.router], _body(request.query, stream=True)
        async with self._session.post(url, data=body, headers=_JSON) as response:
            async for line in response.content:
                if not line.startswith(_DATA) or line.startswith(b"data: [DONE]"):
                    continue
                chunk = orjson.loads(line[len(_DATA) :])
                model = chunk["model"]
                if chunk.get("usage"):
                    usage = _usage(chunk["usage"])
                elif text := chunk["choices"][0]["delta"].get("content"):
                    yield pb.StreamCompleteResponse(text_delta=pb.TextDelta(text=text))
        completed = pb.Completed(model=model, finish_reason=FINISH_REASON_STOP, usage=usage)
        yield pb.StreamCompleteResponse(completed=completed)


def _body(query: Query, *, stream: bool = False) -> bytes:
    messages = [
        {"role": _ROLES[message.role], "content": "".join(part.text for part in message.parts)}
        for message in query.messages
    ]
    body: dict[str, Any] = {"model": "upstream-model", "messages": messages}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return orjson.dumps(body)


def _usage(usage: dict[str, int]) -> Usage:
    return Usage(input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"])


async def forward(port: int, upstream: str) -> None:
    """Serve until the process is ended."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bare = Bare(session, upstream)
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Route": grpc.unary_unary_rpc_method_handler(
                bare.route, pb.RouteRequest.FromString, pb.RouteRequest.SerializeToString
            ),
            "Complete": grpc.unary_unary_rpc_method_handler(
                bare.complete, pb.CompleteRequest.FromString, pb.CompleteResponse.SerializeToString
            ),
            "StreamComplete": grpc.unary_stream_rpc_method_handler(
                bare.stream_complete, pb.StreamCompleteRequest.FromString, pb.StreamCompleteResponse.SerializeToString
            ),
        }
        await serve(port, {"frontdesk.v1.RouterService": handlers})


if __name__ == "__main__":
    uvloop.run(forward(int(sys.argv[1]), sys.argv[2]))
