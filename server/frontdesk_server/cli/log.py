"""`frontdesk log`: the latest decisions and what became of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
import typer
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
    filters,
    reading,
)
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, Row, console, one_line, table
from frontdesk_server.domain.decision import IN_TURN
from frontdesk_server.domain.duration import duration
from frontdesk_server.domain.ids import first_decision_id
from frontdesk_server.domain.money import usd
from frontdesk_server.ledger.reader import ROUTED, DecisionSummary, Filters, LedgerReader

_POLL_SECONDS = 0.5
_PATIENCE = timedelta(seconds=10)
"""A decision without settlement is shown as routed after this long."""
_COLOURS = {"completed": "green", "failed": "red", "deadline": "magenta", "cancelled": "yellow", ROUTED: "cyan"}
_COLUMNS = (
    Column("time", head=True, least=23),
    Column("decision", head=True, least=26),
    Column("status", head=True, least=9),
    Column("model", least=24),
    Column("cost", right=True, least=9),
    Column("took", right=True, least=7),
    Column("quality", right=True),
    Column("router", least=8),
    Column("attempts", right=True),
    Column("trace"),
    Column("query or reason", free=True),
)
_MOST_SHOWN = 200
"""Characters of a query or reason."""


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
    screen = console()
    with reading(ledger, config, chosen) as reader:
        newest = reader.newest(chosen, limit)
        if json:
            for summary in newest:
                say(_json(summary))
        else:
            screen.print(table(_COLUMNS, map(_row, newest), screen.width))
        if not follow:
            return
        for summary in followed(reader, chosen, newest[-1].decision_id if newest else first_decision_id(_now())):
            if json:
                say(_json(summary))
            else:
                screen.print(table(_COLUMNS, [_row(summary)], screen.width, header=False))


def followed(reader: LedgerReader, chosen: Filters, after: str) -> Iterator[DecisionSummary]:
    """Every younger decision, once: when it is settled, or when it has been without settlement for a while."""
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


def _row(summary: DecisionSummary) -> Row:
    passed_on = summary.answered_by and summary.answered_by != summary.model
    return (
        f"{summary.decided_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        summary.decision_id,
        Text(summary.status, _COLOURS[summary.status]),
        f"{summary.model}{IN_TURN}{summary.answered_by}" if passed_on else summary.model,
        "-" if summary.status == ROUTED else usd(summary.cost_nano_usd),
        duration(summary.duration_seconds),
        "-" if summary.quality is None else f"{summary.quality:.2f}",
        summary.router,
        f"{summary.attempts}" if summary.attempts else "-",
        summary.trace_id or "-",
        one_line(_about(summary), _MOST_SHOWN),
    )


def _about(summary: DecisionSummary) -> str:
    """Why it failed, and what was asked, where that was kept; else why the model was chosen."""
    return "; ".join(filter(None, [summary.error_reason, summary.text])) or summary.reason
