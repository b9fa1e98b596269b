"""An external processor of bare grpc.aio that answers every message of a gateway with constants: what the stack costs.

It decides nothing, reads no body, and keeps no books.

Usage: python -m benchmarks.servers.bare_processor PORT
"""

from __future__ import annotations

import sys
from typing import Any

import grpc
import uvloop
from frontdesk_server.rpc.ext_proc import gateway_pb2 as pb
from frontdesk_server.rpc.ext_proc.service import PROCESSOR_NAME

from benchmarks.servers.serving import serve

Context = grpc.aio.ServicerContext[pb.ProcessingRequest, pb.ProcessingResponse]

_SAID = ("x-frontdesk-model", "x-frontdesk-decision-id", "x-frontdesk-cluster")
_MUTATION = pb.HeaderMutation(
    set_headers=[
        pb.HeaderValueOption(
            header=pb.HeaderValue(key=name, raw_value=b"upstream"),
            append_action=pb.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
        )
        for name in _SAID
    ]
)
_CHANGED = pb.CommonResponse(header_mutation=_MUTATION, clear_route_cache=True)
_ANSWERS = {
    "request_headers": pb.ProcessingResponse(request_headers=pb.HeadersResponse()),
    "request_body": pb.ProcessingResponse(request_body=pb.BodyResponse(response=_CHANGED)),
    "response_headers": pb.ProcessingResponse(response_headers=pb.HeadersResponse()),
    "response_body": pb.ProcessingResponse(response_body=pb.BodyResponse()),
}


async def _process(_: Any, context: Context) -> None:
    while isinstance(message := await context.read(), pb.ProcessingRequest):
        kind = message.WhichOneof("request")
        assert kind is not None
        await context.write(_ANSWERS[kind])
        if kind == "response_body" and message.response_body.end_of_stream:
            return


def main() -> None:
    """Serve until the process is ended."""
    handler = grpc.stream_stream_rpc_method_handler(
        _process, pb.ProcessingRequest.FromString, pb.ProcessingResponse.SerializeToString
    )
    uvloop.run(serve(int(sys.argv[1]), {PROCESSOR_NAME: {"Process": handler}}))


if __name__ == "__main__":
    main()
