"""The blocking client: the same calls on gRPC's blocking channel. Requests, errors and folding are shared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from frontdesk import _requests
from frontdesk._fold import Fold, superseded
from frontdesk._requests import Labels, PolicyFields, QueryFields, QueryLike
from frontdesk._secrets import Secrets, TokenSource, bearer, no_token
from frontdesk.channel import OptionValue, channel_credentials, channel_options, target_of, token_of_environment
from frontdesk.errors import FrontdeskError, closed, translated
from frontdesk.events import AttemptEnded, Event, TextDelta, event_of
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

__all__ = ["Client", "CompletionStream"]

_Q = TypeVar("_Q")
_R = TypeVar("_R")


class CompletionStream:
    """Iterates over the typed events of an answer, as `frontdesk.CompletionStream` does."""

    def __init__(self, call: Any, *, encrypted: bool = True) -> None:
        self._call = call
        self._encrypted = encrypted
        self._fold = Fold()
        self._read_ahead: deque[Event] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        event = self._read_ahead.popleft() if self._read_ahead else self._read()
        if event is None:
            raise StopIteration
        return event

    def text(self) -> Iterator[str]:
        """The answer's text, piece by piece; raises ANSWER_SUPERSEDED as `frontdesk.CompletionStream.text` does."""
        shown = False
        for event in self:
            if isinstance(event, TextDelta):
                shown = True
                yield event.text
            elif shown and isinstance(event, AttemptEnded) and event.superseded:
                raise superseded(event)

    def decision(self) -> Decision:
        """The decision, which is the first thing to come; no event is lost by asking for it."""
        while not self._fold.started and (event := self._read()) is not None:
            self._read_ahead.append(event)
        return self.partial.decision

    def completion(self) -> CompleteResponse:
        """The whole answer; reads what has not been read yet."""
        for _ in self:
            pass
        return self.partial

    @property
    def partial(self) -> CompleteResponse:
        """What has come so far."""
        return self._fold.response()

    def cancel(self) -> None:
        """End the answer; the server stops the LLM."""
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def _read(self) -> Event | None:
        with translated(encrypted=self._encrypted):
            for response in self._call:
                event = event_of(response)
                if event is not None:
                    self._take(event)
                    return event
        self._fold.raise_unless_complete()
        return None

    def _take(self, event: Event) -> None:
        try:
            self._fold.add(event)
        except FrontdeskError:
            self.cancel()
            raise


class Client:
    """Calls Frontdesk and blocks. Arguments, methods and errors are those of `frontdesk.Client`."""

    def __init__(
        self,
        target: str | None = None,
        *,
        tls: bool | grpc.ChannelCredentials | None = None,
        token: str | TokenSource | None = None,
        provider_keys: Mapping[str, str] | None = None,
        timeout: float | None = None,
        options: Mapping[str, OptionValue | None] | None = None,
        interceptors: Iterable[Any] = (),
    ) -> None:
        target = target_of(target)
        credentials = channel_credentials(tls, target)
        arguments = channel_options(options, target=target)
        self._channel = (
            grpc.insecure_channel(target, arguments)
            if credentials is None
            else grpc.secure_channel(target, credentials, arguments)
        )
        self._encrypted = credentials is not None
        token = token_of_environment() if token is None else token
        self._source = token if callable(token) else None
        self._secrets = Secrets(None if callable(token) else token, provider_keys or {})
        self._metadata = self._secrets.metadata()
        self._closed = False
        self._stub = RouterServiceStub(grpc.intercept_channel(self._channel, *interceptors))
        self._timeout = timeout

    def route(
        self,
        query: QueryLike,
        *,
        policy: RoutingPolicy | None = None,
        labels: Labels | None = None,
        timeout: float | None = None,
        **fields: Unpack[QueryFields],
    ) -> Decision:
        """Decide only."""
        return self._call(self._stub.Route, _requests.route(query, policy, labels, fields), timeout).decision

    def route_batch(
        self,
        queries: Iterable[QueryLike],
        *,
        policy: RoutingPolicy | None = None,
        labels: Labels | None = None,
        timeout: float | None = None,
        **fields: Unpack[PolicyFields],
    ) -> list[Decision | RouteError]:
        """Decide for up to 1,024 queries in one call."""
        request = _requests.route_batch(queries, policy, labels, fields)
        return [_requests.route_result(r) for r in self._call(self._stub.RouteBatch, request, timeout).results]

    def complete(
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
        return self._call(self._stub.Complete, request, timeout, provider_keys)

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
        call = self._call(self._stub.StreamComplete, request, timeout, provider_keys)
        return CompletionStream(call, encrypted=self._encrypted)

    def report_outcome(
        self,
        decision_id: str,
        quality: float,
        *,
        source: str = "",
        labels: Labels | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Tell how good an answer was in [0, 1]."""
        request = _requests.report_outcome(decision_id, quality, source, labels)
        return self._call(self._stub.ReportOutcome, request, timeout).outcome

    def get_decision(self, decision_id: str, *, timeout: float | None = None) -> GetDecisionResponse:
        """Look up a recorded decision with what became of it."""
        return self._call(self._stub.GetDecision, GetDecisionRequest(decision_id=decision_id), timeout)

    def list_models(self, router: str = "", *, timeout: float | None = None) -> list[Model]:
        """The models which the caller may use."""
        return list(self._call(self._stub.ListModels, ListModelsRequest(router=router), timeout).models)

    def close(self) -> None:
        """Close the connections for good; running calls are cancelled."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        method: Callable[..., _R],
        request: Any,
        timeout: float | None,
        provider_keys: Mapping[str, str] | None = None,
    ) -> _R:
        if self._closed:
            raise closed()
        seconds = _requests.deadline_seconds(timeout, self._timeout)
        metadata = self._metadata if provider_keys is None else self._secrets.metadata(provider_keys)
        with translated(encrypted=self._encrypted):
            return method(request, timeout=seconds, metadata=(*metadata, *self._authorization()))

    def _authorization(self) -> tuple[tuple[str, str], ...]:
        """What the source of tokens gives for this call, where there is one."""
        if self._source is None:
            return ()
        try:
            return (bearer(self._source()),)
        except Exception as error:
            raise no_token(error) from error
