"""The playground: a query is asked, and the page shows who was considered, what was tried, the answer and its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.v1 import chat_pb2

from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.query import ReasoningPart
from frontdesk_server.faces import asking
from frontdesk_server.faces.asked import Asked, Words
from frontdesk_server.faces.console.answering import EventPage
from frontdesk_server.faces.console.views import SECURITY
from frontdesk_server.faces.console.visiting import Visit
from frontdesk_server.faces.policy import take_setting
from frontdesk_server.rpc.reasons import InvalidReason

ASKED_HERE = ("asked_in", "console")
"""The label of every decision whose query was asked in the playground."""

_WORDS = Words(fields={"messages": "query", "": "query"}, ends={})
_SETTINGS = {
    "router": "router",
    "model": "allowed-models",
    "quality_floor": "quality-floor",
    "cost_weight": "cost-weight",
    "max_cost_usd": "max-cost-usd",
}
"""Fields of the form, and which setting of the policy each is."""

_EMPTY: Mapping[str, str] = {"query": "", **dict.fromkeys(_SETTINGS, "")}


class Playground:
    """The page as it is before anything is asked."""

    method = "GET /console"

    def __init__(self, desk: asking.Desk, overview: Overview) -> None:
        self._desk = desk
        self._overview = overview

    async def visit(self, visit: Visit) -> None:
        """Show the form."""
        await visit.show("playground", **self.values(visit, {}))

    def values(self, visit: Visit, form: Mapping[str, str]) -> dict[str, Any]:
        """What the template needs beside an answer."""
        return {
            "form": {**_EMPTY, **form},
            "routers": self._overview.routers(visit.call),
            "models": [model.name for model, _ in self._desk.models("", visit.call)],
            "keeps_ledger": self._overview.keeps_ledger,
            "error": None,
            "decision": None,
        }


class Ask:
    """What the form asks: streamed to the page's script, and without it shown when the answer is whole."""

    method = "POST /console/ask"

    def __init__(self, desk: asking.Desk, playground: Playground) -> None:
        self._desk = desk
        self._playground = playground

    async def visit(self, visit: Visit) -> None:
        """Ask the desk."""
        form = visit.form()
        if visit.visitor.wants_events:
            await self._stream(visit, form)
            return
        values = self._playground.values(visit, form)
        visit.refusal = "playground", values
        decision, completion = await self._complete(visit, form)
        await visit.show("playground", **values | _answered(decision, completion))

    async def _complete(self, visit: Visit, form: Mapping[str, str]) -> tuple[Decision, Completion]:
        asked = read_form(form)
        query, policy, labels = asked.decoded()
        with asked.translating():
            visit.reply.deadline = self._desk.deadline(policy, visit.call)
            return await self._desk.complete(query, policy, visit.call, labels)

    async def _stream(self, visit: Visit, form: Mapping[str, str]) -> None:
        asked = read_form(form)
        query, policy, labels = asked.decoded()
        with asked.translating():
            visit.reply.deadline = self._desk.deadline(policy, visit.call)
            events = EventPage(visit, SECURITY)
            await self._desk.stream_complete(query, policy, visit.call, labels, events.take)


def read_form(form: Mapping[str, str]) -> Asked:
    """The form as a request of the contract; what is left empty is not asked for."""
    asked = Asked(_WORDS)
    message = asked.add_message(chat_pb2.ROLE_USER, "query")
    if text := form.get("query", "").strip():
        asked.add_part(message, chat_pb2.ContentPart(text=text), "query")
    else:
        asked.violations.add("query", InvalidReason.FIELD_REQUIRED)
    for field, setting in _SETTINGS.items():
        if value := form.get(field, "").strip():
            take_setting(asked, setting, value, field)
    asked.request.labels[ASKED_HERE[0]] = ASKED_HERE[1]
    return asked


def _answered(decision: Decision, completion: Completion) -> dict[str, Any]:
    parts = completion.answer.message.parts
    return {
        "decision": decision,
        "settlement": completion.settlement,
        "answered_by": completion.model,
        "answer": completion.answer.text,
        "reasoning": "".join(part.text for part in parts if isinstance(part, ReasoningPart)),
    }
