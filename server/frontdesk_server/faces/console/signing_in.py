"""Signing in: a key or token, tried once, is kept by the browser, and tried again with every page."""

from __future__ import annotations

import asyncio
import re

from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.domain.call import ANONYMOUS, Peer
from frontdesk_server.domain.errors import FrontdeskError, Unauthenticated
from frontdesk_server.faces.console.guard import PATH, NotFromHere, Visitor, can_be_kept, cookie_of
from frontdesk_server.faces.console.views import HTML, SECURITY, Views
from frontdesk_server.faces.console.visiting import Told, fields_of, outside
from frontdesk_server.faces.http import Gone, Receive, Reply, read_body

SIGN_IN = f"{PATH}/sign-in"
SIGN_OUT = f"{PATH}/sign-out"

_LONGEST_FORM = 16 * 1024
_PLACE = re.compile(r"/console(?:/[\w/-]*)?(?:\?[\w=&%.-]*)?", re.ASCII)


class SigningIn:
    """The form, and what becomes of what is put into it."""

    def __init__(self, calls: RunningCalls, views: Views) -> None:
        self._calls = calls
        self._views = views

    async def ask(self, reply: Reply) -> None:
        """Show the form."""
        await self._show(reply, PATH, None)

    async def take(
        self, receive: Receive, reply: Reply, visitor: Visitor, peer: Peer, *, announced: str, is_secure: bool
    ) -> None:
        """Try what was put into the form. The call is observed like any other."""
        begun = self._calls.begin(f"POST {SIGN_IN}", {})
        place = PATH
        try:
            form = fields_of(await read_body(receive, _LONGEST_FORM, announced))
            place = form.get("next", "") if _PLACE.fullmatch(form.get("next", "")) else PATH
            key = form.get("key", "").strip()
            self._try(key, visitor, peer)
        except Gone:
            begun.failed(asyncio.CancelledError(), None)
        except FrontdeskError as error:
            begun.failed(error, None)
            await self._show(reply, place, error)
        else:
            begun.succeeded()
            await redirect(reply, place, cookie_of(key, is_secure=is_secure))
        finally:
            begun.leave()

    async def leave(self, reply: Reply, *, is_secure: bool) -> None:
        """Have the browser forget the key."""
        await redirect(reply, SIGN_IN, cookie_of("", is_secure=is_secure))

    def _try(self, key: str, visitor: Visitor, peer: Peer) -> None:
        if not can_be_kept(key):
            raise Unauthenticated("this is no key or token, or too long a one for a browser to keep")
        caller = self._calls.identify({"authorization": f"Bearer {key}"}, peer)
        if caller == ANONYMOUS and not visitor.is_local:
            raise NotFromHere("no keys are configured here: the console is served to its own machine alone")

    async def _show(self, reply: Reply, place: str, error: FrontdeskError | None) -> None:
        told = None if error is None else Told.of(error)
        values = {"error": told, "next": place, "was_refused": told is not None}
        raw = self._views.render("sign_in", {**outside(SIGN_IN), **values})
        await reply.content(HTML, raw, SECURITY, 200 if told is None else told.status)


async def redirect(reply: Reply, place: str, *headers: tuple[str, str]) -> None:
    """Send the browser there, to ask for it with GET."""
    await reply.content(HTML, b"", [*SECURITY, ("location", place), *headers], 303)
