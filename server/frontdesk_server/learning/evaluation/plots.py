"""Cost-quality curves as PNG and SVG, in the look of the report's charts."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from frontdesk_server.domain.measures import words
from frontdesk_server.learning.drawing.axis import chords, plain
from frontdesk_server.learning.drawing.labels import leader, place_labels
from frontdesk_server.learning.drawing.look import LIGHT, stroke_of
from frontdesk_server.learning.evaluation.estimates import Evaluation

__all__ = ["draw_curves"]

_DPI = 130
_LABEL_POINTS = 8
_CHAR_WIDTH, _LINE_HEIGHT = 0.51, 1.25
"""Of a label, in parts of its size."""


def draw_curves(evaluation: Evaluation, directory: Path, name: str, title: str) -> list[Path]:
    """Write `<name>.png` and `<name>.svg` into the directory and return their paths."""
    figure = Figure(figsize=(7.6, 4.6), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    curves = {
        words(name): [(evaluation.drawn(float(x)), float(y)) for x, y in zip(*line, strict=True)]
        for name, line in evaluation.curves.items()
    }
    points = {model: (evaluation.drawn(x), y) for model, (x, y) in evaluation.points.items()}
    positions = [x for line in curves.values() for x, _ in line] + [x for x, _ in points.values()]
    log_x = evaluation.priced and min(positions, default=0.0) > 0
    if log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: plain(value))
        axes.xaxis.set_minor_formatter(lambda value, _: plain(value) if f"{value:.0e}"[0] in "25" else "")
    lines = {curve: chords(line, log_x=log_x) for curve, line in curves.items()}
    for curve, line in lines.items():
        _draw_line(axes, curve, line)
    for place, (x, y) in points.items():
        colour = LIGHT["mark" if place in evaluation.result["models"] else "accent"]
        axes.plot(x, y, "o", color=colour, markersize=6, markeredgecolor=LIGHT["card"])
    axes.set(xlabel=evaluation.axis, ylabel="mean quality")
    axes.set_title(title, loc="left", color=LIGHT["ink"], fontsize=11)
    _plain_frame(axes)
    figure.legend(loc="outside lower left", ncols=5, frameon=False, fontsize=8, labelcolor=LIGHT["soft"])
    figure.draw_without_rendering()  # settles the layout, by which labels are placed
    _label(axes, points, lines)
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.{kind}" for kind in ("png", "svg")]
    with mpl.rc_context({"svg.hashsalt": name}):  # the same curves give the same file
        for path in paths:
            figure.savefig(path, dpi=_DPI, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths


def _draw_line(axes: Axes, name: str, line: list[tuple[float, float]]) -> None:
    stroke = stroke_of(name)
    look: Mapping[str, object] = {
        "color": LIGHT[stroke.colour],
        "linewidth": stroke.width * 0.8,
        "linestyle": (0, stroke.dash) if stroke.dash else "-",
        "marker": "D" if len(line) == 1 else "",  # a line of one point shows nothing
        "markersize": 5,
    }
    axes.plot(*zip(*line, strict=True), label=name, **look)  # type: ignore[arg-type]


def _plain_frame(axes: Axes) -> None:
    axes.grid(visible=True, color=LIGHT["rule"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=LIGHT["soft"], labelsize=8, length=0)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=LIGHT["soft"], fontsize=9)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label(
    axes: Axes, points: Mapping[str, tuple[float, float]], lines: Mapping[str, list[tuple[float, float]]]
) -> None:
    """Name the models beside their marks, on no line; what finds no place is named at its mark's corner."""
    scale = _LABEL_POINTS * _DPI / 72
    box = axes.bbox

    def pixels(place: tuple[float, float]) -> tuple[float, float]:
        x, y = axes.transData.transform(place)
        return float(x), float(box.y1 + box.y0 - y)  # downwards

    def back(pixel: tuple[float, float]) -> tuple[float, float]:
        x, y = axes.transData.inverted().transform((pixel[0], box.y1 + box.y0 - pixel[1]))
        return float(x), float(y)

    names = sorted(points, key=lambda name: -points[name][1])
    places = place_labels(
        [pixels(points[name]) for name in names],
        [(len(name) * scale * _CHAR_WIDTH, scale * _LINE_HEIGHT) for name in names],
        [[pixels(place) for place in line] for line in lines.values() if len(line) > 1],
        (box.x0, box.y0, box.width, box.height),
    )
    for name, place in zip(names, places, strict=True):
        x, y = pixels(points[name])
        left, top, _, height = place or (x + 8, y + 8, 0.0, scale * _LINE_HEIGHT)
        if place is not None and (end := leader((x, y), place)):
            axes.plot(*zip(points[name], back(end), strict=True), color=LIGHT["mark"], linewidth=0.6)
        offset = ((left - x) * 72 / _DPI, (y - top - height / 2) * 72 / _DPI)
        axes.annotate(
            name,
            points[name],
            xytext=offset,
            textcoords="offset points",
            fontsize=_LABEL_POINTS,
            color=LIGHT["ink"],
            va="center",
        )
