"""The asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

import grpc
import grpc.aio

from frontdesk import _requests
from frontdesk._requests import Labels, PolicyFields, QueryFields, QueryLike
from frontdesk._secrets import AsyncTokenSource, Secrets, authorizing
from frontdesk.channel import OptionValue, channel_credentials, channel_options, target_of, token_of_environment
from frontdesk.errors import closed, translated
from frontdesk.stream import CompletionStream
from frontdesk.v1.router_service_pb2 import (
    CompleteResponse,
    GetDecisionRequest,
    GetDecisionResponse,
    ListModelsRequest,
    Model,
    Outcome,
    RouteError,
)
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub
from frontdesk.v1.routing_pb2 import Decision, RoutingPolicy

if TYPE_CHECKING:
    from frontdesk.v1.router_service_pb2_grpc import RouterServiceAsyncStub

__all__ = ["Client"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Connection:
    """What one event loop calls by."""

    channel: grpc.aio.Channel
    stub: RouterServiceAsyncStub


class Client:
    """Calls Frontdesk. Use it as `async with Client(...) as client`, or call `close`.

    One client may serve several event loops, at once or one after the other; each has a connection of its own.

    Args:
        target: where it is: host:port, dns:///name:port for round robin over all addresses, unix:/path. Default: what
            FRONTDESK_ADDRESS says, else localhost:50051.
        tls: True for TLS with the system's roots, credentials of your own, or False for plain text. Default: TLS, but
            plain text where the target is this machine.
        token: sent as bearer token with every call; a function, or coroutine function, is asked before each. Default:
            what FRONTDESK_TOKEN says, if anything.
        provider_keys: keys of your own for providers, by the names of backends, where the configuration lets you bring
            some; a call's own take their place.
        timeout: deadline of calls that bring none, in seconds. Default: none.
        options: channel arguments over the defaults in `frontdesk.channel`; None removes one.
        interceptors: of gRPC, such as OpenTelemetry's.

    Every method raises `FrontdeskError`; `timeout` is its deadline in seconds, retries included. The fields of
    `RoutingPolicy` and `GenerationConfig` are keyword arguments.

    Raises:
        ValueError: the token, or a provider's key, cannot be sent; or no server has the target's port.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        tls: bool | grpc.ChannelCredentials | None = None,
        token: str | AsyncTokenSource | None = None,
        provider_keys: Mapping[str, str] | None = None,
        timeout: float | None = None,
        options: Mapping[str, OptionValue | None] | None = None,
        interceptors: Iterable[grpc.aio.ClientInterceptor] = (),
    ) -> None:
        self._target = target_of(target)
        self._credentials = channel_credentials(tls, self._target)
        self._interceptors = list(interceptors)
        token = token_of_environment() if token is None else token
        if callable(token):
            self._interceptors += authorizing(token)
            token = None
        self._secrets = Secrets(token, provider_keys or {})
        self._metadata = self._secrets.metadata()
        self._timeout = timeout
        self._options = channel_options(options, target=self._target)
        self._closed = False
        self._connections: dict[asyncio.AbstractEventLoop, _Connection] = {}

    async def route(
        self,
        query: QueryLike,
        *,
        policy: RoutingPolicy | None = None,
        labels: Labels | None = None,
        timeout: float | None = None,
        **fields: Unpack[QueryFields],
    ) -> Decision:
        """Decide only."""
        request = _requests.route(query, policy, labels, fields)
        return (await self._sent(self._stub.Route(request, **self._settings(timeout)))).decision

    async def route_batch(
        self,
        queries: Iterable[QueryLike],
        *,
        policy: RoutingPolicy | None = None,
        labels: Labels | None = None,
        timeout: float | None = None,
        **fields: Unpack[PolicyFields],
    ) -> list[Decision | RouteError]:
        """Decide for up to 1,024 queries in one call; a query that cannot be routed has its error in its place."""
        request = _requests.route_batch(queries, policy, labels, fields)
        response = await self._sent(self._stub.RouteBatch(request, **self._settings(timeout)))
        return [_requests.route_result(result) for result in response.results]

    async def complete(
        self,
        query: QueryLike,
        *,
        policy: RoutingPolicy | None = None,
        labels: Labels | None = None,
        provider_keys: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **fields: Unpack[QueryFields],
    ) -> CompleteResponse:
        """Decide and return the whole answer."""
        request = _requests.complete(query, policy, labels, fields)
        return await self._sent(self._stub.Complete(request, **self._settings(timeout, provider_keys)))

    def stream_complete(
        self,
        query: QueryLike,
        *,
        policy: RoutingPolicy | None = None,
        labels: Labels | None = None,
        provider_keys: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **fields: Unpack[QueryFields],
    ) -> CompletionStream:
        """Decide and stream the answer."""
        request = _requests.stream_complete(query, policy, labels, fields)
        call = self._stub.StreamComplete(request, **self._settings(timeout, provider_keys))
        return CompletionStream(call, encrypted=self._credentials is not None)

    async def report_outcome(
        self,
        decision_id: str,
        quality: float,
        *,
        source: str = "",
        labels: Labels | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Tell how good an answer was in [0, 1]; a later report of the same source replaces the earlier."""
        request = _requests.report_outcome(decision_id, quality, source, labels)
        return (await self._sent(self._stub.ReportOutcome(request, **self._settings(timeout)))).outcome

    async def get_decision(self, decision_id: str, *, timeout: float | None = None) -> GetDecisionResponse:
        """Look up a recorded decision with what became of it."""
        request = GetDecisionRequest(decision_id=decision_id)
        return await self._sent(self._stub.GetDecision(request, **self._settings(timeout)))

    async def list_models(self, router: str = "", *, timeout: float | None = None) -> list[Model]:
        """The models which the caller may use, those of one router when it is named."""
        request = ListModelsRequest(router=router)
        return list((await self._sent(self._stub.ListModels(request, **self._settings(timeout)))).models)

    async def close(self) -> None:
        """Close the connections for good; running calls are cancelled."""
        self._closed = True
        running = asyncio.get_running_loop()
        connections, self._connections = self._connections, {}
        for loop, connection in connections.items():
            if loop is running:
                await connection.channel.close()
            elif loop.is_running():  # in another thread
                closing = asyncio.run_coroutine_threadsafe(connection.channel.close(), loop)
                await asyncio.wrap_future(closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def _stub(self) -> RouterServiceAsyncStub:
        if self._closed:
            raise closed()
        loop = asyncio.get_running_loop()
        connection = self._connections.get(loop)
        if connection is None:
            for ended in [other for other in self._connections if other.is_closed()]:
                self._connections.pop(ended, None)  # gRPC closes a channel that nobody has any more
            connection = self._connections[loop] = self._connect()
        return connection.stub

    def _connect(self) -> _Connection:
        """Make a channel; it belongs to the event loop that runs."""
        if self._credentials is None:
            channel = grpc.aio.insecure_channel(self._target, self._options, interceptors=self._interceptors)
        else:
            channel = grpc.aio.secure_channel(
                self._target, self._credentials, self._options, interceptors=self._interceptors
            )
        return _Connection(channel, RouterServiceStub(channel))

    def _settings(self, timeout: float | None, provider_keys: Mapping[str, str] | None = None) -> dict[str, Any]:
        metadata = self._metadata if provider_keys is None else self._secrets.metadata(provider_keys)
        return {"timeout": _requests.deadline_seconds(timeout, self._timeout), "metadata": metadata}

    async def _sent(self, call: Awaitable[_T]) -> _T:
        with translated(encrypted=self._credentials is not None):
            return await call
