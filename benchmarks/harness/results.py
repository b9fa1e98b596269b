"""What a row of the benchmarks hands back: a table for people, and everything behind it for machines."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import Machine
from benchmarks.harness.pairing import Row


@dataclass(frozen=True, slots=True)
class Result:
    """A table and its data."""

    title: str
    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    note: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Aligned columns; the first is a name, the others figures."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.lines, strict=True)]
        rows = [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(cells)
            )
            for cells in (list(zip(line, widths, strict=True)) for line in (self.header, *self.lines))
        ]
        return "\n".join([f"\n{self.title}", *([self.note] if self.note else []), *rows])

    def markdown(self) -> str:
        """The table as Markdown."""
        rule = ("---", *("---:" for _ in self.header[1:]))
        rows = ["| " + " | ".join(cells) + " |" for cells in (self.header, rule, *self.lines)]
        return "\n".join([f"### {self.title}", "", *([self.note, ""] if self.note else []), *rows, ""])


def share(ratios: Sequence[float]) -> str:
    """A ratio as per cent, with the middle half of the rounds that it is the median of."""
    middle = f"{statistics.median(ratios):.0%}"
    if len(ratios) < 4 or min(ratios) == max(ratios):
        return middle
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{middle} ({low:.0%}-{high:.0%})"


def times(ratios: Sequence[float]) -> str:
    """A ratio as a factor."""
    return f"{statistics.median(ratios):.2f}"


def compared(title: str, row: Row, *, baseline: str = "", note: str = "", unit: str = "calls") -> Result:
    """The table of an interleaved row: ratios to the baseline first, figures behind them."""
    baseline = baseline or row.baseline
    header = (
        "",
        f"{unit}/s of {baseline}",
        f"CPU of {baseline}",
        f"{unit}/s",
        "CPU µs",
        "p50 ms",
        "p99 ms",
        "busy cores",
    )
    lines = tuple(
        (
            name,
            share(row.ratios(name, "per_second", baseline)),
            times(row.ratios(name, "cpu_us", baseline)),
            f"{row.median(name, 'per_second'):,.0f}",
            f"{row.median(name, 'cpu_us'):,.0f}",
            f"{row.median(name, 'p50_us') / 1000:.2f}",
            f"{row.median(name, 'p99_us') / 1000:.2f}",
            f"{row.median(name, 'busy'):.2f}",
        )
        for name in row.samples
    )
    return Result(title, header, lines, note, row.as_json())


def save(results: Sequence[Result], machine: Machine, folder: Path, name: str) -> None:
    """Write `name`.json and `name`.md."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = {"machine": asdict(machine), "results": [{"title": each.title, **each.data} for each in results]}
    (folder / f"{name}.json").write_text(json.dumps(everything, indent=1))
    (folder / f"{name}.md").write_text("\n".join(each.markdown() for each in results))
