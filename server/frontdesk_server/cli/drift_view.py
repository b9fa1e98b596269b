"""How `stats` and `report` come by the drift of predictions in a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from frontdesk_server.artefacts.quality import ArtefactError
from frontdesk_server.artefacts.quality.drift import ModelDrift
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, table
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.config.offline import load_offline
from frontdesk_server.learning.recorded.drift import ledger_drift
from frontdesk_server.ledger.reader import Filters, LedgerReader


def drift_in(reader: LedgerReader, chosen: Filters, ledger: str | None, config: Path | None) -> tuple[ModelDrift, ...]:
    """Compare with the artefacts of the configuration; options that name a ledger alone name no artefact."""
    if config is None and ledger is not None:
        return ()
    try:
        return ledger_drift(load_offline(config or default_config_path()), reader, chosen)
    except ArtefactError as error:
        say(f"predictions are not compared with training: {error}", err=True)
        return ()


def drift_table(drift: Sequence[ModelDrift], width: int) -> RenderableType:
    """Show it, one line per classifier and model."""
    columns = (
        Column("classifier", head=True),
        Column("model", head=True),
        Column("scores", right=True),
        Column("shift", right=True),
        Column("verdict", free=True),
    )
    rows = []
    for each in drift:
        verdict = each.verdict
        shown = Text.assemble(("drifted", "red"), ": ") if verdict.drifted else Text()
        figures = f"{each.scores:,}", f"{verdict.stability_index:.2f}"
        rows.append((each.classifier, each.model, *figures, shown.append(verdict.reason)))
    return table(columns, rows, width, title="Newest predictions against those of training")
