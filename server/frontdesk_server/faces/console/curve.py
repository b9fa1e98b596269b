"""The cost-quality curve of the configured evaluation, or how to come to one."""

from __future__ import annotations

from frontdesk_server.desk.curves import NoCurve
from frontdesk_server.desk.overview import Overview
from frontdesk_server.faces.console.visiting import Visit


class Curve:
    """The curve."""

    method = "GET /console/curve"

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    async def visit(self, visit: Visit) -> None:
        """Show it."""
        try:
            curves, unread = await self._overview.curves(visit.call), ""
        except NoCurve as error:
            curves, unread = None, str(error)
        await visit.show("curve", curves=curves, unread=unread)
