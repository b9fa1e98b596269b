"""`frontdesk export`: the ledger's content as a file."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk_server.cli.ledger_access import (
    CallerOption,
    ConfigOption,
    JsonOption,
    LedgerOption,
    ModelOption,
    RouterOption,
    SinceOption,
    StatusOption,
    UntilOption,
    filters,
    reading,
)
from frontdesk_server.cli.progress import progress_bar, told
from frontdesk_server.cli.saying import say
from frontdesk_server.config.files import STANDARD
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
    file: Annotated[Path, typer.Argument(help="A .parquet, .jsonl or .csv file; - is JSON Lines to standard output.")],
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
    as_json: JsonOption = False,
) -> None:
    """Write the ledger's content to a file, or to standard output.

    Example: frontdesk export --since 30d answers.parquet

    Example: frontdesk export --rows decisions - | jq .model
    """
    form: Format | None = "jsonl" if file == STANDARD else _FORMATS.get(file.suffix)
    if form is None:
        raise typer.BadParameter(f"{file.name} ends in none of {', '.join(_FORMATS)}")
    chosen = filters(router=router, model=model, caller=caller, status=status, since=since, until=until)
    learning = rows is Rows.LEARNING
    read, columns = (learning_rows, LEARNING_COLUMNS) if learning else (decision_rows, DECISION_COLUMNS)
    with reading(ledger, config, chosen) as reader:
        total = None if learning else reader.count(chosen)
        with progress_bar("exporting", total) as advance:
            count = write_rows(told(read(reader, chosen), advance), columns, file, form)
    if as_json:
        say(json.dumps({"file": str(file), "rows": count}), err=file == STANDARD)
    elif file != STANDARD:
        say(f"{count:,} rows in {file}", err=True)
    if learning and count == 0:
        say("learning needs ledger.store_prompts and reported outcomes", err=True)
