"""The latest decisions, and everything that is kept of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from frontdesk.v1 import router_service_pb2

from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import FieldViolation, InvalidRequest
from frontdesk_server.faces.console.visiting import Visit
from frontdesk_server.ledger.reader import LEDGER_STATUSES, Filters
from frontdesk_server.rpc.reasons import InvalidReason
from frontdesk_server.rpc.validation import validate_decision_request

PATH = "/console/decisions"

WINDOWS: Mapping[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "all": None,
}
"""How far back a page looks, by the word in its address."""

_ON_A_PAGE = 50
_LONGEST_NAME = 128
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_FILTERS = ("router", "model", "caller", "status")


class Decisions:
    """The list: newest first, filtered, page by page. Its script asks for the rows alone now and then."""

    method = f"GET {PATH}"

    def __init__(self, overview: Overview, clock: Clock) -> None:
        self._overview = overview
        self._clock = clock

    async def visit(self, visit: Visit) -> None:
        """Show what the address asks for."""
        asked = visit.asked_for(*_FILTERS, "window", "before", "part")
        chosen = {name: asked.get(name, "") for name in _FILTERS}
        window = chosen_window(asked, "24h")
        before = asked.get("before", "")
        if before and not _ID.fullmatch(before):
            raise malformed("before", "is no id of a decision")
        if chosen["status"] not in ("", *LEDGER_STATUSES):
            raise malformed("status", f"is none of {', '.join(LEDGER_STATUSES)}")
        if long := [name for name, value in chosen.items() if len(value) > _LONGEST_NAME]:
            raise malformed(long[0], f"holds more than {_LONGEST_NAME} characters")
        span = WINDOWS[window]
        since = None if span is None else self._clock.now() - span
        filters = Filters(chosen["router"], chosen["model"], chosen["caller"], chosen["status"], since)
        rows = await self._overview.newest(visit.call, filters, _ON_A_PAGE + 1, before)
        await visit.show(
            "_rows" if asked.get("part") == "rows" else "decisions",
            rows=rows[:_ON_A_PAGE],
            older=rows[_ON_A_PAGE - 1].decision_id if len(rows) > _ON_A_PAGE else "",
            chosen=chosen,
            window=window,
            windows=list(WINDOWS),
            statuses=LEDGER_STATUSES,
            before=before,
            routers=self._overview.routers(visit.call),
            models=[now.model.name for now in self._overview.models(visit.call)],
            keeps_ledger=self._overview.keeps_ledger,
        )


class Decided:
    """One decision."""

    method = f"GET {PATH}/ID"

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    async def visit(self, visit: Visit) -> None:
        """Show it."""
        decision_id = visit.request.path.removeprefix(f"{PATH}/")
        validate_decision_request(router_service_pb2.GetDecisionRequest(decision_id=decision_id))
        kept = await self._overview.record(decision_id, visit.call)
        await visit.show("decision", kept=kept, record=kept.record, decision=kept.record.decision)


def chosen_window(asked: Mapping[str, str], usual: str) -> str:
    """The word for how far to look back; raises InvalidRequest."""
    window = asked.get("window", usual)
    if window not in WINDOWS:
        raise malformed("window", f"is none of {', '.join(WINDOWS)}")
    return window


def malformed(field: str, description: str) -> InvalidRequest:
    """The error of an address that asks for what there is not."""
    return InvalidRequest([FieldViolation(field, description, InvalidReason.MALFORMED_REQUEST.name)])
