"""`frontdesk train`: a quality predictor from recorded outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from frontdesk_server.embedders import load_default
from frontdesk_server.learning.dataset import read_dataset
from frontdesk_server.learning.train import FEATURES, TrainingSettings, progress_steps
from frontdesk_server.learning.train import train as fit
from frontdesk_server.predictor import Artefact


def train(
    data: Annotated[list[Path], typer.Option(help="Outcomes: Parquet, JSON Lines or CSV. May be given several times.")],
    out: Annotated[Path, typer.Option(help="Directory that the artefact is written to.")],
    models: Annotated[str, typer.Option(help="Models to learn, separated by commas; all of the data by default.")] = "",
    features: Annotated[
        str, typer.Option(help=f"Features that cross-validation may use, of {','.join(FEATURES)}; all by default.")
    ] = "",
    unseen_domains: Annotated[
        bool, typer.Option("--unseen-domains", help="Train for domains that the data lacks: hold out whole ones.")
    ] = False,
    folds: Annotated[int, typer.Option(min=2, help="Parts that cross-validation deals the queries to.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Learn from recorded outcomes how well each model will answer a query.

    One row per (query, model): query_id, prompt, model, quality in [0, 1]. Missing pairs are normal.

    Example: frontdesk train --data outcomes.parquet --out artefacts/mine
    """
    settings = TrainingSettings(features=_listed(features), folds=folds, unseen_domains=unseen_domains, seed=seed)
    dataset = read_dataset(*data)
    if models:
        dataset = dataset.select_models(_listed(models))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=progress_steps(dataset, settings))
        artefact = fit(dataset, load_default(), settings, advance=lambda steps: progress.advance(task, steps))
    artefact.save(out)
    if as_json:
        typer.echo(orjson.dumps({"artefact": str(out), "models": artefact.models, **artefact.metrics}).decode())
    else:
        _show(artefact, out, Console())


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _show(artefact: Artefact, out: Path, console: Console) -> None:
    metrics = artefact.metrics
    table = Table("model", "rows", "mean quality", "Brier", "Brier of the mean", "ECE", box=None, header_style="bold")
    for model in metrics["models"]:
        figures = (f"{model[key]:.3f}" for key in ("mean_quality", "brier", "brier_of_mean", "ece"))
        table.add_row(model["model"], f"{model['rows']:,}", *figures)
    console.print(table)
    console.print(
        f"\n{metrics['queries']:,} queries, {metrics['outcomes']:,} outcomes; measured on held-out "
        f"{'domains' if metrics['held_out_by'] == 'domain' else 'queries'}, {metrics['folds']} folds. Artefact in {out}"
    )
