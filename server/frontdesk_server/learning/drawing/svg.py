"""Charts as inline SVG: no script, no font, no file beside them; colours come from the page's style sheet.

Every chart is drawn twice, for a page's width and for a phone's, and the style sheet shows the one that fits: so text
keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from frontdesk_server.learning.drawing.axis import Axis, Path, chords, plain
from frontdesk_server.learning.drawing.labels import leader, place_labels
from frontdesk_server.learning.drawing.look import stroke_of

__all__ = ["Frame", "Line", "Point", "bars", "heatmap", "xy_chart"]

_CHAR_PX = 6.4
_LABEL_PX = 13.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a chart in pixels, and about how many values its axes name."""

    name: str
    width: float
    height: float
    most_ticks: int
    left: float
    right: float
    cell: float
    """The least width of a cell that holds a figure."""
    top: float = 32
    bottom: float = 46


_FRAMES = (Frame("wide", 760, 410, 9, 56, 24, 40), Frame("narrow", 340, 320, 5, 48, 12, 31))


@dataclass(frozen=True, slots=True)
class Point:
    """A labelled mark."""

    label: str
    x: float
    y: float
    emphasised: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points in order of x; its look follows from its name."""

    label: str
    points: tuple[tuple[float, float], ...]


def xy_chart(points: Sequence[Point], lines: Sequence[Line], *, x_title: str, y_title: str, log_x: bool = False) -> str:
    """Draw marks and lines over two axes; with `log_x`, x must be positive."""

    def draw(frame: Frame) -> str:
        xs = [p.x for p in points] + [x for line in lines for x, _ in line.points]
        ys = [p.y for p in points] + [y for line in lines for _, y in line.points]
        x_axis = Axis.over(xs, frame.left, frame.width - frame.right, log=log_x)
        y_axis = Axis.over(ys, frame.height - frame.bottom, frame.top, log=False)
        paths = [[(x_axis.at(x), y_axis.at(y)) for x, y in chords(line.points, log_x=log_x)] for line in lines]
        parts = [_grid(frame, x_axis, y_axis, x_title, y_title)]
        parts += [_polyline(line.label, path) for line, path in zip(lines, paths, strict=True)]
        parts += _marks(points, x_axis, y_axis, paths, frame)
        return _svg(parts, frame.width, frame.height, f"{y_title} by {x_title}")

    return _legend(lines) + _both(draw)


def bars(values: Mapping[str, float], *, unit: str = "", share: bool = False) -> str:
    """Draw one horizontal bar a name, with its value; shares are printed in percent."""
    most = max(values.values(), default=0.0) or 1.0

    def draw(frame: Frame) -> str:
        beside = frame.name == "wide"
        row, left = (26, 230) if beside else (42, 4)
        parts = []
        for number, (name, value) in enumerate(values.items()):
            y = number * row + (4 if beside else 20)
            width = max((frame.width - left - 90) * value / most, 1)
            text = f"{value:.1%}" if share else f"{plain(value)} {unit}".strip()
            place = (
                f'x="{left - 10}" y="{y + 13}" text-anchor="end"' if beside else f'x="{left}" y="{y - 5}"'
            )  # a phone has no room beside a bar
            parts.append(f'<text class="name" {place}>{escape(_clip(name))}</text>')
            parts.append(f'<rect class="bar" x="{left}" y="{y}" width="{width:.1f}" height="18" rx="3"/>')
            parts.append(f'<text class="value" x="{left + width + 8:.1f}" y="{y + 13}">{escape(text)}</text>')
        return _svg(parts, frame.width, len(values) * row + 8, "bars")

    return _both(draw)


def heatmap(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Draw values in [0, 1] as a table of shaded cells, rows by columns; NaN is left blank.

    Cells never become too narrow to read: on a phone the chart is scrolled.
    """

    def draw(frame: Frame) -> str:
        left, top, cell_h = (190.0, 110.0, 26) if frame.name == "wide" else (118.0, 100.0, 26)
        cell_w = max(frame.cell, min(90.0, (frame.width - left - 90) / max(1, len(columns))))
        width = max(frame.width, left + len(columns) * cell_w + (90 if frame.name == "wide" else 24))
        parts = []
        for j, column in enumerate(columns):
            x = left + (j + 0.5) * cell_w
            place = f"translate({x:.1f},{top - 8}) rotate(-32)"
            parts.append(f'<text class="name" transform="{place}">{escape(_clip(column, 22))}</text>')
        most = int((left - 12) / _CHAR_PX)
        for i, name in enumerate(rows):
            y = top + i * cell_h
            shown = escape(_clip(name, most))
            parts.append(f'<text class="name" x="{left - 10}" y="{y + 17}" text-anchor="end">{shown}</text>')
            parts += [_cell(left + j * cell_w, y, cell_w, cell_h, value) for j, value in enumerate(values[i])]
        return _svg(parts, width, top + len(rows) * cell_h + 6, "quality by domain and model", fixed=True)

    return _both(draw)


def _cell(x: float, y: float, width: float, height: float, value: float) -> str:
    if math.isnan(value):
        return ""
    return (
        f'<rect class="cell" x="{x:.1f}" y="{y}" width="{width - 2:.1f}" height="{height - 2}" rx="3" '
        f'fill-opacity="{0.06 + 0.94 * value**1.5:.3f}"/>'
        f'<text class="{"on" if value > 0.62 else "off"}" x="{x + width / 2 - 1:.1f}" y="{y + 16}" '
        f'text-anchor="middle">{value:.2f}</text>'
    )


def _both(draw: Callable[[Frame], str]) -> str:
    return "".join(f'<div class="{frame.name}">{draw(frame)}</div>' for frame in _FRAMES)


def _polyline(label: str, path: Path) -> str:
    stroke = stroke_of(label)
    dash = f";stroke-dasharray:{' '.join(f'{length:g}' for length in stroke.dash)}" if stroke.dash else ""
    style = f"stroke:var(--{stroke.colour});stroke-width:{stroke.width:g}{dash}"
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
    return f'<polyline class="line" style="{style}" points="{drawn}"><title>{escape(label)}</title></polyline>'


def _grid(frame: Frame, x_axis: Axis, y_axis: Axis, x_title: str, y_title: str) -> str:
    right, bottom = frame.width - frame.right, frame.height - frame.bottom
    parts = []
    for tick in y_axis.ticks(6):
        y = y_axis.at(tick)
        parts.append(f'<line class="grid" x1="{frame.left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{frame.left - 8}" y="{y + 4:.1f}" text-anchor="end">{plain(tick)}</text>')
    for tick in x_axis.ticks(frame.most_ticks):
        x = x_axis.at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{plain(tick)}</text>')
    middle = (frame.left + right) / 2
    parts.append(
        f'<text class="title" x="{middle}" y="{frame.height - 8}" text-anchor="middle">{escape(x_title)}</text>'
    )
    parts.append(f'<text class="title" x="2" y="14">{escape(y_title)}</text>')
    return "".join(parts)


def _marks(points: Sequence[Point], x_axis: Axis, y_axis: Axis, paths: Sequence[Path], frame: Frame) -> list[str]:
    """Draw marks, and the labels that find a free place; every mark names itself on hovering."""
    ordered = sorted(points, key=lambda p: (not p.emphasised, -p.y))
    places = [(x_axis.at(p.x), y_axis.at(p.y)) for p in ordered]
    sizes = [(len(p.label) * _CHAR_PX, _LABEL_PX) for p in ordered]
    within = (frame.left, 18.0, frame.width - frame.left - 4, frame.height - frame.bottom - 18)
    boxes = place_labels(places, sizes, paths, within)
    parts = []
    for point, (x, y), box in zip(ordered, places, boxes, strict=True):
        style, radius = ("mark strong", 6) if point.emphasised else ("mark", 4.5)
        parts.append(
            f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(point.label)}: '
            f"{plain(point.x)}, {point.y:.3f}</title></circle>"
        )
        if box is not None:
            if end := leader((x, y), box):
                parts.append(f'<line class="leader" x1="{x:.1f}" y1="{y:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>')
            text = f'<text class="label" x="{box[0]:.1f}" y="{box[1] + 10.5:.1f}">{escape(point.label)}</text>'
            parts.append(text)
    return parts


def _legend(lines: Sequence[Line]) -> str:
    keys = (
        f'<span><svg viewBox="0 0 26 8">{_polyline(line.label, [(0, 4), (26, 4)])}</svg>{escape(line.label)}</span>'
        for line in lines
    )
    return f'<div class="legend">{"".join(keys)}</div>' if lines else ""


def _svg(parts: Sequence[str], width: float, height: float, label: str, *, fixed: bool = False) -> str:
    """With `fixed`, as wide as it was drawn, however narrow the page."""
    style = f' style="min-width:{width:.0f}px"' if fixed else ""
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}"'
    return f"<svg {box}{style}>{''.join(parts)}</svg>"


def _clip(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"
