"""Reading outcomes: one row per (query, model) in Parquet, JSON Lines or CSV, as matrices.

The documented format has the columns ``query_id, prompt, model, quality`` and, optionally, ``cost_nano_usd``,
``latency_ms``, ``response``, ``answer`` and ``domain``; ``check_kind``, ``check_score`` and ``check_cost_nano_usd`` say
what the check of a cascade made of the answer. Other columns are ignored. Quality lies in [0, 1]; an empty quality,
like an absent row, means that the outcome is unknown. A pair may be recorded more than once: its k-th row belongs to a
further query, ``<query_id>#k`` with the same prompt, so that every row counts. RouteLLM's own layout is read too: see
:mod:`frontdesk_server.learning.data.routellm_layout`.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.config.files import STANDARD
from frontdesk_server.learning.data import routellm_layout, tables
from frontdesk_server.learning.data.tables import DatasetError, Row

__all__ = ["Dataset", "DatasetError", "build_dataset", "concatenate", "read_dataset"]

Matrix: TypeAlias = NDArray[np.float64]
Texts: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Outcomes of ``m`` models on ``n`` queries; a pair that was never tried is NaN (numbers) or None (texts)."""

    query_ids: tuple[str, ...]
    prompts: tuple[str, ...]
    domains: tuple[str, ...]
    """One per query; empty where the data names none."""
    models: tuple[str, ...]
    quality: Matrix
    """[n, m], in [0, 1]."""
    cost_nano_usd: Matrix
    """[n, m]."""
    latency_ms: Matrix
    """[n, m]."""
    check_score: Matrix
    """[n, m], in [0, 1], what a check gave the answer."""
    check_cost_nano_usd: Matrix
    """[n, m], what its questions cost."""
    responses: Texts
    """[n, m], the full text a model gave."""
    answers: Texts
    """[n, m], the final answer extracted from the response."""
    check_kind: Texts
    """[n, m], the kind of check that scored."""
    sha256: str = field(default="")
    """Hash of the content, the same whatever the order of rows and the file format."""

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", _content_hash(self))

    def __len__(self) -> int:
        return len(self.query_ids)

    def take(self, rows: Sequence[int] | NDArray[Any]) -> "Dataset":
        """Return the queries at these positions (or where a mask is true), in this order."""
        index = np.arange(len(self))[np.asarray(rows)]
        return replace(
            self,
            query_ids=tuple(self.query_ids[i] for i in index),
            prompts=tuple(self.prompts[i] for i in index),
            domains=tuple(self.domains[i] for i in index),
            **{name: getattr(self, name)[index] for name in _MATRICES},
            sha256="",
        )

    def select_models(self, models: Sequence[str]) -> "Dataset":
        """Return the same queries with these models only, in this order.

        Raises DatasetError where a model is not in the data.
        """
        columns = [self.model_index(model) for model in models]
        return replace(
            self, models=tuple(models), **{name: getattr(self, name)[:, columns] for name in _MATRICES}, sha256=""
        )

    def model_index(self, model: str) -> int:
        """Return the column of a model.

        Raises DatasetError where the model is not in the data; the message lists those that are.
        """
        if model not in self.models:
            raise DatasetError(f"no model {model!r} in the data; it has: {', '.join(self.models)}")
        return self.models.index(model)

    def complete(self) -> "Dataset":
        """Return the queries on which every model has a known quality."""
        return self.take(np.flatnonzero(~np.isnan(self.quality).any(axis=1)))


_NUMBERS = ("quality", "cost_nano_usd", "latency_ms", "check_score", "check_cost_nano_usd")
_TEXTS = ("responses", "answers", "check_kind")
_MATRICES = _NUMBERS + _TEXTS


def read_dataset(*paths: Path) -> Dataset:
    """Read files of the documented format, or RouteLLM's response files or directories, as one data set.

    Raises DatasetError with the file, row and column where the data cannot be understood.
    """
    if not paths:
        raise DatasetError("no data file given")
    return _build(row for path in paths for row in _read_rows(path))


def build_dataset(records: Iterable[Mapping[str, Any]]) -> Dataset:
    """Return records with the documented columns as a data set. Raises DatasetError with row and column."""
    return _build(Row(None, number, values) for number, values in enumerate(records, start=1))


def concatenate(*datasets: Dataset) -> Dataset:
    """Join data sets; models are united, pairs nobody tried stay unknown."""
    return _build(row for dataset in datasets for row in _rows_of(dataset))


def _read_rows(path: Path) -> Iterator[Row]:
    if path != STANDARD and not path.exists():
        raise DatasetError("no such file or directory", file=path)
    if path.is_dir() or routellm_layout.is_wide_csv(path):
        return routellm_layout.read_rows(path)
    return tables.read_table(path, tables.REQUIRED_COLUMNS, tables.REQUIRED_COLUMNS + tables.OPTIONAL_COLUMNS)


def _rows_of(dataset: Dataset) -> Iterator[Row]:
    for i, query_id in enumerate(dataset.query_ids):
        for j, model in enumerate(dataset.models):
            values: dict[str, Any] = {
                "query_id": query_id,
                "prompt": dataset.prompts[i],
                "domain": dataset.domains[i],
                "model": model,
                "quality": _known(dataset.quality[i, j]),
                "cost_nano_usd": _known(dataset.cost_nano_usd[i, j]),
                "latency_ms": _known(dataset.latency_ms[i, j]),
                "response": dataset.responses[i, j],
                "answer": dataset.answers[i, j],
                "check_kind": dataset.check_kind[i, j],
                "check_score": _known(dataset.check_score[i, j]),
                "check_cost_nano_usd": _known(dataset.check_cost_nano_usd[i, j]),
            }
            if any(values[column] is not None for column in ("quality", "cost_nano_usd", "response", "answer")):
                yield Row(None, None, values)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What rows came to so far."""

    queries: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """By id the position, prompt and domain."""
    models: dict[str, int] = field(default_factory=dict)
    cells: dict[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)
    recorded: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Raises DatasetError where a value cannot be used."""
        query_id, prompt, model = row.text("query_id"), row.text("prompt"), row.text("model")
        self.recorded[query_id, model] += 1
        if (repetition := self.recorded[query_id, model]) > 1:
            query_id = f"{query_id}#{repetition}"
        position, known_prompt, _ = self.queries.setdefault(
            query_id, (len(self.queries), prompt, row.optional_text("domain") or "")
        )
        if known_prompt != prompt:
            raise row.error("prompt", f"query {query_id!r} stood with another prompt before")
        self.cells[position, self.models.setdefault(model, len(self.models))] = {
            "quality": row.number_in("quality", 0.0, 1.0),
            "cost_nano_usd": row.number_in("cost_nano_usd", 0.0),
            "latency_ms": row.number_in("latency_ms", 0.0),
            "check_score": row.number_in("check_score", 0.0, 1.0),
            "check_cost_nano_usd": row.number_in("check_cost_nano_usd", 0.0),
            "responses": row.optional_text("response"),
            "answers": row.optional_text("answer"),
            "check_kind": row.optional_text("check_kind"),
        }


def _build(rows: Iterable[Row]) -> Dataset:
    outcomes = _Outcomes()
    tables.taken(rows, outcomes.add)
    if not outcomes.cells:
        raise DatasetError("the data has no rows")
    return _assemble(outcomes.queries, outcomes.models, outcomes.cells)


def _assemble(
    queries: Mapping[str, tuple[int, str, str]],
    models: Mapping[str, int],
    cells: Mapping[tuple[int, int], Mapping[str, Any]],
) -> Dataset:
    shape = (len(queries), len(models))
    matrices: dict[str, Any] = {name: np.full(shape, np.nan) for name in _NUMBERS}
    matrices |= {name: np.full(shape, None, dtype=object) for name in _TEXTS}
    for cell, values in cells.items():
        for name, value in values.items():
            if value is not None:
                matrices[name][cell] = value
    return Dataset(
        query_ids=tuple(queries),
        prompts=tuple(prompt for _, prompt, _ in queries.values()),
        domains=tuple(domain for _, _, domain in queries.values()),
        models=tuple(models),
        **matrices,
    )


def _content_hash(dataset: Dataset) -> str:
    """Hash what decides an evaluation: every known (query, prompt, model, quality, cost), in sorted order."""
    digest = hashlib.sha256()
    columns = sorted(range(len(dataset.models)), key=dataset.models.__getitem__)
    for i in sorted(range(len(dataset)), key=dataset.query_ids.__getitem__):
        digest.update(f"{dataset.query_ids[i]}\x1f{dataset.prompts[i]}\x1e".encode("utf-8", "surrogatepass"))
        for j in columns:
            if not math.isnan(dataset.quality[i, j]):
                outcome = f"{dataset.models[j]}\x1f{dataset.quality[i, j]:.6g}\x1f{dataset.cost_nano_usd[i, j]:.6g}\x1e"
                digest.update(outcome.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
