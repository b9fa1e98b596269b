"""`frontdesk report`: a data set or a ledger export as one HTML page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from frontdesk_server.artefacts.cascade.artefact import load_cascade
from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality.drift import ModelDrift
from frontdesk_server.cli.drift_view import drift_in
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.learning_access import nearness_of
from frontdesk_server.cli.ledger_access import (
    ConfigOption,
    LedgerOption,
    RouterOption,
    SinceOption,
    filters,
    reading,
    refuse_idle,
)
from frontdesk_server.cli.replay import load_decisions
from frontdesk_server.cli.saying import say
from frontdesk_server.config.files import STANDARD
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.config.offline import load_offline
from frontdesk_server.learning.cascades.evaluation import evaluate_cascade
from frontdesk_server.learning.data.dataset import Dataset, read_dataset
from frontdesk_server.learning.evaluation.added import verdicts
from frontdesk_server.learning.evaluation.estimates import Evaluation
from frontdesk_server.learning.evaluation.neighbours import neighbours_of
from frontdesk_server.learning.replay.added import added_in_log
from frontdesk_server.learning.report.decisions import report_decisions
from frontdesk_server.learning.report.outcomes import report_dataset
from frontdesk_server.ledger.reader import Filters


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
        typer.Option("--json", help="Tell as JSON where the page is, of how many rows, and what routing adds."),
    ] = False,
) -> None:
    """Write one page that opens offline: who is good at what, at which price, and what routing saves.

    Without --data or --decisions it reports on the ledger.

    Example: frontdesk report --since 30d --out report.html

    Example: frontdesk report --data outcomes.parquet --artefact cascade --out report.html
    """
    with foreseen("report"):
        if data:
            refuse_idle("it is of decisions, and --data has outcomes", router, since, None, ledger)
            page, summary = _outcomes(data, decisions, artefact, title or "Routing report")
        else:
            chosen = filters(router=router, since=since)
            page, summary = _decisions(decisions, chosen, ledger, config, title or "Ledger report")
        if out == STANDARD:
            say(page, nl=False)
        else:
            out.write_text(page, encoding="utf-8")
    if as_json or out != STANDARD:
        lines = [*summary["verdicts"], f"Written to {out}."]
        say(json.dumps({"out": str(out), **summary}) if as_json else "\n".join(lines), err=out == STANDARD)


def _decisions(
    file: Path | None, chosen: Filters, ledger: str | None, config: Path | None, title: str
) -> tuple[str, dict[str, Any]]:
    """The page of logged decisions, and what is told of them without it."""
    logged = load_decisions(file, chosen, ledger, config)
    drift: tuple[ModelDrift, ...] = ()
    if file is None:
        with reading(ledger, config) as reader:
            drift = drift_in(reader, chosen, ledger, config)
    names_none = config is None and (file is not None or ledger is not None)
    embedder = nearness_of(None if names_none else load_offline(config or default_config_path()))
    with _drawing():
        rivals = added_in_log(logged, embedder)
        page = report_decisions(logged, title=title, drift=drift, rivals=rivals)
    added = {rival.name: rival.as_json() for rival in rivals} or None
    return page, {"rows": len(logged), "routing_adds": added, "verdicts": [rival.verdict for rival in rivals]}


def _outcomes(
    data: list[Path], decisions: Path | None, artefact: Path | None, title: str
) -> tuple[str, dict[str, Any]]:
    if decisions is not None:
        raise typer.BadParameter("give --data or --decisions, not both")
    with _drawing():
        dataset = read_dataset(*data)
        evaluation = None if artefact is None else _evaluated(dataset, load_cascade(artefact))
        found = None if evaluation is None else evaluation.result
        told = [] if found is None else verdicts(found)
        summary = {"rows": len(dataset), "routing_adds": found and found["routing_adds"], "verdicts": told}
        return report_dataset(dataset, title=title, evaluation=evaluation), summary


def _evaluated(dataset: Dataset, cascade: FittedCascade) -> Evaluation:
    models = (*cascade.members.names, cascade.strongest)
    nearby = neighbours_of(dataset.select_models(models), load_default(), None, seed=0)
    return evaluate_cascade(dataset, cascade, neighbours=nearby)


def _drawing() -> Status:
    return Console(stderr=True).status("drawing")
