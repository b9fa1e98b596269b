"""`frontdesk export`: the ledger's content as a file."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from frontdesk_server.cli.ledger_access import (
    CallerOption,
    ConfigOption,
    LedgerOption,
    ModelOption,
    RouterOption,
    SinceOption,
    StatusOption,
    UntilOption,
    filters,
    reading,
)
from frontdesk_server.ledger.export import (
    DECISION_COLUMNS,
    LEARNING_COLUMNS,
    Format,
    decision_rows,
    learning_rows,
    write_rows,
)

_FORMATS: dict[str, Format] = {".parquet": "parquet", ".jsonl": "jsonl", ".csv": "csv"}


class Rows(enum.Enum):
    """What a row is."""

    LEARNING = "learning"
    DECISIONS = "decisions"


def export(
    file: Annotated[Path, typer.Argument(help="What to write: a .parquet, .jsonl or .csv file.")],
    rows: Annotated[
        Rows, typer.Option(help="learning: answers with outcomes, for `train`; decisions: all, for `replay`.")
    ] = Rows.LEARNING,
    router: RouterOption = "",
    model: ModelOption = "",
    caller: CallerOption = "",
    status: StatusOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the ledger's content to a file.

    Example: frontdesk export --since 30d answers.parquet
    """
    form = _FORMATS.get(file.suffix)
    if form is None:
        raise typer.BadParameter(f"{file.name} ends in none of {', '.join(_FORMATS)}")
    chosen = filters(router=router, model=model, caller=caller, status=status, since=since, until=until)
    with reading(ledger, config) as reader:
        if rows is Rows.LEARNING:
            count = write_rows(learning_rows(reader, chosen), LEARNING_COLUMNS, file, form)
        else:
            count = write_rows(decision_rows(reader, chosen), DECISION_COLUMNS, file, form)
    typer.echo(f"{count:,} rows in {file}", err=True)
    if rows is Rows.LEARNING and count == 0:
        typer.echo("learning needs ledger.store_prompts and reported outcomes", err=True)
