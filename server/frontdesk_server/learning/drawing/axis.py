"""Axes: from values to pixels, linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Axis", "Path", "chords", "plain"]

Path = Sequence[tuple[float, float]]
"""Points in order of x."""

_LOG_STEP = 1.05
_MARKS = ((1, 2, 5), (1, 3), (1,))


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` over pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, log: bool) -> Axis:
        """An axis that holds the values, with some margin; logarithmic, they are positive."""
        low, high = min(values), max(values)
        if log:
            return cls(low / 1.3, high * 1.3, start, end, True)
        margin = (high - low or abs(high) or 1.0) * 0.06
        return cls(low - margin, high + margin, start, end, False)

    def at(self, value: float) -> float:
        """The pixel of a value."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Round values to label, `most` or little more."""
        if not self.log:
            raw = (self.high - self.low) / most
            step = min((m * 10.0 ** math.floor(math.log10(raw)) for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
            return [step * k for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for marks in _MARKS:
            found = [m * 10.0**d for d in decades for m in marks if self.low <= m * 10.0**d <= self.high]
            if len(found) <= most:
                break
        return found


def chords(points: Path, *, log_x: bool) -> list[tuple[float, float]]:
    """The points with those between them: two policies mixed lie on a straight line, which a logarithm bends."""
    if not log_x or len(points) < 2:
        return list(points)
    drawn = [points[0]]
    for (x, y), (next_x, next_y) in pairwise(points):
        steps = max(1, math.ceil(math.log(next_x / x) / math.log(_LOG_STEP))) if next_x > x else 1
        between = (x * (next_x / x) ** (k / steps) for k in range(1, steps))
        drawn += [(each, y + (next_y - y) * (each - x) / (next_x - x)) for each in between]
        drawn.append((next_x, next_y))
    return drawn


def plain(value: float) -> str:
    """Three significant digits without an exponent."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if suffix == 'k' else limit):.3g}{suffix}"
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    shown = f"{value:.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
