"""The times that decisions and attempts took, by router and by model, as far as quantiles need every one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select

from frontdesk_server.ledger.schema import RECORDS

Seconds = np.ndarray[Any, np.dtype[np.float64]]

_BATCH = 10_000
_UNKNOWN = -1e300
"""Stands for a time that was not measured, while it is on its way from the database."""
_FORM = np.dtype(
    [
        ("router", np.int32),
        ("routing", np.float64),
        ("completion", np.float64),
        ("model", np.int32),
        ("attempt", np.float64),
        ("first_token", np.float64),
    ]
)


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds; of attempts only the last of each decision."""

    routing: Mapping[str, Seconds]
    """By router, as all that follow."""
    completions: Mapping[str, Seconds]
    attempts: Mapping[str, Seconds]
    """By model, as what follows."""
    first_tokens: Mapping[str, Seconds]


def durations(connection: Connection, clauses: Sequence[ColumnElement[bool]]) -> Durations:
    """Read the decisions meant once, a part at a time: there may be millions."""
    columns = RECORDS.c
    query = select(
        columns.router,
        columns.router_duration_seconds,
        func.coalesce(columns.duration_seconds, _UNKNOWN),
        columns.last_model,
        func.coalesce(columns.last_duration_seconds, _UNKNOWN),
        func.coalesce(columns.last_first_token_seconds, _UNKNOWN),
    ).where(*clauses)
    routers, models = _numbering(), _numbering()
    with connection.execution_options(yield_per=_BATCH).execute(query) as result:
        numbered = (
            (routers[router], routing, completion, models[model], attempt, first_token)
            for router, routing, completion, model, attempt, first_token in result
        )
        found = np.fromiter(numbered, _FORM)
    by_router, by_model = _groups(routers, found["router"]), _groups(models, found["model"])
    return Durations(
        _known(by_router, found["routing"]),
        _known(by_router, found["completion"]),
        _known(by_model, found["attempt"]),
        _known(by_model, found["first_token"]),
    )


def _numbering() -> defaultdict[str, int]:
    """Numbers names from 0 on, in the order in which they are asked for."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers


def _groups(
    numbers: Mapping[str, int], found: np.ndarray[Any, np.dtype[np.int32]]
) -> dict[str, np.ndarray[Any, np.dtype[np.intp]]]:
    """Of every name the places where its number was found."""
    ends = np.cumsum(np.bincount(found, minlength=len(numbers)))[:-1]
    return dict(zip(numbers, np.split(np.argsort(found, kind="stable"), ends), strict=True)) if numbers else {}


def _known(groups: Mapping[str, np.ndarray[Any, np.dtype[np.intp]]], values: Seconds) -> dict[str, Seconds]:
    return {name: (own := values[places])[own != _UNKNOWN] for name, places in groups.items()}
