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
        axes.plot(position, quality, label=curve.replace("_", " "), **_STYLES.get(curve, {}))  # type: ignore[arg-type]
    points = sorted(evaluation.points.items(), key=lambda item: item[1])
    if "random" not in evaluation.curves:
        ends = [points[0][1], points[-1][1]]
        axes.plot([x for x, _ in ends], [y for _, y in ends], label="random", **_STYLES["random"])  # type: ignore[arg-type]
    for model, point in points:
        axes.plot(*([value] for value in point), "o", color="#22223b", markersize=4)
        axes.annotate(model, point, xytext=(4, -9), textcoords="offset points", fontsize=7)
    axes.set(xlabel=evaluation.axis, ylabel="mean quality", title=title)
    axes.grid(visible=True, alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.{kind}" for kind in ("png", "svg")]
    with mpl.rc_context({"svg.hashsalt": name}):  # the same curves give the same file
        for path in paths:
            figure.savefig(path, dpi=130, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths
