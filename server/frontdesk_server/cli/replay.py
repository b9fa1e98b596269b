"""`frontdesk replay` and `frontdesk diff-policy`: what another policy would have done on logged decisions."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from frontdesk_server.learning.dataset import DatasetError
from frontdesk_server.learning.logged import LoggedDecision, read_decisions, since
from frontdesk_server.learning.replay import Estimate, MovedDecision, ReplayPolicy, ReplayResult
from frontdesk_server.learning.replay import diff_policy as find_moved
from frontdesk_server.learning.replay import replay as estimate
from frontdesk_server.learning.selection_policy import read_selection_policy

_Policy = Annotated[Path, typer.Option(help="YAML with one of model, quality_floor, cost_weight; and exploration.")]
_Data = Annotated[Path, typer.Option(help="Decisions as the ledger exports them: Parquet, JSON Lines or CSV.")]
_Since = Annotated[datetime | None, typer.Option("--since", help="Leave earlier decisions out (UTC).")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def replay(policy: _Policy, data: _Data, since_: _Since = None, json_: _Json = False) -> None:
    """Estimate quality and cost of another policy on the log; refuses where the log cannot support it (exit code 3).

    Example: frontdesk replay --policy new.yaml --data decisions.parquet --since 2026-01-01
    """
    decisions, asked = _load("replay", policy, data, since_)
    result = estimate(decisions, asked)
    if json_:
        typer.echo(json.dumps(result.as_json(), indent=2))
    else:
        _show(result, Console())
    if result.refusal is not None:
        raise typer.Exit(3)


def diff_policy(policy: _Policy, data: _Data, since_: _Since = None, json_: _Json = False) -> None:
    """List the decisions that another policy takes otherwise.

    Example: frontdesk diff-policy --policy new.yaml --data decisions.parquet
    """
    decisions, asked = _load("diff-policy", policy, data, since_)
    moved = find_moved(decisions, asked)
    if json_:
        typer.echo(json.dumps([asdict(decision) for decision in moved], indent=2))
    else:
        _list(moved, len(decisions), Console())


def _load(
    command: str, policy: Path, data: Path, start: datetime | None
) -> tuple[tuple[LoggedDecision, ...], ReplayPolicy]:
    try:
        asked = read_selection_policy(policy)
        decisions = since(read_decisions(data), None if start is None else start.replace(tzinfo=UTC))
        if not decisions:
            raise DatasetError("holds no decision in this time", file=data)
    except DatasetError as error:
        typer.echo(f"{command}: {error}", err=True)
        raise typer.Exit(1) from error
    return decisions, asked


def _show(result: ReplayResult, console: Console) -> None:
    console.print(f"{len(result.moved):,} of {result.decisions:,} decisions move; {result.outcomes:,} have an outcome.")
    flows = Counter((moved.old_model, moved.new_model) for moved in result.moved)
    for (old, new), count in flows.most_common(10):
        console.print(f"  {count:>7,}  {old} -> {new}")
    if result.refusal is not None:
        console.print(f"\n[bold]No estimate:[/bold] {result.refusal}.")
        return
    table = Table("", "quality", "micro-USD a decision", box=None, header_style="bold")
    table.add_row("as logged", _interval(result.logged_quality, 1.0, 3), _interval(result.logged_cost, 1e-3, 1))
    for name in result.quality:
        table.add_row(name, _interval(result.quality[name], 1.0, 3), _interval(result.cost.get(name), 1e-3, 1))
    console.print(table)
    console.print(
        f"With 95 % intervals; the outcomes are worth {result.effective_decisions:,.0f} under the new policy."
    )


def _list(moved: tuple[MovedDecision, ...], decisions: int, console: Console) -> None:
    table = Table("decision", "router", "was", "becomes", "quality", "micro-USD", box=None, header_style="bold")
    for decision in moved:
        quality, cost = decision.predicted_quality_change, decision.predicted_cost_change_nano_usd
        table.add_row(
            decision.decision_id,
            decision.router,
            decision.old_model,
            decision.new_model,
            "unknown" if quality is None else f"{quality:+.3f}",
            "unknown" if cost is None else f"{cost / 1000:+,.1f}",
        )
    console.print(table)
    console.print(f"{len(moved):,} of {decisions:,} decisions move; changes are as predicted when they were logged.")


def _interval(estimate: Estimate | None, scale: float, digits: int) -> str:
    if estimate is None:
        return "unknown"
    value, low, high = (f"{part * scale:,.{digits}f}" for part in (estimate.value, estimate.low, estimate.high))
    return f"{value}  ({low} to {high})"
