"""The gateway's side of one HTTP request: its messages, and our answers in the way that it sends bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from frontdesk_server.rpc.ext_proc import gateway_pb2 as pb
from frontdesk_server.rpc.ext_proc.dialect import Refusal
from frontdesk_server.rpc.ext_proc.headers import Headers, mutation
from frontdesk_server.rpc.interceptor import Read

Write = Callable[[pb.ProcessingResponse], Awaitable[None]]

_MOST_PIECE_BYTES = 62_000
"""Of a body that goes on in full duplex: gateways refuse pieces of 64 KiB."""
_ACKNOWLEDGED = {
    "request_headers": pb.ProcessingResponse(request_headers=pb.HeadersResponse()),
    "response_headers": pb.ProcessingResponse(response_headers=pb.HeadersResponse()),
    "request_body": pb.ProcessingResponse(request_body=pb.BodyResponse()),
    "response_body": pb.ProcessingResponse(response_body=pb.BodyResponse()),
    "request_trailers": pb.ProcessingResponse(request_trailers=pb.TrailersResponse()),
    "response_trailers": pb.ProcessingResponse(response_trailers=pb.TrailersResponse()),
}


class Gateway:
    """Envoy waits for an answer to each of its messages; what streams in full duplex goes on as we repeat it."""

    def __init__(self, read: Read[pb.ProcessingRequest], write: Write) -> None:
        self.read = read
        self._write = write
        self._asked_in_duplex = False
        self._answered_in_duplex = False
        self._body_is_whole = True

    async def begin(self) -> pb.HttpHeaders | None:
        """The headers with which a request begins; None where nothing is to be answered."""
        first = await self.read()
        if first is None or first.observability_mode or first.WhichOneof("request") != "request_headers":
            return None
        protocol = first.protocol_config
        self._asked_in_duplex = protocol.request_body_mode == pb.FULL_DUPLEX_STREAMED
        self._answered_in_duplex = protocol.response_body_mode == pb.FULL_DUPLEX_STREAMED
        self._body_is_whole = protocol.request_body_mode in (pb.NONE, pb.BUFFERED)
        return first.request_headers

    @property
    def may_be_left(self) -> bool:
        """Whether it goes on by itself when we say no more."""
        return not (self._asked_in_duplex or self._answered_in_duplex)

    async def ask_for_body(self) -> None:
        """Let it send the body, before which it waits for an answer to the headers unless it streams."""
        if not self._asked_in_duplex:
            await self._write(_ACKNOWLEDGED["request_headers"])

    def ends_body(self, message: pb.ProcessingRequest) -> bool:
        """Whether the request's body ends with this message; in a buffer it comes whole, though trailers follow."""
        if message.WhichOneof("request") == "request_trailers":
            return True
        return message.request_body.end_of_stream or self._body_is_whole

    @property
    def cuts_bodies(self) -> bool:
        """Whether it sends the beginning alone of what its buffer does not hold."""
        return not (self._body_is_whole or self._asked_in_duplex)

    async def pass_request_headers(self, remove: Iterable[str]) -> None:
        """Let the request go on without these headers."""
        common = pb.CommonResponse(header_mutation=mutation(remove=remove))
        await self._write(pb.ProcessingResponse(request_headers=pb.HeadersResponse(response=common)))

    async def pass_response_headers(self, headers: Headers) -> None:
        """Let the response go on with these headers."""
        common = pb.CommonResponse(header_mutation=mutation(headers))
        await self._write(pb.ProcessingResponse(response_headers=pb.HeadersResponse(response=common)))

    async def send_on(self, headers: Headers, remove: Iterable[str], body: bytes) -> None:
        """Let the request go on with these headers and this body, along a route that is looked for by them."""
        if not self._asked_in_duplex:
            changed = mutation([*headers, ("content-length", str(len(body)))], remove)
            common = pb.CommonResponse(
                header_mutation=changed, body_mutation=pb.BodyMutation(body=body), clear_route_cache=True
            )
            await self._write(pb.ProcessingResponse(request_body=pb.BodyResponse(response=common)))
            return
        changed = mutation(headers, [*remove, "content-length"])
        common = pb.CommonResponse(header_mutation=changed, clear_route_cache=True)
        await self._write(pb.ProcessingResponse(request_headers=pb.HeadersResponse(response=common)))
        for begin in range(0, len(body), _MOST_PIECE_BYTES):
            piece = body[begin : begin + _MOST_PIECE_BYTES]
            streamed = _streamed(piece, end_of_stream=begin + len(piece) == len(body))
            await self._write(pb.ProcessingResponse(request_body=streamed))

    async def acknowledge(self, message: pb.ProcessingRequest) -> None:
        """Let a part pass as it is."""
        kind = message.WhichOneof("request")
        if kind == "request_body" and self._asked_in_duplex:
            body = message.request_body
            await self._write(pb.ProcessingResponse(request_body=_streamed(body.body, body.end_of_stream)))
        elif kind == "response_body" and self._answered_in_duplex:
            body = message.response_body
            await self._write(pb.ProcessingResponse(response_body=_streamed(body.body, body.end_of_stream)))
        elif kind is not None:
            await self._write(_ACKNOWLEDGED[kind])

    async def refuse(self, refusal: Refusal, details: str) -> None:
        """Answer the caller in the upstream's place; `details` show in the gateway's log."""
        headers = (("content-type", "application/json"), *refusal.headers)
        response = pb.ImmediateResponse(
            status=pb.HttpStatus(code=refusal.status), headers=mutation(headers), body=refusal.body, details=details
        )
        await self._write(pb.ProcessingResponse(immediate_response=response))


def _streamed(body: bytes, end_of_stream: bool) -> pb.BodyResponse:
    streamed = pb.StreamedBodyResponse(body=body, end_of_stream=end_of_stream)
    return pb.BodyResponse(response=pb.CommonResponse(body_mutation=pb.BodyMutation(streamed_response=streamed)))
