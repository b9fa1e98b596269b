"""The pictures of the benchmarks: bars with the middle half of the rounds as whiskers, and curves of growth."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.harness.curve import Curve
from benchmarks.harness.results import Result

_COLOURS = {"Frontdesk": "#1f77b4", "forwarder": "#7f7f7f", "LiteLLM": "#d62728", "Portkey": "#2ca02c"}
_PLAIN = "#1f77b4"
_HIDDEN = ("upstream itself",)
"""Would dwarf the others."""


def draw_speed(results: Sequence[Result], file: Path) -> None:
    """One panel for each interleaved row: calls a second, and CPU beside it."""
    rows = [result for result in results if "contenders" in result.data]
    if not rows:
        return
    figure, axes = plt.subplots(len(rows), 2, figsize=(11, 0.7 + 2.1 * len(rows)), squeeze=False, layout="constrained")
    for result, (left, right) in zip(rows, axes, strict=True):
        _bars(left, result, "per_second", 1.0)
        _bars(right, result, "cpu_us", 1e-3)
        left.set_title(result.title, loc="left", fontsize=10, fontweight="bold")
        left.set_xlabel(result.header[1].split(" of ")[0])
        right.set_xlabel("CPU ms each")
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _bars(axes: Axes, result: Result, figure: str, scale: float) -> None:
    contenders: dict[str, Any] = result.data["contenders"]
    shown = [name for name in contenders if name not in _HIDDEN][::-1]
    values = {name: [sample[figure] * scale for sample in contenders[name]["samples"]] for name in shown}
    medians = [statistics.median(values[name]) for name in shown]
    errors = [
        [middle - low, high - middle]
        for middle, (low, high) in zip(medians, (_quartiles(values[name]) for name in shown), strict=True)
    ]
    axes.barh(
        shown,
        medians,
        xerr=list(zip(*errors, strict=True)),
        color=[_COLOURS.get(name, _PLAIN) for name in shown],
        error_kw={"elinewidth": 1, "capsize": 2},
    )
    for place, middle in enumerate(medians):
        axes.annotate(f" {middle:,.4g}", (middle, place), va="bottom", fontsize=8)
    axes.margins(x=0.15)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def draw_growth(curves: Sequence[Curve], file: Path) -> None:
    """One panel a quantity on logarithmic axes, every cost beside its first value; the dotted line grows linearly."""
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.6 * columns, 3.6 * rows), squeeze=False, layout="constrained")
    for panel in axes.flat[len(curves) :]:
        panel.set_visible(False)
    for curve, panel in zip(curves, axes.flat, strict=False):
        for cost, values in curve.costs.items():
            panel.plot(curve.sizes, [value / values[0] for value in values], marker="o", label=cost)
        panel.plot(curve.sizes, [size / curve.sizes[0] for size in curve.sizes], ":", color="grey", label="linear")
        factors = [value / values[0] for values in curve.costs.values() for value in values]
        panel.set(xscale="log", yscale="log", ylim=(0.5 * min(factors), max(4.0, 2 * max(factors))))
        panel.set_title(curve.name, loc="left", fontsize=10, fontweight="bold")
        panel.set_xlabel(curve.quantity)
        panel.set_ylabel("times the first")
        panel.legend(fontsize=7)
        panel.grid(visible=True, alpha=0.3)
    figure.savefig(file, dpi=120)
    plt.close(figure)
