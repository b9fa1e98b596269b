"""The paths of the HTTP address, and what browsers may do there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from starlette.middleware.cors import CORSMiddleware

from frontdesk_server.desk.calls import FrontCall, RunningCalls
from frontdesk_server.desk.overview import Overview
from frontdesk_server.faces.anthropic.messages import AnthropicFace, CountTokens, Messages
from frontdesk_server.faces.browsers import Pages
from frontdesk_server.faces.connect import PREFIX, ConnectFace, peer_of_request
from frontdesk_server.faces.console.console import Console
from frontdesk_server.faces.http import HttpRequest, Receive, Reply, Scope, Send
from frontdesk_server.faces.openai.chat import ChatCompletions
from frontdesk_server.faces.openai.dialect import OpenAIFace
from frontdesk_server.faces.openai.embeddings import Embeddings, Endpoint
from frontdesk_server.faces.openai.models import Models
from frontdesk_server.faces.openai.responses import Responses
from frontdesk_server.faces.serving import Face, Serving, peer_of
from frontdesk_server.faces.status import MethodNotAllowed, NoSuchPath
from frontdesk_server.rpc.service import Desk, RouterService

_HEALTH = "/healthz"
_ANTHROPICS = "/v1/messages/"
_TELL_BROWSERS = (
    "x-frontdesk-decision-id",
    "x-frontdesk-model",
    "x-frontdesk-router",
    "x-frontdesk-router-version",
    "x-frontdesk-cost-usd",
    "x-frontdesk-saved-usd",
    "x-frontdesk-passed",
    "retry-after",
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "x-request-id",
)


class FacesApp:
    """The ASGI application; with an overview it has a console.

    `is_local` tells whether only this machine reaches it; `draining` turns its health to NOT_SERVING.
    """

    def __init__(
        self,
        desk: Desk,
        calls: RunningCalls,
        *,
        max_body_bytes: int,
        allowed_origins: Sequence[str] = (),
        is_local: bool = False,
        embeddings: Endpoint | None = None,
        overview: Overview | None = None,
    ) -> None:
        self.draining = False
        pages = Pages(frozenset(allowed_origins), is_local)
        self._serving = Serving(calls, max_body_bytes, pages)
        self._clock = calls.clock
        models = Models(desk)
        faces: Sequence[Face] = (
            ChatCompletions(desk),
            Responses(desk),
            Embeddings(embeddings, calls.clock),
            Messages(desk),
            CountTokens(),
            models,
        )
        self._faces: Mapping[str, Face] = {face.method: face for face in faces}
        self._connect = ConnectFace(RouterService(desk), calls, max_body_bytes, pages)
        self._below: Mapping[str, Face] = {f"{models.method}/": models}
        self._console = None if overview is None else Console(desk, overview, calls, Serving(calls, max_body_bytes))
        self._app = self._dispatch
        if allowed_origins:
            self._app = CORSMiddleware(
                self._dispatch,
                allow_origins=list(allowed_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                expose_headers=list(_TELL_BROWSERS),
            )

    @property
    def has_console(self) -> bool:
        """Whether pages are served, too."""
        return self._console is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. The console is for nobody's pages but its own; HEAD is GET whose body goes nowhere."""
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        if self._console is not None and scope["type"] == "http" and self._console.serves(scope):
            await self._console.serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path == _HEALTH:
            status = 503 if self.draining else 200
            word = "NOT_SERVING" if self.draining else "SERVING"
            await Reply(send, self._clock).document({"status": word}, status=status)
            return
        if path.startswith(PREFIX) and not _is_grpc(scope):
            peer_of_request.set(peer_of(scope))
            await self._connect(scope, receive, send)
            return
        await self._serving.serve(self._face(scope["method"], path), scope, receive, send)

    def _face(self, method: str, path: str) -> Face:
        asked = f"{method} {path}"
        face = self._faces.get(asked)
        if face is not None:
            return face
        below = (one for prefix, one in self._below.items() if asked.startswith(prefix))
        return next(below, None) or self._nothing(path)

    def _nothing(self, path: str) -> Face:
        served = (asked.split(" ") for asked in self._faces)
        allowed = [method for method, one in served if one == path]
        is_anthropics = f"{path}/".startswith(_ANTHROPICS)
        return _NothingOfAnthropic(allowed) if is_anthropics else _Nothing(allowed)


def _is_grpc(scope: Scope) -> bool:
    """Whether gRPC itself is spoken, which needs HTTP/2 and has its own port."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    return any(kind.startswith(b"application/grpc") and not kind.startswith(b"application/grpc-web") for kind in kinds)


class _Nothing(OpenAIFace):
    """What is served where nothing is, or not with that method."""

    method = "other"

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Say so."""
        _refuse(request.path, self._allowed)


class _NothingOfAnthropic(AnthropicFace):
    """The same, in Anthropic's words."""

    method = "other"

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Say so."""
        _refuse(request.path, self._allowed)


def _refuse(path: str, allowed: Sequence[str]) -> NoReturn:
    if allowed:
        raise MethodNotAllowed(path, allowed)
    raise NoSuchPath(f"nothing is served at {path}")
