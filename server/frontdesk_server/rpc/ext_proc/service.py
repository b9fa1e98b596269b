"""`envoy.service.ext_proc.v3.ExternalProcessor` over the desk."""

from __future__ import annotations

from typing import Any

import grpc

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.rpc.ext_proc import gateway_pb2 as pb
from frontdesk_server.rpc.ext_proc.gateway import Gateway, Write
from frontdesk_server.rpc.ext_proc.headers import read_headers
from frontdesk_server.rpc.ext_proc.transit import Terms, Transit, repeat_rest
from frontdesk_server.rpc.interceptor import Interceptor, Read

PROCESSOR_NAME = "envoy.service.ext_proc.v3.ExternalProcessor"


class ExternalProcessor:
    """One stream of messages is one HTTP request on its way through the gateway."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def handlers(self, interceptor: Interceptor) -> dict[str, grpc.RpcMethodHandler[bytes, Any]]:
        """The handler of every method by its name."""
        method = f"{PROCESSOR_NAME}/Process"
        return {"Process": interceptor.exchange(method, pb.ProcessingRequest, pb.ProcessingResponse, self.process)}

    async def process(self, read: Read[pb.ProcessingRequest], write: Write, call: FrontCall) -> None:
        """Decide for the request if it poses a query, and settle what becomes of it; others pass untouched.

        A gateway that we leave goes on by itself.
        """
        gateway = Gateway(read, write)
        begun = await gateway.begin()
        if begun is None:
            return
        headers = read_headers(begun)
        dialect = None if begun.end_of_stream else self._terms.dialect(headers)
        if dialect is not None:
            await Transit(self._terms, gateway, dialect, headers, call).run()
            return
        await gateway.pass_request_headers(sorted(self._terms.withheld(headers)))
        await repeat_rest(gateway)
