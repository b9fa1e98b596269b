"""`frontdesk train`: a quality predictor from recorded outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.text import Text

from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.cli.learning_access import embedder_of, listed
from frontdesk_server.cli.ledger_access import (
    LedgerOption,
    RouterOption,
    SinceOption,
    UntilOption,
    filters,
    reading,
    refuse_idle,
)
from frontdesk_server.cli.progress import progress_bar, told
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.learning.data.dataset import Dataset, DatasetError, build_dataset, concatenate, read_dataset
from frontdesk_server.learning.evaluation.added import verdicts
from frontdesk_server.learning.training.settings import FEATURES, TrainingSettings
from frontdesk_server.ledger.export import learning_rows
from frontdesk_server.ledger.reader import Filters


def train(
    out: Annotated[Path, typer.Option(help="Directory that the artefact is written to.")],
    data: Annotated[
        list[Path] | None, typer.Option(help="Outcomes: Parquet, JSON Lines or CSV. May be given several times.")
    ] = None,
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="Learn from the outcomes reported to the ledger, beside any --data.")
    ] = False,
    router: RouterOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    ledger: LedgerOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration that names the ledger and the embedder.")
    ] = None,
    models: Annotated[str, typer.Option(help="Models to learn, separated by commas; all of the data by default.")] = "",
    features: Annotated[
        str, typer.Option(help=f"Features that cross-validation may use, of {','.join(FEATURES)}; all by default.")
    ] = "",
    unseen_domains: Annotated[
        bool, typer.Option("--unseen-domains", help="Train for domains that the data lacks: hold out whole ones.")
    ] = False,
    folds: Annotated[int, typer.Option(min=3, help="Parts that cross-validation deals the queries to.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
) -> None:
    """Learn from recorded outcomes how well each model will answer a query.

    One row per (query, model): query_id, prompt, model, quality in [0, 1]. Missing pairs are normal.

    Example: frontdesk train --data outcomes.parquet --out artefacts/mine

    Router, since and until choose among the ledger's decisions. The artefact is made for the configuration's embedder,
    without a configuration for the one that ships.

    Example: frontdesk train --from-ledger --since 30d --config frontdesk.yaml --out artefacts/mine
    """
    from frontdesk_server.learning.training.train import progress_steps
    from frontdesk_server.learning.training.train import train as fit

    if not data and not from_ledger:
        raise typer.BadParameter("give --data, --from-ledger, or both")
    if not from_ledger:
        refuse_idle("it is of the ledger's decisions: give --from-ledger, too", router, since, until, ledger)
    settings = TrainingSettings(features=listed(features), folds=folds, unseen_domains=unseen_domains, seed=seed)
    parts = [read_dataset(*data)] if data else []
    if from_ledger:
        parts.append(_reported(ledger, config, filters(router=router, since=since, until=until)))
    dataset = concatenate(*parts) if len(parts) > 1 else parts[0]
    if models:
        dataset = dataset.select_models(listed(models))
    with progress_bar("training", progress_steps(dataset, settings)) as advance:
        artefact = fit(dataset, embedder_of(config), settings, advance=advance)
    artefact.save(out)
    if as_json:
        told_of = {"artefact": str(out), "models": artefact.models, **artefact.metrics, "verdicts": _verdicts(artefact)}
        say(orjson.dumps(told_of).decode())
    else:
        _show(artefact, out, console())


def _reported(ledger: str | None, config: Path | None, chosen: Filters) -> Dataset:
    """The ledger's answers whose outcome was reported and whose prompt was kept."""
    with reading(ledger, config, chosen) as reader, progress_bar("reading", None) as advance:
        rows = list(told(learning_rows(reader, chosen), advance))
    if not rows:
        raise DatasetError(
            "the ledger holds no outcome to learn from: keep prompts (ledger.store_prompts) and report outcomes"
        )
    return build_dataset(rows)


def _show(artefact: Artefact, out: Path, screen: Console) -> None:
    metrics = artefact.metrics
    names = ("rows", "mean quality", "Brier", "Brier of the mean", "ECE")
    columns = [Column("model", head=True), *(Column(name, right=True) for name in names)]
    rows = [
        [
            model["model"],
            f"{model['rows']:,}",
            *(f"{model[key]:.3f}" for key in ("mean_quality", "brier", "brier_of_mean", "ece")),
        ]
        for model in metrics["models"]
    ]
    screen.print(table(columns, rows, screen.width))
    screen.print(
        f"\n{metrics['queries']:,} queries, {metrics['outcomes']:,} outcomes; measured on held-out "
        f"{'domains' if metrics['held_out_by'] == 'domain' else 'queries'}, {metrics['folds']} folds. Artefact in {out}"
    )
    for verdict in _verdicts(artefact):
        screen.print(Text(verdict))


def _verdicts(artefact: Artefact) -> list[str]:
    return verdicts(artefact.metrics) if "routing_adds" in artefact.metrics else []
