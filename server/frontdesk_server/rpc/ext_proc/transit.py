"""One HTTP request on its way through a gateway: decided while it waits, and settled by what passes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from frontdesk_server.config.ext_proc import ExtProcConfig
from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.desk.forwarding import Forwarding
from frontdesk_server.domain.call import Call, Identify
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.ending import our_fault
from frontdesk_server.domain.errors import FieldViolation, FrontdeskError, InvalidRequest, Overloaded, RequestTooLarge
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.rpc.ext_proc.body import with_model
from frontdesk_server.rpc.ext_proc.dialect import Dialect
from frontdesk_server.rpc.ext_proc.following import Following
from frontdesk_server.rpc.ext_proc.gateway import Gateway
from frontdesk_server.rpc.ext_proc.headers import DECISION, FAILURE, MODEL, OWN, SAID_BY_US, read_headers
from frontdesk_server.rpc.reasons import InvalidReason

_CREDENTIALS = frozenset({"authorization", "x-api-key"})
_FAILURES = frozenset({"UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"})


class Desk(Protocol):
    """The use case behind the service; errors come as `FrontdeskError`."""

    def forwarding(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], *, stream: bool
    ) -> AbstractAsyncContextManager[Forwarding]:
        """Decide for a query that a gateway forwards, and settle it on leaving."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every request."""

    desk: Desk
    config: ExtProcConfig
    dialects: Sequence[Dialect]
    identify: Identify
    max_body_bytes: int

    def dialect(self, headers: Mapping[str, str]) -> Dialect | None:
        """The dialect in which a body that follows these headers poses a query, by whatever method; None: in none."""
        path = headers.get(":path", "")
        return next((dialect for dialect in self.dialects if dialect.takes(path)), None)

    def withheld(self, headers: Mapping[str, str]) -> set[str]:
        """Those of a request's headers that go no further: the caller's to Frontdesk, and what only it may say."""
        ours = {name for name in headers if name.startswith(OWN) or name == self.config.cluster_header}
        return ours | (headers.keys() & _CREDENTIALS) if self.config.caller == "request" else ours


class Transit:
    """One request that poses a query."""

    def __init__(
        self, terms: Terms, gateway: Gateway, dialect: Dialect, headers: Mapping[str, str], call: FrontCall
    ) -> None:
        self._terms = terms
        self._gateway = gateway
        self._dialect = dialect
        self._headers = headers
        self._call = call

    async def run(self) -> None:
        """Decide, let the request go on, and read its response; a gateway that leaves before the end has cancelled."""
        async with AsyncExitStack() as settling:
            body = b""
            try:
                await self._gateway.ask_for_body()
                taken = await self._take_body()
                if taken is None:
                    return
                body = taken
                forwarding = await self._forward(body, settling)
                changed = self._changed(body, forwarding)
            except FrontdeskError as error:
                await self._without_decision(body, error)
                return
            except Exception as error:
                report_defect("ext_proc", error, self._call.observation)
                await self._without_decision(body, our_fault())
                return
            await self._send_on(self._said_of(forwarding), changed)
            await self._follow(forwarding)

    async def _take_body(self) -> bytes | None:
        """The whole body; None when the gateway leaves before it has come."""
        pieces: list[bytes] = []
        size = 0
        while (message := await self._gateway.read()) is not None:
            if (
                message.WhichOneof("request") == "response_headers"
            ):  # it answers by itself, such as that a body is too large
                await self._gateway.acknowledge(message)
                return None
            pieces.append(message.request_body.body)
            size += len(pieces[-1])
            if size > self._terms.max_body_bytes:
                raise RequestTooLarge(size, self._terms.max_body_bytes)
            if self._gateway.ends_body(message):
                return b"".join(pieces)
            if self._gateway.cuts_bodies:
                raise RequestTooLarge(size + 1, size)
        return None

    async def _forward(self, body: bytes, settling: AsyncExitStack) -> Forwarding:
        if self._headers.get("content-encoding", "identity") != "identity":
            raise _malformed("content-encoding", "a query is read without an encoding alone")
        ours = SAID_BY_US | {self._terms.config.cluster_header}
        said = {name: value for name, value in self._headers.items() if name not in ours}
        call = self._call
        if self._terms.config.caller == "request":
            call = replace(call, caller=self._terms.identify(_with_bearer(said), tuple), metadata=said)
            call.observation.identified(call.caller.name)
        posed = self._dialect.read(body, said)
        deciding = self._terms.desk.forwarding(posed.query, posed.policy, call, posed.labels, stream=posed.stream)
        with posed.translating():
            return await settling.enter_async_context(deciding)

    def _changed(self, body: bytes, forwarding: Forwarding) -> bytes:
        public = self._terms.config.body_model == "public"
        try:
            return with_model(body, forwarding.decision.model if public else forwarding.deployment.upstream_model)
        except ValueError as error:
            raise _malformed("", str(error)) from error

    def _said_of(self, forwarding: Forwarding) -> list[tuple[str, str]]:
        decision, config = forwarding.decision, self._terms.config
        cluster = config.clusters.get(decision.model, forwarding.deployment.backend)
        return [(MODEL, decision.model), (DECISION, decision.decision_id), (config.cluster_header, cluster)]

    async def _send_on(self, said: list[tuple[str, str]], body: bytes) -> None:
        remove = self._terms.withheld(self._headers) - {name for name, _ in said}
        await self._gateway.send_on(said, sorted(remove), body)

    async def _without_decision(self, body: bytes, error: FrontdeskError) -> None:
        """Refuse the query, or let it pass as it came where that is wanted of our failures."""
        if self._terms.config.on_failure == "closed" or not is_failure(error):
            await self._gateway.refuse(self._dialect.refuse(error), error.reason)
            return
        await self._send_on([(FAILURE, error.reason)], body)
        await repeat_rest(self._gateway)

    async def _follow(self, forwarding: Forwarding) -> None:
        decision = forwarding.decision
        told = [
            (DECISION, decision.decision_id),
            (MODEL, decision.model),
            ("x-frontdesk-router", decision.router),
            ("x-frontdesk-router-version", decision.router_version),
        ]
        following: Following | None = None
        while (message := await self._gateway.read()) is not None:
            kind = message.WhichOneof("request")
            ended = kind == "response_trailers"
            if kind == "response_headers":
                following = Following(forwarding, self._dialect.name, read_headers(message.response_headers))
                ended = message.response_headers.end_of_stream
            elif kind == "response_body" and following is not None:
                following.feed(message.response_body.body)
                ended = message.response_body.end_of_stream
            if ended and following is not None:
                following.end()  # before it is acknowledged: after that the gateway may cancel the call
            if kind == "response_headers":
                await self._gateway.pass_response_headers(told)
            else:
                await self._gateway.acknowledge(message)
            if ended:
                return


def is_failure(error: FrontdeskError) -> bool:
    """Whether Frontdesk has failed to decide; other errors say that the query may not pass."""
    return error.code in _FAILURES or isinstance(error, Overloaded)


async def repeat_rest(gateway: Gateway) -> None:
    """Let the rest pass as it is; a gateway that does so by itself is left."""
    if not gateway.may_be_left:
        while (message := await gateway.read()) is not None:
            await gateway.acknowledge(message)


def _with_bearer(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers as metadata of a call: an `x-api-key`, as Anthropic's clients send it, is the bearer's."""
    key = headers.get("x-api-key")
    return {**headers, "authorization": f"Bearer {key}"} if key and "authorization" not in headers else headers


def _malformed(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([FieldViolation(field, description, InvalidReason.MALFORMED_REQUEST.name)])
