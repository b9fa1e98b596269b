"""A cost over a quantity, and how steeply it grows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.harness.pairing import Row
from benchmarks.harness.results import Result


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured at each size."""

    name: str
    quantity: str
    """What grows: models, rules, …"""
    sizes: tuple[int, ...]
    costs: dict[str, list[float]] = field(default_factory=dict)
    """Each cost, its unit in its name, at each size."""

    def exponent(self, cost: str) -> float:
        """The steepest slope between two neighbouring sizes on logarithmic axes: 0 is flat, 1 linear, 2 quadratic."""
        points = [(math.log(size), math.log(value)) for size, value in zip(self.sizes, self.costs[cost], strict=True)]
        pairs = itertools.pairwise(points)
        return max((after[1] - before[1]) / (after[0] - before[0]) for before, after in pairs)

    def result(self) -> Result:
        """The table: a line a cost."""
        header = ("", *(f"{size:,}" for size in self.sizes), "steepest")
        lines = tuple(
            (
                cost,
                *(f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in values),
                f"{self.exponent(cost):.2f}",
            )
            for cost, values in self.costs.items()
        )
        note = f"By {self.quantity}. Steepest: slope on logarithmic axes; 0 is flat, 1 linear."
        return Result(self.name, header, lines, note, {"curve": asdict(self)})


def cpu_of(row: Row, names: Sequence[str]) -> list[float]:
    """The median CPU a call of these contenders, in microseconds."""
    return [row.median(name, "cpu_us") for name in names]
