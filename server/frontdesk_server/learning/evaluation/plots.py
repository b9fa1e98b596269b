"""Cost-quality curves as PNG and SVG."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.figure import Figure

from frontdesk_server.learning.evaluation.estimates import Evaluation

__all__ = ["draw_curves"]

_STYLES: Mapping[str, Mapping[str, object]] = {
    "router": {"color": "#0b6e4f", "linewidth": 2.2},
    "prompt_length": {"color": "#c77b0a", "linewidth": 1.2},
    "oracle": {"color": "#888888", "linewidth": 1.0, "linestyle": ":"},
    "random": {"color": "#888888", "linewidth": 1.0, "linestyle": "--"},
}


def draw_curves(evaluation: Evaluation, directory: Path, name: str, title: str) -> list[Path]:
    """Write `<name>.png` and `<name>.svg` into the directory and return their paths."""
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for curve, (position, quality) in evaluation.curves.items():
        alone = {"marker": "x"} if len(position) == 1 else {}  # a line of one point shows nothing
        axes.plot(position, quality, label=curve.replace("_", " "), **alone, **_STYLES.get(curve, {}))  # type: ignore[arg-type]
    points = sorted(evaluation.points.items(), key=lambda item: item[1])
    if "random" not in evaluation.curves:
        ends = [points[0][1], points[-1][1]]
        axes.plot([x for x, _ in ends], [y for _, y in ends], label="random", **_STYLES["random"])  # type: ignore[arg-type]
    dearest = max((cost for cost, _ in evaluation.points.values()), default=0.0)
    for model, point in points:
        axes.plot(*([value] for value in point), "o", color="#22223b", markersize=4)
        side, align = (-4, "right") if point[0] > dearest / 2 else (4, "left")
        axes.annotate(model, point, xytext=(side, -9), textcoords="offset points", fontsize=7, ha=align)
    axes.set(xlabel=evaluation.axis, ylabel="mean quality", title=title)
    axes.grid(visible=True, alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.{kind}" for kind in ("png", "svg")]
    with mpl.rc_context({"svg.hashsalt": name}):  # the same curves give the same file
        for path in paths:
            figure.savefig(path, dpi=130, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths
