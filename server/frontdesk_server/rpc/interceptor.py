"""The one layer around every method, folded in when the handlers are built.

It refuses what is too much, too large, too late or not a message, opens and ends the call's observation, and turns
errors into statuses. Requests arrive here as bytes: a deserializer that raises would make gRPC answer INTERNAL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from frontdesk_server.desk.calls import BegunCall, FrontCall, RunningCalls
from frontdesk_server.domain.errors import (
    DeadlineExceeded,
    FieldViolation,
    FrontdeskError,
    InvalidRequest,
    RequestTooLarge,
)
from frontdesk_server.rpc.ahead import Ahead
from frontdesk_server.rpc.call import metadata_of
from frontdesk_server.rpc.peer import peer_names
from frontdesk_server.rpc.reasons import InvalidReason
from frontdesk_server.rpc.status import RpcStatus, internal_status, status_of
from frontdesk_server.rpc.wire import find_invalid_utf8

Context = grpc.aio.ServicerContext[bytes, Any]
_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

Write = Callable[[_Response, float], Awaitable[None]]
"""Sends a response, which may take until an instant of the clock's monotonic time; raises DeadlineExceeded after it."""

Read = Callable[[], Awaitable[_Request | None]]
"""The caller's next message; None when there are no more."""

_STATUS_SECONDS = 1.0
"""How long a status may take to be sent: behind messages that the caller does not read it would wait for ever."""


class Interceptor:
    """Wraps the methods of a service; its calls count among those that are running."""

    def __init__(self, calls: RunningCalls, max_message_bytes: int) -> None:
        self._calls = calls
        self._max_message_bytes = max_message_bytes

    def unary(
        self,
        method: str,
        request_type: type[_Request],
        response_type: type[_Response],
        serve: Callable[[_Request, FrontCall], Awaitable[_Response]],
    ) -> grpc.RpcMethodHandler[bytes, _Response]:
        """The handler of a method with one response; `method` is the full name without a leading slash."""

        async def handle(raw: bytes, context: Context) -> _Response:
            begun = self._calls.begin(method, metadata_of(context), context.cancelled)
            try:
                call = begun.open(partial(peer_names, context), context.time_remaining())
                async with Ahead(context) as ahead:
                    call.send_ahead = ahead.later
                    response = await serve(self._parse(request_type, raw), call)
            except BaseException as error:
                await _fail(error, begun, context)
                raise
            finally:
                begun.leave()
            begun.succeeded()
            return response

        return grpc.unary_unary_rpc_method_handler(handle, response_serializer=response_type.SerializeToString)

    def stream(
        self,
        method: str,
        request_type: type[_Request],
        response_type: type[_Response],
        serve: Callable[[_Request, FrontCall, Write[_Response]], Awaitable[None]],
    ) -> grpc.RpcMethodHandler[bytes, _Response]:
        """The handler of a method with a stream of responses, which `serve` writes."""

        # A coroutine that writes, not a generator: gRPC does not close a generator when the caller goes away.
        async def handle(raw: bytes, context: Context) -> None:
            begun = self._calls.begin(method, metadata_of(context), context.cancelled)
            try:
                call = begun.open(partial(peer_names, context), context.time_remaining())
                await serve(self._parse(request_type, raw), call, partial(self._write, context))
            except BaseException as error:
                await _fail(error, begun, context)
                raise
            finally:
                begun.leave()
            begun.succeeded()

        return grpc.unary_stream_rpc_method_handler(handle, response_serializer=response_type.SerializeToString)

    def exchange(
        self,
        method: str,
        request_type: type[_Request],
        response_type: type[_Response],
        serve: Callable[[Read[_Request], Callable[[_Response], Awaitable[None]], FrontCall], Awaitable[None]],
    ) -> grpc.RpcMethodHandler[bytes, _Response]:
        """The handler of a method in which both sides send messages as they like; `serve` reads and writes."""

        async def handle(_: AsyncIterator[bytes], context: Context) -> None:
            begun = self._calls.begin(method, metadata_of(context), context.cancelled)

            async def read() -> _Request | None:
                raw = await context.read()
                return self._parse(request_type, raw) if isinstance(raw, bytes) else None

            async def write(response: _Response) -> None:
                try:
                    await context.write(response)
                except grpc.aio.InternalError as gone:  # as in _write
                    raise asyncio.CancelledError from gone

            try:
                await serve(read, write, begun.open(partial(peer_names, context), context.time_remaining()))
            except BaseException as error:
                await _fail(error, begun, context)
                raise
            finally:
                begun.leave()
            begun.succeeded()

        return grpc.stream_stream_rpc_method_handler(handle, response_serializer=response_type.SerializeToString)

    async def _write(self, context: Context, response: Message, deadline: float) -> None:
        """Send a response. It waits (flow control) for a caller that does not read, by gRPC's own rules for ever."""
        try:
            async with asyncio.timeout(deadline - self._calls.clock.monotonic()):
                await context.write(response)
        except TimeoutError as timeout:
            raise DeadlineExceeded("the deadline passed while the caller did not read") from timeout
        except grpc.aio.InternalError as gone:  # of which gRPC tells this task as a cancel, but maybe later
            raise asyncio.CancelledError from gone

    def _parse(self, request_type: type[_Request], raw: bytes) -> _Request:
        if len(raw) > self._max_message_bytes:
            raise RequestTooLarge(len(raw), self._max_message_bytes)
        try:
            return request_type.FromString(raw)
        except DecodeError as error:
            field = find_invalid_utf8(raw, request_type)
            reason = InvalidReason.MALFORMED_REQUEST if field is None else InvalidReason.INVALID_UTF8
            raise InvalidRequest([FieldViolation(field or "", reason.value, reason.name)]) from error


async def _fail(error: BaseException, begun: BegunCall, context: Context) -> None:
    """Send the status of a call that failed; returns only for what the caller must raise again."""
    told = begun.failed(error, context.time_remaining())
    if told is not None:
        ours = not isinstance(error, FrontdeskError | asyncio.CancelledError)
        await _abort(context, internal_status() if ours else status_of(told))


async def _abort(context: Context, status: RpcStatus) -> None:
    """End a call with this status; one that its caller does not hear is reset, which a cancelled handler tells gRPC."""
    try:
        async with asyncio.timeout(_STATUS_SECONDS):
            await context.abort(status.code, status.message, status.trailing_metadata)
    except (TimeoutError, grpc.aio.InternalError) as unheard:
        raise asyncio.CancelledError from unheard
