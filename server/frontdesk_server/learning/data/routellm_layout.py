"""Reading RouteLLM's own recorded responses: wide CSV files, one column per model.

``evals/mmlu/responses/mmlu_<domain>.csv`` has ``prompt`` and one True/False column per model;
``evals/gsm8k/gsm8k_responses.csv`` has ``<model>_response`` columns besides. Prompts listed under ``eval_prompt`` in a
``contaminated_prompts.jsonl`` of the same directory (or the one above) are left out, as RouteLLM's evaluation does.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from frontdesk_server.learning.data.tables import DatasetError, Row, read_csv

_RESPONSE_SUFFIX = "_response"
_CONTAMINATED = "contaminated_prompts.jsonl"


def is_wide_csv(path: Path) -> bool:
    """Say whether a file is a CSV in RouteLLM's layout: a ``prompt`` column, no ``model`` column."""
    if path.suffix.lower() != ".csv":
        return False
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        header = next(csv.reader(file), [])
    return "prompt" in header and "model" not in header


def read_rows(path: Path) -> Iterator[Row]:
    """Yield rows of the documented format from one such file, or from every one in a directory's tree.

    Raises DatasetError where the directory holds no file in this layout, or a row cannot be understood.
    """
    files = [path] if path.is_file() else [file for file in sorted(path.rglob("*.csv")) if is_wide_csv(file)]
    if not files:
        raise DatasetError("no CSV file in RouteLLM's layout here (columns: prompt and one per model)", file=path)
    for file in files:
        contaminated = _contaminated_prompts(file)
        for row in read_csv(file):
            if row.text("prompt") not in contaminated:
                yield from _long_rows(row, domain=file.stem.removeprefix("mmlu_"))


def _long_rows(row: Row, domain: str) -> Iterator[Row]:
    prompt = row.text("prompt")
    query_id = hashlib.sha256(prompt.encode()).hexdigest()[:16]
    models = [
        column for column in row.values if column and column != "prompt" and not column.endswith(_RESPONSE_SUFFIX)
    ]
    for model in models:
        values = {
            "query_id": query_id,
            "prompt": prompt,
            "model": model,
            "quality": row.number_in(model, 0.0, 1.0),
            "response": row.optional_text(model + _RESPONSE_SUFFIX),
            "domain": domain,
        }
        yield Row(row.file, row.number, values)


def _contaminated_prompts(file: Path) -> frozenset[str]:
    for directory in (file.parent, file.parent.parent):
        listing = directory / _CONTAMINATED
        if listing.is_file():
            lines = listing.read_text(encoding="utf-8").splitlines()
            try:
                return frozenset(json.loads(line)["eval_prompt"] for line in lines if line.strip())
            except (ValueError, KeyError, TypeError) as error:
                raise DatasetError(f"not a list of contaminated prompts: {error!r}", file=listing) from error
    return frozenset()
