"""One visit of one page: a request that has become a call, answered or refused as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.call import ANONYMOUS
from frontdesk_server.domain.errors import FieldViolation, FrontdeskError, InvalidRequest, Unauthenticated
from frontdesk_server.faces.console.guard import NotFromHere, Visitor
from frontdesk_server.faces.console.views import HTML, SECURITY, Views
from frontdesk_server.faces.http import HttpRequest, Reply, event_of
from frontdesk_server.faces.status import error_headers, http_status, message_of, particulars
from frontdesk_server.rpc.reasons import InvalidReason

_MOST_FIELDS = 32


@dataclass(frozen=True, slots=True)
class Told:
    """An error as pages tell it."""

    reason: str
    message: str
    status: int
    decision_id: str
    attempts: tuple[Any, ...]

    @classmethod
    def of(cls, error: FrontdeskError) -> Told:
        """The error."""
        settlement = getattr(error, "settlement", None)
        attempts = () if settlement is None else settlement.attempts
        decision_id = str(particulars(error).get("decision_id", ""))
        return cls(error.reason, message_of(error), http_status(error), decision_id, attempts)


class Visit:
    """A request whose caller is known, and the page that is made for it."""

    def __init__(
        self, request: HttpRequest, call: FrontCall, reply: Reply, views: Views, visitor: Visitor, overview: Overview
    ) -> None:
        self.request = request
        self.call = call
        self.reply = reply
        self.visitor = visitor
        self.refusal: tuple[str, Mapping[str, Any]] | None = None
        """The template, with its values, that tells of an error in its place; None for the common one."""
        self._views = views
        self._frame = {
            "path": request.path,
            "caller": call.caller.name,
            "sees_all": overview.sees_all(call.caller),
            "is_signed_in": visitor.is_signed_in,
        }

    def asked_for(self, *known: str) -> dict[str, str]:
        """What the address asks for behind its question mark; raises InvalidRequest, too for what is not `known`."""
        asked = fields_of(self.request.query.encode("latin-1"))
        reason = InvalidReason.MALFORMED_REQUEST.name
        if strange := [FieldViolation(name, f"is none of {', '.join(known)}", reason) for name in asked.keys() - known]:
            raise InvalidRequest(strange)
        return asked

    def form(self) -> dict[str, str]:
        """The form that was sent; raises InvalidRequest."""
        return fields_of(self.request.body)

    def render(self, template: str, values: Mapping[str, Any]) -> bytes:
        """The template within the frame that all pages have."""
        return self._views.render(template, {**self._frame, **values})

    async def show(self, template: str, status: int = 200, **values: Any) -> None:
        """Reply with a page."""
        await self.reply.content(HTML, self.render(template, values), SECURITY, status)


class Page(Protocol):
    """One page; `method` is its name in telemetry."""

    @property
    def method(self) -> str:
        """The HTTP method and the path's template."""

    async def visit(self, visit: Visit) -> None:
        """Answer."""


@dataclass(slots=True)
class PageFace:
    """Serves a page to one visitor; satisfies `faces.serving.Face`."""

    page: Page
    visitor: Visitor
    path: str
    views: Views
    overview: Overview
    _visit: Visit | None = None

    @property
    def method(self) -> str:
        """The page's."""
        return self.page.method

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Make the page. Who shows no credentials has to be at this machine."""
        if call.caller == ANONYMOUS and not self.visitor.is_local:
            raise NotFromHere("without credentials the console is served to this machine alone")
        self._visit = Visit(request, call, reply, self.views, self.visitor, self.overview)
        await self.page.visit(self._visit)

    async def refuse(self, error: FrontdeskError, reply: Reply) -> None:
        """Reply with a page that says why, which asks for a key where one would help."""
        told = Told.of(error)
        headers = [*SECURITY, *error_headers(error)]
        if self.visitor.wants_events:
            await reply.content("text/event-stream", self.broken(error), headers, told.status)
            return
        if self._visit is not None and self._visit.refusal is not None:
            template, values = self._visit.refusal
            raw = self._visit.render(template, {**values, "error": told})
            await reply.content(HTML, raw, headers, told.status)
            return
        asks = isinstance(error, Unauthenticated | NotFromHere)
        about = {"error": told, "next": self.path, "was_refused": self.visitor.is_signed_in}
        raw = self.views.render("sign_in" if asks else "refused", {**outside(self.path), **about})
        await reply.content(HTML, raw, headers, told.status)

    def broken(self, error: FrontdeskError) -> bytes:
        """The event that ends a stream which cannot go on."""
        html = self.views.render("_error", {"error": Told.of(error)}).decode()
        return event_of("failed", {"html": html})


def outside(path: str) -> dict[str, Any]:
    """The frame of a page that is shown to nobody in particular."""
    return {"path": path, "caller": "", "sees_all": False, "is_signed_in": False}


def fields_of(raw: bytes) -> dict[str, str]:
    """The fields of a form, the last of each name; raises InvalidRequest."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        reason = InvalidReason.MALFORMED_REQUEST.name
        raise InvalidRequest([FieldViolation("", "this is no form of the console's", reason)]) from error
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
