"""Tables that cut nothing: as wide as they need to be, and where there is no room for that, one record a block."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from frontdesk_server.domain.controls import shown

__all__ = ["Column", "Row", "Unpadded", "console", "one_line", "table"]

_PIPE_WIDTH = 100_000
_GAP = 2
_LEAST_FREE = 20
"""Characters that a column of free text must have beside the others."""

Row = Sequence[str | Text]


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `free` text may be wrapped, all else stands whole; `head` needs no name in the first line of a block.

    `least` is its width at least, for rows that are printed one by one.
    """

    name: str
    right: bool = False
    free: bool = False
    head: bool = False
    least: int = 0


def console() -> Console:
    """Standard output; what is not a terminal has no width that lines are broken for, unless COLUMNS gives it one."""
    unbounded = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _Screen(highlight=False, width=_PIPE_WIDTH if unbounded else None)


class _Screen(Console):
    """Shows controls in whatever is printed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)


def one_line(text: str, most: int | None = None) -> str:
    """A text without line breaks, shortened where it is longer than `most`."""
    flat = " ".join(text.split())
    return flat if most is None or len(flat) <= most else flat[: most - 1] + "…"


def table(
    columns: Sequence[Column], rows: Iterable[Row], width: int, *, title: str = "", header: bool = True
) -> RenderableType:
    """The rows as a table if it has room, else as blocks, for a console of this width."""
    texts = [[_cell(cell) for cell in row] for row in rows]
    widths = [
        max([column.least, cell_len(column.name) * header, *(cell_len(row[index].plain) for row in texts)])
        for index, column in enumerate(columns)
    ]
    needed = sum(_LEAST_FREE if column.free else wide for column, wide in zip(columns, widths, strict=True))
    if needed + _GAP * (len(columns) - 1) > width:
        blocks = [_block(columns, row, width) for row in texts]
        return Unpadded(Group(*([Text(title, "italic")] if title else []), *blocks))
    drawn = Table(
        title=title or None,
        title_justify="left",
        box=None,
        header_style="bold",
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        show_header=header,
    )
    for column, wide in zip(columns, widths, strict=True):
        drawn.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not column.free,
            min_width=min(wide, _LEAST_FREE) if column.free else wide,
            overflow="fold",
        )
    for row in texts:
        drawn.add_row(*row)
    return Unpadded(drawn)


def _cell(cell: str | Text) -> Text:
    """A cell as wide as what is shown of it."""
    if isinstance(cell, str):
        return Text(shown(cell))
    return cell if cell.plain.isprintable() else Text(shown(cell.plain), cell.style)


@dataclass(frozen=True, slots=True)
class Unpadded:
    """What it holds, without the blanks that fill its lines up."""

    drawn: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self.drawn, options, pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                last = line.pop()
                line.append(Segment(last.text.rstrip(), last.style))
            yield from line
            yield Segment.line()


def _block(columns: Sequence[Column], row: Sequence[Text], width: int) -> RenderableType:
    """What needs no name first; then name and value by turns, as many as a line holds; then what is free."""
    heads = [cell for column, cell in zip(columns, row, strict=True) if column.head]
    named = [
        Text.assemble((f"{column.name} ", "dim"), cell)
        for column, cell in zip(columns, row, strict=True)
        if not column.head and not column.free and cell.plain not in ("", "-")
    ]
    free = [cell for column, cell in zip(columns, row, strict=True) if column.free and cell.plain]
    inner = width - _GAP
    further = [*_lines(named, inner), *free]
    return Group(*_lines(heads, width), *(Padding(each, (0, 0, 0, _GAP)) for each in further))


def _lines(parts: Sequence[Text], width: int) -> list[Text]:
    """Parts side by side while they have room; a part is broken only where it is longer than a line."""
    lines: list[Text] = []
    for part in parts:
        if lines and cell_len(lines[-1].plain) + _GAP + cell_len(part.plain) <= width:
            lines[-1].append(" " * _GAP).append_text(part)
        else:
            lines.append(Text(overflow="fold").append_text(part))
    return lines
