"""The cost-quality curve of an evaluation, as `frontdesk evaluate --out` has written it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_MOST_BYTES = 16 * 1024 * 1024
_MOST_POINTS = 60

Place = tuple[float, float]
"""Position on the axis, and quality."""


class NoCurve(Exception):
    """The file is none that a curve can be read from; the message says why."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines by the keys of routers, thinned out, and the place of every model that is always asked."""

    axis: str
    lines: Mapping[str, tuple[Place, ...]]
    points: Mapping[str, Place]
    decided: Mapping[str, Place]
    """Where the router's own decisions stand, by its name; empty where the evaluation is of a curve alone."""
    queries: int
    figures: Mapping[str, Mapping[str, float | None]]
    """By router and baseline, what it reaches: `apgr`, `cost_saved_at_equal_quality`, …"""
    verdicts: tuple[str, ...]
    """Sentences that belong beside the figures: what routing itself adds."""


def read_curves(path: Path) -> Curves:
    """Read the file; it blocks. Raises NoCurve."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise NoCurve(f"{path.name} is longer than {_MOST_BYTES:,} bytes")
        return _curves(orjson.loads(path.read_bytes()))
    except OSError as error:
        raise NoCurve(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoCurve(f"{path.name} is no evaluation of this version of `frontdesk evaluate --out`") from error


def _curves(document: Any) -> Curves:
    drawn = document["drawn"]
    lines = {str(name): _thinned(list(zip(*line, strict=True))) for name, line in drawn["curves"].items()}
    points = {str(name): _place(point) for name, point in drawn["points"].items()}
    decided = {name: place for name, place in points.items() if name not in document["models"]}
    points = {name: place for name, place in points.items() if name not in decided}
    known = {"router": document["router"], **document["baselines"]}
    figures = {str(name): _values(told) for name, told in known.items()}
    verdicts = tuple(map(str, drawn["verdicts"]))
    return Curves(str(drawn["axis"]), lines, points, decided, int(document["queries"]), figures, verdicts)


def _thinned(places: list[Any]) -> tuple[Place, ...]:
    """So many places at most, the ends among them."""
    most = len(places) - 1
    steps = min(most, _MOST_POINTS - 1)
    return tuple(_place(places[round(step * most / max(1, steps))]) for step in range(steps + 1))


def _place(pair: Any) -> Place:
    position, quality = pair
    return float(position), float(quality)


def _values(told: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures among what is told; each is `{"value": number or None}`."""
    found = {name: each["value"] for name, each in told.items() if isinstance(each, dict) and "value" in each}
    return {name: None if value is None else float(value) for name, value in found.items()}
