"""A router and what it must beat on the terminal: one table, and what routing itself adds in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from frontdesk_server.cli.tables import Column, table
from frontdesk_server.domain.measures import MEASURES, words
from frontdesk_server.learning.evaluation.added import verdicts

__all__ = ["compared_table", "tell_verdicts"]


def compared_table(result: Mapping[str, Any], width: int) -> RenderableType:
    """The figures of a result's `router` and `baselines`, a row for each measure that any of them has."""
    compared = {"router": result["router"], **result["baselines"]}
    columns = [Column("", head=True), *(Column(words(name)) for name in compared)]
    figures = {
        measure.name: [measure.told(of_router.get(key)) for of_router in compared.values()]
        for key, measure in MEASURES.items()
    }
    rows = [[name, *(figure or "-" for figure in told)] for name, told in figures.items() if any(told)]
    return table(columns, rows, width)


def tell_verdicts(result: Mapping[str, Any], screen: Console) -> None:
    """Say what routing itself adds, and whether that is shown."""
    for verdict in verdicts(result):
        screen.print(Text(verdict))
