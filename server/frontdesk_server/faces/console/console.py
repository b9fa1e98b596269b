"""The paths below /console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces import asking
from frontdesk_server.faces.console.assets import PREFIX, Assets
from frontdesk_server.faces.console.curve import Curve
from frontdesk_server.faces.console.decisions import Decided, Decisions
from frontdesk_server.faces.console.guard import PATH, refuse_other_sites, visitor_of, with_credentials
from frontdesk_server.faces.console.now import Now
from frontdesk_server.faces.console.playground import Ask, Playground
from frontdesk_server.faces.console.signing_in import SIGN_IN, SIGN_OUT, SigningIn, redirect
from frontdesk_server.faces.console.spending import SpendingPage
from frontdesk_server.faces.console.views import Views
from frontdesk_server.faces.console.visiting import Page, PageFace, Visit
from frontdesk_server.faces.http import Receive, Reply, Scope, Send, headers_of
from frontdesk_server.faces.serving import Serving, peer_of
from frontdesk_server.faces.status import NoSuchPath


class Console:
    """Serves the console's pages, each as a call like any other; style, scripts and the way in to everybody."""

    def __init__(self, desk: asking.Desk, overview: Overview, calls: RunningCalls, serving: Serving) -> None:
        self._assets = Assets()
        self._views = Views(self._assets)
        self._signing_in = SigningIn(calls, self._views)
        self._overview = overview
        self._serving = serving
        self._clock = calls.clock
        playground = Playground(desk, overview)
        pages: Sequence[Page] = (
            playground,
            Ask(desk, playground),
            Decisions(overview, calls.clock),
            SpendingPage(overview, calls.clock),
            Now(overview),
            Curve(overview),
        )
        self._pages: Mapping[str, Page] = {page.method: page for page in pages}
        self._below: Mapping[str, Page] = {Decided.method.removesuffix("ID"): Decided(overview)}

    @staticmethod
    def serves(scope: Scope) -> bool:
        """Whether the path is one of the console's; a browser that asks for none is led there."""
        path: str = scope["path"]
        if path == "/":
            return scope["method"] == "GET" and "text/html" in headers_of(scope).get("accept", "")
        return path == PATH or path.startswith(f"{PATH}/")

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path, method, headers = scope["path"], scope["method"], headers_of(scope)
        reply, is_secure = Reply(send, self._clock), scope.get("scheme") == "https"
        visitor = visitor_of(scope, headers)
        face = PageFace(self._page(f"{method} {path}"), visitor, path, self._views, self._overview)
        try:
            refuse_other_sites(method, headers)
        except FrontdeskError as error:
            await face.refuse(error, reply)
            return
        asked = f"{method} {path}"
        if asked.startswith(f"GET {PREFIX}") and self._assets.has(path):
            await self._assets.send(path, reply)
        elif path in ("/", f"{PATH}/"):
            await redirect(reply, PATH)
        elif asked == f"GET {SIGN_IN}":
            await self._signing_in.ask(reply)
        elif asked == f"POST {SIGN_IN}":
            length = headers.get("content-length", "")
            await self._signing_in.take(receive, reply, visitor, peer_of(scope), announced=length, is_secure=is_secure)
        elif asked == f"POST {SIGN_OUT}":
            await self._signing_in.leave(reply, is_secure=is_secure)
        else:
            await self._serving.serve(face, with_credentials(scope, headers), receive, send)

    def _page(self, asked: str) -> Page:
        page = self._pages.get(asked)
        if page is not None:
            return page
        below = (one for prefix, one in self._below.items() if asked.startswith(prefix) and asked != prefix)
        return next(below, _NOWHERE)


class _Nowhere:
    """What is served where nothing is."""

    method = "other"

    async def visit(self, visit: Visit) -> None:
        """Say so."""
        raise NoSuchPath(f"the console has no page {visit.request.path}")


_NOWHERE = _Nowhere()
