"""How things are at this moment: models and their breakers, budgets, load."""

from __future__ import annotations

from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.errors import LimitsUnavailable
from frontdesk_server.faces.console.visiting import Visit


class Now:
    """The state of the process that serves the page; budgets are those of all that share their counters."""

    method = "GET /console/now"

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    async def visit(self, visit: Visit) -> None:
        """Look."""
        try:
            budgets, unread = await self._overview.budgets(visit.call), ""
        except LimitsUnavailable as error:
            budgets, unread = [], str(error)
        await visit.show(
            "now",
            models=self._overview.models(visit.call),
            budgets=budgets,
            unread=unread,
            load=self._overview.load(visit.call),
        )
