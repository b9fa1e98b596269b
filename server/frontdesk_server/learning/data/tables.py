"""Rows of a Parquet, JSON Lines or CSV file, each knowing where it stands so that errors can say so."""

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from frontdesk_server.config.files import STANDARD, read
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.unusable import in_words

_TABLES = (".parquet", ".csv")
"""Kinds of files whose rows all have the same columns."""
EXTENSIONS = (*_TABLES, ".jsonl", ".ndjson")
REQUIRED_COLUMNS = ("query_id", "prompt", "model", "quality")
OPTIONAL_COLUMNS = (
    "cost_nano_usd", "latency_ms", "response", "answer", "domain", "check_kind", "check_score", "check_cost_nano_usd",
)  # fmt: skip

_MOST_TOLD = 20
_OTHER_SEPARATORS = ";\t|"
T = TypeVar("T")


class DatasetError(FrontdeskError):
    """Data that cannot be understood; names the file, row (from 1) and column where known."""

    def __init__(
        self, message: str, *, file: Path | None = None, row: int | None = None, column: str | None = None
    ) -> None:
        place = [
            *([str(file)] if file else []),
            *([f"row {row}"] if row else []),
            *([f"column {column}"] if column else []),
        ]
        super().__init__(f"{', '.join(place)}: {message}" if place else message)
        self.file, self.row, self.column = file, row, column


@dataclass(frozen=True, slots=True)
class Row:
    """One record and its place; the accessors validate and convert one column."""

    file: Path | None
    number: int | None
    """Counted from 1; a CSV header does not count, an empty line of JSON Lines does."""
    values: Mapping[str, Any]
    fault: DatasetError | None = None
    """Why nothing can be read of it, which :func:`taken` tells."""

    def error(self, column: str | None, message: str) -> DatasetError:
        """Return an error that names this row's place."""
        return DatasetError(message, file=self.file, row=self.number, column=column)

    def optional_text(self, column: str) -> str | None:
        """Return the column as text, or None where it is absent or null."""
        value = self.values.get(column)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool | int | float):
            return str(value)
        raise self.error(column, f"text expected, found {type(value).__name__}")

    def text(self, column: str) -> str:
        """Return the column as text; it must be there and not empty."""
        value = self.optional_text(column)
        if not value:
            raise self.error(column, "a value is needed here")
        return value

    def number_of(self, column: str) -> float | None:
        """Return the column as a finite float (booleans count 0 and 1), or None where it is absent or empty."""
        value: Any = self.values.get(column)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = {"true": 1.0, "false": 0.0}.get(value.strip().lower(), value)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self.error(column, f"a number is expected, found {value!r}") from None
        if math.isnan(number):
            return None
        if math.isinf(number):
            raise self.error(column, "a finite number is expected")
        return number

    def number_in(self, column: str, low: float, high: float = math.inf) -> float | None:
        """Return :meth:`number_of` the column, which must lie in [low, high]."""
        number = self.number_of(column)
        if number is not None and not low <= number <= high:
            bounds = f"in [{low:g}, {high:g}]" if math.isfinite(high) else f"at least {low:g}"
            raise self.error(column, f"must be {bounds}, found {number:g}")
        return number


def taken(rows: Iterable[Row], take: Callable[[Row], T]) -> list[T]:
    """What is taken of each row.

    Raises DatasetError that tells of all rows what is wrong, of more than twenty how many there are.
    """
    found: list[T] = []
    faults: list[DatasetError] = []
    for row in rows:
        try:
            if row.fault is not None:
                raise row.fault
            found.append(take(row))
        except DatasetError as error:
            if error.row is None:
                raise
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        more = [f"and {len(faults) - _MOST_TOLD:,} more rows"] if len(faults) > _MOST_TOLD else []
        raise DatasetError("\n".join([*map(str, faults[:_MOST_TOLD]), *more]))
    return found


def read_table(path: Path, required: Sequence[str] = (), columns: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of a Parquet, JSON Lines or CSV file, or those of JSON Lines on standard input (`-`).

    Of Parquet only the `columns` are read, where some are named. Rows of JSON Lines that are not readable, or lack a
    required column, have a fault, and rows of CSV with too many fields or too few.

    Raises DatasetError for a missing file, an unknown extension, content that is not of the kind that the extension
    says, a file without rows, or a table without a required column.
    """
    if path != STANDARD and not path.is_file():
        raise DatasetError("a directory, not a file" if path.is_dir() else "no such file", file=path)
    match ".jsonl" if path == STANDARD else path.suffix.lower():
        case ".parquet":
            rows = _read_parquet(path, frozenset(columns))
        case ".jsonl" | ".ndjson":
            rows = _read_json_lines(path)
        case ".csv":
            rows = read_csv(path)
        case other:
            raise DatasetError(f"unknown extension {other!r}; known: {', '.join(EXTENSIONS)}", file=path)
    empty = True
    for row in rows:
        empty = False
        absent = next((column for column in required if column not in row.values), None)
        if row.fault is None and absent is not None:
            fault = row.error(absent, f"the column is missing; found: {', '.join(sorted(row.values))}")
            if path.suffix.lower() in _TABLES:
                raise fault
            row = replace(row, fault=fault)
        yield row
    if empty:
        raise DatasetError("the file has no rows", file=path)


def _read_parquet(path: Path, columns: Set[str]) -> Iterator[Row]:
    import pyarrow as pa  # the other formats do without
    import pyarrow.parquet as pq

    try:
        names = [name for name in pq.read_schema(path).names if not columns or name in columns]
        table = pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"not a readable Parquet file: {in_words(error)}", file=path) from error
    number = 0
    for batch in table.to_batches(max_chunksize=8192):
        for values in batch.to_pylist():
            number += 1
            yield Row(path, number, values)


def _read_json_lines(path: Path) -> Iterator[Row]:
    with io.BytesIO(read(path)) if path == STANDARD else path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            yield _json_row(path, number, line)


def _json_row(path: Path, number: int, line: bytes) -> Row:
    try:
        values = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        return _unreadable(path, number, f"not UTF-8: {error}")
    except ValueError as error:
        return _unreadable(path, number, f"not valid JSON: {error}")
    if not isinstance(values, dict):
        return _unreadable(path, number, "a JSON object is expected on each line")
    return Row(path, number, values)


def _unreadable(path: Path, number: int, why: str) -> Row:
    return Row(path, number, {}, DatasetError(why, file=path, row=number))


def read_csv(path: Path) -> Iterator[Row]:
    """Yield the records of a CSV file with a header; every value is text, an empty one is None."""
    csv.field_size_limit(sys.maxsize)  # recorded responses exceed the module's default of 128 KiB
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if separators := _other_separators(reader.fieldnames or ()):
                raise DatasetError(f"columns are separated by {separators!r}, commas are expected", file=path)
            for number, values in enumerate(reader, start=1):
                if None in values or None in values.values():
                    yield _unreadable(path, number, "the row does not have as many fields as the header")
                    continue
                yield Row(path, number, {column: value or None for column, value in values.items()})
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"not readable as CSV in UTF-8: {error}", file=path) from error


def _other_separators(header: Sequence[str]) -> str:
    """What separates columns in a header in place of commas, empty where commas do."""
    return next((mark for mark in _OTHER_SEPARATORS if mark in header[0]), "") if len(header) == 1 else ""
