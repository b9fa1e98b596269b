"""`frontdesk report`: a data set or a ledger export as one HTML page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from frontdesk_server.cascades.artefact import load_cascade
from frontdesk_server.learning.cascade_evaluation import evaluate_cascade
from frontdesk_server.learning.dataset import DatasetError, read_dataset
from frontdesk_server.learning.logged import read_decisions
from frontdesk_server.learning.report import report_dataset, report_decisions
from frontdesk_server.predictor.artefact import ArtefactError


def report(
    data: Annotated[list[Path] | None, typer.Option(help="Outcomes: Parquet, JSON Lines or CSV.")] = None,
    decisions: Annotated[Path | None, typer.Option(help="Decisions as the ledger exports them.")] = None,
    artefact: Annotated[Path | None, typer.Option(help="Draw this cascade's curve over --data.")] = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write one page that opens offline: who is good at what, at which price, and what routing saves.

    Example: frontdesk report --data outcomes.parquet --artefact cascade --out report.html
    """
    try:
        with Console(stderr=True).status("drawing"):
            page, rows = _page(data, decisions, artefact, title)
        out.write_text(page, encoding="utf-8")
    except (DatasetError, ArtefactError, OSError) as error:
        typer.echo(f"report: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps({"out": str(out), "rows": rows}) if json_ else f"Written to {out}.")


def _page(data: list[Path] | None, decisions: Path | None, artefact: Path | None, title: str | None) -> tuple[str, int]:
    if bool(data) == (decisions is not None):
        raise DatasetError("either --data or --decisions is needed")
    if decisions is not None:
        logged = read_decisions(decisions)
        if not logged:
            raise DatasetError("holds no decision", file=decisions)
        return report_decisions(logged, title=title or "Ledger report"), len(logged)
    dataset = read_dataset(*(data or []))
    evaluation = None if artefact is None else evaluate_cascade(dataset, load_cascade(artefact))
    return report_dataset(dataset, title=title or "Routing report", evaluation=evaluation), len(dataset)
