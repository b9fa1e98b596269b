"""The one layer around every method, folded in when the handlers are built.

It refuses what is too much, too large, too late or not a message, opens and ends the call's observation, and turns
errors into statuses. Requests arrive here as bytes: a deserializer that raises would make gRPC answer INTERNAL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from frontdesk_server.domain.call import Identify, has_passed
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import (
    DeadlineExceeded,
    FieldViolation,
    FrontdeskError,
    InvalidRequest,
    Overloaded,
    RequestTooLarge,
    ShuttingDown,
)
from frontdesk_server.domain.observer import CallObservation, Observer
from frontdesk_server.rpc.call import GrpcCall, anyone, metadata_of
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


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How much the server takes on. Past them calls are refused at once."""

    max_message_bytes: int
    max_concurrent_calls: int


class Interceptor:
    """Wraps the methods of a service and knows which of their calls are running."""

    def __init__(self, observer: Observer, clock: Clock, limits: CallLimits, identify: Identify = anyone) -> None:
        self._observer = observer
        self._clock = clock
        self._limits = limits
        self._identify = identify
        self._running: set[asyncio.Task[Any] | None] = set()
        self._shutting_down = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Wait until no call is running."""
        await self._idle.wait()

    def shut_down(self) -> None:
        """End every running call with ShuttingDown."""
        self._shutting_down = True
        for task in self._running:
            if task is not None:
                task.cancel()

    def unary(
        self,
        method: str,
        request_type: type[_Request],
        response_type: type[_Response],
        serve: Callable[[_Request, GrpcCall], Awaitable[_Response]],
    ) -> grpc.RpcMethodHandler[bytes, _Response]:
        """The handler of a method with one response; `method` is the full name without a leading slash."""

        async def handle(raw: bytes, context: Context) -> _Response:
            metadata = metadata_of(context)
            observation = self._observer.call_started(method, metadata)
            task = self._enter()
            try:
                call = self._open(context, metadata, observation)
                response = await serve(self._parse(request_type, raw), call)
            except BaseException as error:
                await self._fail(error, method, context, observation)
                raise
            finally:
                self._leave(task)
            observation.ended("OK", None)
            return response

        return grpc.unary_unary_rpc_method_handler(handle, response_serializer=response_type.SerializeToString)

    def stream(
        self,
        method: str,
        request_type: type[_Request],
        response_type: type[_Response],
        serve: Callable[[_Request, GrpcCall, Write[_Response]], Awaitable[None]],
    ) -> grpc.RpcMethodHandler[bytes, _Response]:
        """The handler of a method with a stream of responses, which `serve` writes."""

        # A coroutine that writes, not a generator: gRPC does not close a generator when the caller goes away.
        async def handle(raw: bytes, context: Context) -> None:
            metadata = metadata_of(context)
            observation = self._observer.call_started(method, metadata)
            task = self._enter()
            try:
                call = self._open(context, metadata, observation)
                await serve(self._parse(request_type, raw), call, partial(self._write, context))
            except BaseException as error:
                await self._fail(error, method, context, observation)
                raise
            finally:
                self._leave(task)
            observation.ended("OK", None)

        return grpc.unary_stream_rpc_method_handler(handle, response_serializer=response_type.SerializeToString)

    def exchange(
        self,
        method: str,
        request_type: type[_Request],
        response_type: type[_Response],
        serve: Callable[[Read[_Request], Callable[[_Response], Awaitable[None]], GrpcCall], Awaitable[None]],
    ) -> grpc.RpcMethodHandler[bytes, _Response]:
        """The handler of a method in which both sides send messages as they like; `serve` reads and writes."""

        async def handle(_: AsyncIterator[bytes], context: Context) -> None:
            metadata = metadata_of(context)
            observation = self._observer.call_started(method, metadata)
            task = self._enter()

            async def read() -> _Request | None:
                raw = await context.read()
                return self._parse(request_type, raw) if isinstance(raw, bytes) else None

            async def write(response: _Response) -> None:
                try:
                    await context.write(response)
                except grpc.aio.InternalError as gone:  # as in _write
                    raise asyncio.CancelledError from gone

            try:
                await serve(read, write, self._open(context, metadata, observation))
            except BaseException as error:
                await self._fail(error, method, context, observation)
                raise
            finally:
                self._leave(task)
            observation.ended("OK", None)

        return grpc.stream_stream_rpc_method_handler(handle, response_serializer=response_type.SerializeToString)

    def _enter(self) -> asyncio.Task[Any] | None:
        task = asyncio.current_task()
        self._running.add(task)
        self._idle.clear()
        return task

    def _leave(self, task: asyncio.Task[Any] | None) -> None:
        self._running.discard(task)
        if not self._running:
            self._idle.set()

    def _open(self, context: Context, metadata: Mapping[str, str], observation: CallObservation) -> GrpcCall:
        if len(self._running) > self._limits.max_concurrent_calls:
            raise Overloaded(f"{self._limits.max_concurrent_calls} calls are running already")
        remaining = context.time_remaining()
        if remaining is not None and remaining <= 0:
            raise DeadlineExceeded("the deadline was past when the call arrived")
        deadline = None if remaining is None else self._clock.monotonic() + remaining
        caller = self._identify(metadata, partial(peer_names, context))
        return GrpcCall(caller, deadline, metadata, observation, partial(self._stops, context))

    def _stops(self, context: Context) -> bool:
        """Whether a call that is cancelled is so because the server stops."""
        return self._shutting_down and not context.cancelled()

    async def _write(self, context: Context, response: Message, deadline: float) -> None:
        """Send a response. It waits (flow control) for a caller that does not read, by gRPC's own rules for ever."""
        try:
            async with asyncio.timeout(deadline - self._clock.monotonic()):
                await context.write(response)
        except TimeoutError as timeout:
            raise DeadlineExceeded("the deadline passed while the caller did not read") from timeout
        except grpc.aio.InternalError as gone:  # of which gRPC tells this task as a cancel, but maybe later
            raise asyncio.CancelledError from gone

    def _parse(self, request_type: type[_Request], raw: bytes) -> _Request:
        if len(raw) > self._limits.max_message_bytes:
            raise RequestTooLarge(len(raw), self._limits.max_message_bytes)
        try:
            return request_type.FromString(raw)
        except DecodeError as error:
            field = find_invalid_utf8(raw, request_type)
            reason = InvalidReason.MALFORMED_REQUEST if field is None else InvalidReason.INVALID_UTF8
            raise InvalidRequest([FieldViolation(field or "", reason.value, reason.name)]) from error

    async def _fail(self, error: BaseException, method: str, context: Context, observation: CallObservation) -> None:
        """End the call's observation and send its status; returns only for what the caller must raise again."""
        if isinstance(error, asyncio.CancelledError) and self._stops(context):
            error = ShuttingDown("the server is stopping")
        if isinstance(error, asyncio.CancelledError):
            late = has_passed(context.time_remaining(), now=0.0)
            observation.ended("DEADLINE_EXCEEDED" if late else "CANCELLED", None)
            return
        if isinstance(error, FrontdeskError):
            status = status_of(error)
            observation.ended(status.code.name, error)
        else:
            observation.ended("INTERNAL", None)
            if not isinstance(error, Exception):
                return
            status = internal_status()
            report_defect("call", error, observation, method=method)
        await _abort(context, status)


async def _abort(context: Context, status: RpcStatus) -> None:
    """End a call with this status; one that its caller does not hear is reset, which a cancelled handler tells gRPC."""
    try:
        async with asyncio.timeout(_STATUS_SECONDS):
            await context.abort(status.code, status.message, status.trailing_metadata)
    except (TimeoutError, grpc.aio.InternalError) as unheard:
        raise asyncio.CancelledError from unheard
