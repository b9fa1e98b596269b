"""Spent, saved and judged: in all, over time, and by model, router and caller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from frontdesk_server.desk.overview import MOST_DECISIONS, Overview
from frontdesk_server.domain.clock import Clock
from frontdesk_server.faces.console.decisions import WINDOWS, chosen_window
from frontdesk_server.faces.console.visiting import Visit
from frontdesk_server.ledger.reader import Filters

_STEPS: Mapping[str, timedelta] = {
    "1h": timedelta(minutes=1),
    "24h": timedelta(hours=1),
    "7d": timedelta(hours=6),
    "30d": timedelta(days=1),
    "all": timedelta(days=1),
}


class SpendingPage:
    """The sums of a window."""

    method = "GET /console/spending"

    def __init__(self, overview: Overview, clock: Clock) -> None:
        self._overview = overview
        self._clock = clock

    async def visit(self, visit: Visit) -> None:
        """Sum up."""
        window = chosen_window(visit.asked_for("window"), "24h")
        span, now = WINDOWS[window], self._clock.now()
        filters = Filters(since=None if span is None else now - span)
        spent = await self._overview.spending(visit.call, filters, _STEPS[window])
        await visit.show(
            "spending",
            spent=spent,
            step=int(_STEPS[window].total_seconds()),
            since=None if filters.since is None else int(filters.since.timestamp()),
            until=int(now.timestamp()),
            views=[("model", spent.models), ("router", spent.routers), ("caller", spent.callers)],
            window=window,
            windows=list(WINDOWS),
            most=MOST_DECISIONS,
            keeps_ledger=self._overview.keeps_ledger,
        )
