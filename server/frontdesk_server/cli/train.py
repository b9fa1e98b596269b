"""`frontdesk train`: a quality predictor from recorded outcomes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from frontdesk_server.cli.ledger_access import ConfigOption, LedgerOption, reading
from frontdesk_server.embedders import load_default
from frontdesk_server.learning.dataset import read_dataset
from frontdesk_server.learning.tables import DatasetError
from frontdesk_server.learning.train import FEATURES, TrainingSettings, progress_steps
from frontdesk_server.learning.train import train as fit
from frontdesk_server.ledger.export import LEARNING_COLUMNS, learning_rows, write_rows
from frontdesk_server.ledger.reader import Filters
from frontdesk_server.predictor import Artefact


def train(
    out: Annotated[Path, typer.Option(help="Directory that the artefact is written to.")],
    data: Annotated[
        list[Path] | None, typer.Option(help="Outcomes: Parquet, JSON Lines or CSV. May be given several times.")
    ] = None,
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="Learn from the outcomes reported to the ledger, beside any --data.")
    ] = False,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
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

    Example: frontdesk train --from-ledger --config frontdesk.yaml --out artefacts/mine
    """
    settings = TrainingSettings(features=_listed(features), folds=folds, unseen_domains=unseen_domains, seed=seed)
    with ExitStack() as stack:
        reported = [stack.enter_context(_reported(ledger, config))] if from_ledger else []
        dataset = read_dataset(*(data or ()), *reported)
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


@contextmanager
def _reported(ledger: str | None, config: Path | None) -> Iterator[Path]:
    """A file of the ledger's answers whose outcome was reported and whose prompt was kept."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-") as folder, reading(ledger, config) as reader:
        path = Path(folder) / "ledger.jsonl"
        if not write_rows(learning_rows(reader, Filters()), LEARNING_COLUMNS, path, "jsonl"):
            raise DatasetError(
                "the ledger holds no outcome to learn from: keep prompts (ledger.store_prompts) and report outcomes"
            )
        yield path


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
