"""`frontdesk report`: a data set or a ledger export as one HTML page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from frontdesk_server.artefacts.cascade.artefact import load_cascade
from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality.drift import ModelDrift
from frontdesk_server.cli.drift_view import drift_in
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.ledger_access import (
    ConfigOption,
    LedgerOption,
    RouterOption,
    SinceOption,
    filters,
    reading,
)
from frontdesk_server.cli.replay import load_decisions
from frontdesk_server.config.files import STANDARD
from frontdesk_server.learning.cascades.evaluation import evaluate_cascade
from frontdesk_server.learning.data.dataset import Dataset, read_dataset
from frontdesk_server.learning.evaluation.estimates import Evaluation
from frontdesk_server.learning.evaluation.neighbours import neighbours_of
from frontdesk_server.learning.report.decisions import report_decisions
from frontdesk_server.learning.report.outcomes import report_dataset


def report(
    data: Annotated[list[Path] | None, typer.Option(help="Outcomes: Parquet, JSON Lines or CSV.")] = None,
    decisions: Annotated[Path | None, typer.Option(help="Decisions as `export --rows decisions` writes them.")] = None,
    artefact: Annotated[Path | None, typer.Option(help="Draw this cascade's curve over --data.")] = None,
    out: Annotated[Path, typer.Option(help="File to write; - is standard output.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    router: RouterOption = "",
    since: SinceOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Tell as JSON where the page is and how many rows it is of."),
    ] = False,
) -> None:
    """Write one page that opens offline: who is good at what, at which price, and what routing saves.

    Without --data or --decisions it reports on the ledger.

    Example: frontdesk report --since 30d --out report.html

    Example: frontdesk report --data outcomes.parquet --artefact cascade --out report.html
    """
    with foreseen("report"):
        if data:
            page, rows = _outcomes(data, decisions, artefact, title or "Routing report")
        else:
            chosen = filters(router=router, since=since)
            logged = load_decisions(decisions, chosen, ledger, config)
            drift: tuple[ModelDrift, ...] = ()
            if decisions is None:
                with reading(ledger, config) as reader:
                    drift = drift_in(reader, chosen, ledger, config)
            with _drawing():
                page, rows = report_decisions(logged, title=title or "Ledger report", drift=drift), len(logged)
        if out == STANDARD:
            typer.echo(page, nl=False)
        else:
            out.write_text(page, encoding="utf-8")
    if as_json or out != STANDARD:
        told = json.dumps({"out": str(out), "rows": rows}) if as_json else f"Written to {out}."
        typer.echo(told, err=out == STANDARD)


def _outcomes(data: list[Path], decisions: Path | None, artefact: Path | None, title: str) -> tuple[str, int]:
    if decisions is not None:
        raise typer.BadParameter("give --data or --decisions, not both")
    with _drawing():
        dataset = read_dataset(*data)
        evaluation = None if artefact is None else _evaluated(dataset, load_cascade(artefact))
        return report_dataset(dataset, title=title, evaluation=evaluation), len(dataset)


def _evaluated(dataset: Dataset, cascade: FittedCascade) -> Evaluation:
    models = (*cascade.members.names, cascade.strongest)
    nearby = neighbours_of(dataset.select_models(models), load_default(), None, seed=0)
    return evaluate_cascade(dataset, cascade, neighbours=nearby)


def _drawing() -> Status:
    return Console(stderr=True).status("drawing")
