"""How `stats` and `report` come by the drift of predictions in a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table

from frontdesk_server.artefacts.quality import ArtefactError
from frontdesk_server.artefacts.quality.drift import ModelDrift
from frontdesk_server.config.loading import default_config_path, load_config
from frontdesk_server.learning.recorded.drift import ledger_drift
from frontdesk_server.ledger.reader import Filters, LedgerReader


def drift_in(reader: LedgerReader, chosen: Filters, ledger: str | None, config: Path | None) -> tuple[ModelDrift, ...]:
    """Compare with the artefacts of the configuration; options that name a ledger alone name no artefact."""
    if config is None and ledger is not None:
        return ()
    try:
        return ledger_drift(load_config(config or default_config_path()), reader, chosen)
    except ArtefactError as error:
        typer.echo(f"predictions are not compared with training: {error}", err=True)
        return ()


def drift_table(drift: Sequence[ModelDrift]) -> Table:
    """Show it, one line per classifier and model."""
    title = "Newest predictions against those of training"
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in ("classifier", "model"):
        table.add_column(column, no_wrap=True)
    for column in ("scores", "shift"):
        table.add_column(column, justify="right")
    table.add_column("")
    for each in drift:
        verdict = each.verdict
        shown = f"[red]drifted[/]: {verdict.reason}" if verdict.drifted else verdict.reason
        table.add_row(each.classifier, each.model, f"{each.scores:,}", f"{verdict.stability_index:.2f}", shown)
    return table
