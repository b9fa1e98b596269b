"""Connect and gRPC-Web: the contract itself over HTTP/1.1, for browsers and curl.

The methods are those that gRPC serves; only how they travel is another. `connectrpc` speaks the protocols.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from frontdesk.v1 import router_service_pb2 as pb
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from protobuf.wkt import Any as Packed

from frontdesk_server.desk.calls import BegunCall, FrontCall, RunningCalls
from frontdesk_server.domain.call import Peer
from frontdesk_server.domain.errors import DeadlineExceeded, FrontdeskError, RequestTooLarge
from frontdesk_server.faces.browsers import Pages
from frontdesk_server.faces.serving import metadata_of
from frontdesk_server.faces.status import UnsupportedMediaType
from frontdesk_server.rpc.reasons import DOMAIN, InvalidReason
from frontdesk_server.rpc.service import SERVICE_NAME, RouterService
from frontdesk_server.rpc.status import RpcStatus, internal_status, status_of

PREFIX = f"/{SERVICE_NAME}/"

_REFUSED = {
    Code.INVALID_ARGUMENT: InvalidReason.MALFORMED_REQUEST.name,
    Code.INTERNAL: InvalidReason.MALFORMED_REQUEST.name,  # frames, whose code the protocol fixes
    Code.RESOURCE_EXHAUSTED: RequestTooLarge.reason,
    Code.UNIMPLEMENTED: UnsupportedMediaType.reason,
}
"""Why `connectrpc` refuses by itself: what cannot be read, is too long, or is compressed in an unknown way."""

_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"

peer_of_request: ContextVar[Peer] = ContextVar("peer_of_request", default=tuple)
"""The names in the certificate of whom this task serves, which `connectrpc` does not tell."""

_Context = RequestContext[Any, Any]
_Unary = Callable[[Any, FrontCall], Awaitable[Any]]


class ConnectFace(ConnectASGIApplication[RouterService]):
    """The ASGI application that serves every method of the contract."""

    def __init__(self, service: RouterService, calls: RunningCalls, max_message_bytes: int, pages: Pages) -> None:
        self._calls = calls
        self._pages = pages
        super().__init__(
            service=service,
            endpoints=self._served,
            interceptors=[_Reasons()],
            read_max_bytes=max_message_bytes,
            codecs=[google_protobuf_binary_codec(), google_protobuf_json_codec(ignore_unknown_fields=False)],
        )

    @property
    def path(self) -> str:
        """Where the service is mounted."""
        return f"/{SERVICE_NAME}"

    def _served(self, service: RouterService) -> dict[str, Any]:
        stream = _Streaming(self._calls, self._pages, service)
        info = _info("StreamComplete", pb.StreamCompleteRequest, pb.StreamCompleteResponse, StreamType.SERVER_STREAM)
        methods: tuple[tuple[str, type, type, _Unary], ...] = (
            ("Route", pb.RouteRequest, pb.RouteResponse, service.route),
            ("RouteBatch", pb.RouteBatchRequest, pb.RouteBatchResponse, service.route_batch),
            ("Complete", pb.CompleteRequest, pb.CompleteResponse, service.complete),
            ("ReportOutcome", pb.ReportOutcomeRequest, pb.ReportOutcomeResponse, service.report_outcome),
            ("GetDecision", pb.GetDecisionRequest, pb.GetDecisionResponse, service.get_decision),
            ("ListModels", pb.ListModelsRequest, pb.ListModelsResponse, service.list_models),
        )
        served: dict[str, Any] = {f"{PREFIX}StreamComplete": Endpoint.server_stream(info, stream.serve)}
        for name, request_type, response_type, serve in methods:
            info = _info(name, request_type, response_type, StreamType.UNARY)
            unary = _Unaries(self._calls, self._pages, f"{SERVICE_NAME}/{name}", serve)
            served[PREFIX + name] = Endpoint.unary(info, unary.serve)
        return served


class _Reasons:
    """Gives what `connectrpc` itself refuses, which never becomes a call, the details that every refusal has."""

    async def on_start(self, context: _Context) -> None:
        """Nothing is to be kept."""

    async def on_end(self, token: None, context: _Context, error: Exception | None, /) -> None:
        """Raise it anew with the reason."""
        if isinstance(error, ConnectError) and not error.details and error.code in _REFUSED:
            info = ErrorInfo(reason=_REFUSED[error.code], domain=DOMAIN)
            packed = Packed(type_url=_ERROR_INFO, value=info.SerializeToString())
            raise ConnectError(error.code, error.message, [ErrorDetail(packed)]) from error


@dataclass(frozen=True, slots=True)
class _Unaries:
    """A method with one response."""

    calls: RunningCalls
    pages: Pages
    method: str
    answer: _Unary

    async def serve(self, request: Any, context: _Context) -> Any:
        """Serve one call."""
        begun, remaining = _begin(self.calls, self.method, context)
        try:
            response = await self.answer(request, _open(begun, self.pages, remaining))
        except BaseException as error:
            if (told := _failure(error, begun, remaining)) is None:
                raise
            raise told from error
        finally:
            begun.leave()
        begun.succeeded()
        return response


@dataclass(frozen=True, slots=True)
class _Streaming:
    """The method with a stream of responses: what is pushed here is pulled there, one at a time."""

    calls: RunningCalls
    pages: Pages
    service: RouterService

    async def serve(self, request: pb.StreamCompleteRequest, context: _Context) -> AsyncIterator[Any]:
        """Serve one call."""
        begun, remaining = _begin(self.calls, f"{SERVICE_NAME}/StreamComplete", context)
        handed: asyncio.Queue[Any] = asyncio.Queue(1)
        answering: asyncio.Task[None] | None = None
        try:
            call = _open(begun, self.pages, remaining)
            answering = asyncio.create_task(self._answer(request, call, handed))
            while (response := await handed.get()) is not None:
                yield response
            await answering
        except GeneratorExit:
            begun.failed(asyncio.CancelledError(), remaining)
            raise
        except BaseException as error:
            if (told := _failure(error, begun, remaining)) is None:
                raise
            raise told from error
        else:
            begun.succeeded()
        finally:
            if answering is not None and not answering.done():
                answering.cancel()
                await asyncio.wait([answering])
            begun.leave()

    async def _answer(self, request: pb.StreamCompleteRequest, call: FrontCall, handed: asyncio.Queue[Any]) -> None:
        async def write(response: pb.StreamCompleteResponse, deadline: float) -> None:
            try:
                async with asyncio.timeout(deadline - self.calls.clock.monotonic()):
                    await handed.put(response)
            except TimeoutError as timeout:
                raise DeadlineExceeded("the deadline passed while the caller did not read") from timeout

        try:
            await self.service.stream_complete(request, call, write)
        finally:
            await handed.put(None)


def _info(name: str, request_type: type, response_type: type, kind: StreamType) -> MethodInfo[Any, Any]:
    return MethodInfo(
        name=name,
        service_name=SERVICE_NAME,
        input=request_type,
        output=response_type,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=kind,
    )


def _begin(calls: RunningCalls, method: str, context: _Context) -> tuple[BegunCall, float | None]:
    metadata = metadata_of(dict(context.request_headers.allitems()))
    remaining = context.timeout_ms
    return calls.begin(method, metadata), None if remaining is None else remaining / 1000


def _open(begun: BegunCall, pages: Pages, remaining: float | None) -> FrontCall:
    call = begun.open(peer_of_request.get(), remaining)
    pages.admit("POST", begun.metadata, call.caller)
    return call


def _failure(error: BaseException, begun: BegunCall, remaining: float | None) -> ConnectError | None:
    """What to raise in its place; None where there is nobody to tell."""
    told = begun.failed(error, remaining)
    if told is None:
        return None
    ours = not isinstance(error, FrontdeskError | asyncio.CancelledError)
    return _connect_error(internal_status() if ours else status_of(told))


def _connect_error(status: RpcStatus) -> ConnectError:
    """The status with its details, as gRPC has it."""
    (raw,) = [value for _, value in status.trailing_metadata if isinstance(value, bytes)]
    details = Status.FromString(raw).details
    code = "canceled" if status.code.name == "CANCELLED" else status.code.name.lower()
    packed = [ErrorDetail(Packed(type_url=one.type_url, value=one.value)) for one in details]
    return ConnectError(Code(code), status.message, packed)
