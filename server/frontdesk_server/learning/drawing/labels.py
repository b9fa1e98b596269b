"""Where labels of marks stand: beside their mark, on no line, no other mark and no other label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from frontdesk_server.learning.drawing.axis import Path

__all__ = ["Box", "leader", "place_labels"]

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels, downwards."""

_DISTANCES = (8.0, 16.0, 28.0, 44.0, 64.0, 90.0)
_BESIDE_PX = 20.0
"""A label farther than this from its mark needs a line that leads to it."""
_SAMPLE_PX = 3.0
_AIR_PX = 2.0


def place_labels(
    marks: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], lines: Sequence[Path], within: Box
) -> list[Box | None]:
    """A place for the label of each mark, in this order of importance; None where every one is taken.

    `sizes` are the widths and heights of the labels; all arguments are in pixels.
    """
    dots = [dot for line in lines for dot in _sampled(line)]
    taken: list[Box] = [(x - 6, y - 6, 12.0, 12.0) for x, y in marks]
    placed: list[Box | None] = []
    for index, ((x, y), size) in enumerate(zip(marks, sizes, strict=True)):
        others = [box for number, box in enumerate(taken) if number != index]
        free = (box for box in _around(x, y, *size) if _is_free(box, within, others, dots))
        place = next((box for box in free if _leads(marks[index], box, others)), None)
        if place is not None:
            taken.append(place)
        placed.append(place)
    return placed


def leader(mark: tuple[float, float], box: Box) -> tuple[float, float] | None:
    """The point of a label's box that a line from its mark leads to; None where it stands beside its mark."""
    x, y = mark
    left, top, width, height = box
    nearest = min(max(x, left), left + width), min(max(y, top), top + height)
    return nearest if math.dist(mark, nearest) > _BESIDE_PX else None


def _around(x: float, y: float, width: float, height: float) -> list[Box]:
    """The places to try, nearest first: right, left, above, below, and across."""
    half = height / 2
    places = []
    for far in _DISTANCES:
        slant = far * math.sqrt(0.5) + 2
        places += [
            (x + far, y - half, width, height),
            (x - far - width, y - half, width, height),
            (x - width / 2, y - far - height, width, height),
            (x - width / 2, y + far, width, height),
            (x + slant, y + slant, width, height),
            (x - slant - width, y - slant - height, width, height),
            (x + slant, y - slant - height, width, height),
            (x - slant - width, y + slant, width, height),
        ]
    return places


def _is_free(box: Box, within: Box, others: Sequence[Box], dots: Path) -> bool:
    left, top, width, height = box
    inside = (
        left >= within[0]
        and top >= within[1]
        and left + width <= within[0] + within[2]
        and top + height <= within[1] + within[3]
    )
    return (
        inside
        and not any(_overlap(box, other) for other in others)
        and not any(
            left - _AIR_PX < x < left + width + _AIR_PX and top - _AIR_PX < y < top + height + _AIR_PX for x, y in dots
        )
    )


def _leads(mark: tuple[float, float], box: Box, others: Sequence[Box]) -> bool:
    """Whether a line from the mark, where one is needed, leads to the label past everything else."""
    end = leader(mark, box)
    dots = [] if end is None else _sampled([mark, end])
    return not any(
        left < x < left + width and top < y < top + height for left, top, width, height in others for x, y in dots
    )


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _sampled(line: Path) -> list[tuple[float, float]]:
    dots = list(line[:1])
    for (x, y), (next_x, next_y) in pairwise(line):
        steps = max(1, math.ceil(math.hypot(next_x - x, next_y - y) / _SAMPLE_PX))
        dots += [(x + (next_x - x) * k / steps, y + (next_y - y) * k / steps) for k in range(1, steps + 1)]
    return dots
