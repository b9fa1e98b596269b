"""The cost-quality curve of the configured evaluation, or how to come to one."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.desk.curves import Curves, NoCurve
from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.measures import COMPARED, MEASURES, Measure, words
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
        measured = _measured(curves) if curves else []
        await visit.show(
            "curve",
            curves=curves,
            unread=unread,
            measured=measured,
            compared=[key for key in curves.figures if any(key in told for _, told in measured)] if curves else [],
            about=COMPARED,
            words=words,
        )


def _measured(curves: Curves) -> list[tuple[Measure, Mapping[str, str]]]:
    """Every measure that any router has, as it is written, by their keys."""
    found: list[tuple[Measure, Mapping[str, str]]] = []
    for key, measure in MEASURES.items():
        known = ((name, figures.get(key)) for name, figures in curves.figures.items())
        if told := {name: measure.write(value) for name, value in known if value is not None}:
            found.append((measure, told))
    return found
