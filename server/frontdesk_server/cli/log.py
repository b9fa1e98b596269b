"""`frontdesk log`: the latest decisions and what became of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontdesk_server.cli.ledger_access import (
    CallerOption,
    ConfigOption,
    JsonOption,
    LedgerOption,
    ModelOption,
    RouterOption,
    SinceOption,
    StatusOption,
    UntilOption,
    duration,
    filters,
    reading,
)
from frontdesk_server.cli.money import nano_usd
from frontdesk_server.domain.ids import first_decision_id
from frontdesk_server.ledger.reader import ROUTED, DecisionSummary, Filters, LedgerReader

_POLL_SECONDS = 0.5
_PATIENCE = timedelta(seconds=10)
"""A decision without settlement is shown as merely routed after this long."""
_COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", ROUTED: "cyan"}
_COLUMNS = {
    "time": 8,
    "decision": 26,
    "model": 24,
    "cost": 9,
    "took": 8,
    "status": 9,
    "quality": 7,
    "router": 12,
    "attempts": 8,
    "reason": 0,
}
"""Columns, those that matter most first, and their widths where lines come one by one."""
_NUMBERS = frozenset({"cost", "took", "attempts", "quality"})
_LEAST_REASON = 20


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as decisions are made.")] = False,
    router: RouterOption = "",
    model: ModelOption = "",
    caller: CallerOption = "",
    status: StatusOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the latest decisions, oldest first.

    Example: frontdesk log --since 1h --status failed
    """
    chosen = filters(router=router, model=model, caller=caller, status=status, since=since, until=until)
    console = Console()
    with reading(ledger, config) as reader:
        newest = reader.newest(chosen, limit)
        if json:
            for summary in newest:
                typer.echo(_json(summary))
        else:
            console.print(_table(newest, console.width))
        if not follow:
            return
        for summary in followed(reader, chosen, newest[-1].decision_id if newest else first_decision_id(_now())):
            if json:
                typer.echo(_json(summary))
            else:
                console.print(_line(summary), overflow="ellipsis", no_wrap=True)


def followed(reader: LedgerReader, chosen: Filters, after: str) -> Iterator[DecisionSummary]:
    """Every younger decision, once: when it is settled, or when it has been merely routed for a while."""
    shown: set[str] = set()
    while True:
        floor_passed = True
        for summary in reader.after(chosen, after):
            running = summary.status == ROUTED and summary.decided_at > _now() - _PATIENCE
            floor_passed = floor_passed and not running
            if not running and summary.decision_id not in shown:
                shown.add(summary.decision_id)
                yield summary
            if floor_passed:  # nothing up to here is looked at again
                after = summary.decision_id
                shown.discard(after)
        time.sleep(_POLL_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)


def _json(summary: DecisionSummary) -> str:
    return orjson.dumps(asdict(summary)).decode()


def _cells(summary: DecisionSummary) -> dict[str, str]:
    """Cells by column, those that matter most first."""
    passed_on = summary.answered_by and summary.answered_by != summary.model
    return {
        "time": f"{summary.decided_at.astimezone():%H:%M:%S}",
        "decision": summary.decision_id,
        "model": f"{summary.model} → {summary.answered_by}" if passed_on else summary.model,
        "cost": "-" if summary.status == ROUTED else nano_usd(summary.cost_nano_usd),
        "took": duration(summary.duration_seconds),
        "status": summary.status,
        "quality": "-" if summary.quality is None else f"{summary.quality:.2f}",
        "router": summary.router,
        "attempts": f"{summary.attempts}" if summary.attempts else "-",
        "reason": summary.error_reason or summary.reason,
    }


def _table(summaries: list[DecisionSummary], width: int) -> Table:
    """As many columns as fit, the reason in what is left."""
    rows = [_cells(summary) for summary in summaries]
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    shown, left = [], width
    for name in _COLUMNS:
        needed = 2 + max([len(name), *(len(row[name]) for row in rows)])
        if name == "reason" and left >= _LEAST_REASON:
            table.add_column(name, no_wrap=True, max_width=left, overflow="ellipsis")
        elif name != "reason" and needed <= left:
            table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
        else:
            break
        shown.append(name)
        left -= needed
    for summary, row in zip(summaries, rows, strict=True):
        colours = {"status": _COLOURS[summary.status]}
        table.add_row(*(Text(row[name], colours.get(name, "")) for name in shown))
    return table


def _line(summary: DecisionSummary) -> Text:
    cells = _cells(summary)
    padded = [f"{cells[name]:<{width}}" for name, width in _COLUMNS.items()]
    return Text("  ".join(padded), _COLOURS[summary.status])
