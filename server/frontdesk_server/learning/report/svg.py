"""Charts as inline SVG: no script, no font, no file beside them; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Line", "Point", "bars", "heatmap", "xy_chart"]

WIDTH, HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 18, 46
_CHAR_PX = 6.9


@dataclass(frozen=True, slots=True)
class Point:
    """A labelled mark."""

    label: str
    x: float
    y: float
    emphasised: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points in order of x; `style` is its class in the style sheet."""

    label: str
    points: tuple[tuple[float, float], ...]
    style: str = "main"


def xy_chart(points: Sequence[Point], lines: Sequence[Line], *, x_title: str, y_title: str, log_x: bool = False) -> str:
    """Draw marks and lines over two axes; with `log_x`, x must be positive."""
    xs = [p.x for p in points] + [x for line in lines for x, _ in line.points]
    ys = [p.y for p in points] + [y for line in lines for _, y in line.points]
    x_axis, y_axis = _Axis.over(xs, _LEFT, WIDTH - _RIGHT, log_x), _Axis.over(ys, HEIGHT - _BOTTOM, _TOP, False)
    parts = [_grid(x_axis, y_axis, x_title, y_title)]
    for line in lines:
        path = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in line.points)
        parts.append(
            f'<polyline class="line {line.style}" points="{path}"><title>{escape(line.label)}</title></polyline>'
        )
    parts += _marks(points, x_axis, y_axis)
    return _legend(lines) + _svg(parts, HEIGHT)


def bars(values: Mapping[str, float], *, unit: str = "", share: bool = False) -> str:
    """Draw one horizontal bar a name, with its value; shares are printed in percent."""
    most = max(values.values(), default=0.0) or 1.0
    row, left = 26, 230
    parts = []
    for number, (name, value) in enumerate(values.items()):
        y, width = number * row + 4, (WIDTH - left - 110) * value / most
        text = f"{value:.1%}" if share else f"{_short(value)} {unit}".strip()
        parts.append(f'<text class="name" x="{left - 10}" y="{y + 13}" text-anchor="end">{escape(_clip(name))}</text>')
        parts.append(f'<rect class="bar" x="{left}" y="{y}" width="{max(width, 1):.1f}" height="18" rx="3"/>')
        parts.append(f'<text class="value" x="{left + width + 8:.1f}" y="{y + 13}">{escape(text)}</text>')
    return _svg(parts, len(values) * row + 8)


def heatmap(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Draw values in [0, 1] as a table of shaded cells, rows by columns; NaN is left blank."""
    left, top, cell_h = 190, 110, 26
    cell_w = min(90.0, (WIDTH - left - 90) / max(1, len(columns)))
    parts = []
    for j, column in enumerate(columns):
        x = left + (j + 0.5) * cell_w
        place = f"translate({x:.1f},{top - 8}) rotate(-32)"
        parts.append(f'<text class="name" transform="{place}">{escape(_clip(column, 22))}</text>')
    for i, name in enumerate(rows):
        y = top + i * cell_h
        parts.append(f'<text class="name" x="{left - 10}" y="{y + 17}" text-anchor="end">{escape(_clip(name))}</text>')
        for j, value in enumerate(values[i]):
            if math.isnan(value):
                continue
            x = left + j * cell_w
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y}" width="{cell_w - 2:.1f}" height="{cell_h - 2}" rx="3" '
                f'fill-opacity="{0.06 + 0.94 * value**1.5:.3f}"/>'
                f'<text class="{"on" if value > 0.62 else "off"}" x="{x + cell_w / 2 - 1:.1f}" y="{y + 16}" '
                f'text-anchor="middle">{value:.2f}</text>'
            )
    return _svg(parts, top + len(rows) * cell_h + 6)


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float
    log: bool

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, log: bool) -> _Axis:
        low, high = min(values), max(values)
        if log:
            return cls(low / 1.3, high * 1.3, start, end, True)
        margin = (high - low or abs(high) or 1.0) * 0.06
        return cls(low - margin, high + margin, start, end, False)

    def at(self, value: float) -> float:
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [m * 10.0**d for d in decades for m in (1, 2, 5)]
        else:
            raw = (self.high - self.low) / 6
            step = min((m * 10.0 ** math.floor(math.log10(raw)) for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
            marks = [step * k for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [mark for mark in marks if self.low <= mark <= self.high]


def _grid(x_axis: _Axis, y_axis: _Axis, x_title: str, y_title: str) -> str:
    bottom = HEIGHT - _BOTTOM
    parts = []
    for tick in y_axis.ticks():
        y = y_axis.at(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in x_axis.ticks():
        x = x_axis.at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{_short(tick)}</text>')
    parts.append(
        f'<text class="title" x="{(_LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_title)}</text>'
    )
    parts.append(
        f'<text class="title" transform="translate(14,{(bottom + _TOP) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_title)}</text>'
    )
    return "".join(parts)


def _marks(points: Sequence[Point], x_axis: _Axis, y_axis: _Axis) -> list[str]:
    """Draw marks, and the labels that find a free place; every mark names itself on hovering."""
    parts, taken = [], [(x_axis.at(p.x) - 6, y_axis.at(p.y) - 6, 12.0, 12.0) for p in points]
    for point in sorted(points, key=lambda p: (not p.emphasised, -p.y)):
        x, y = x_axis.at(point.x), y_axis.at(point.y)
        style = "mark strong" if point.emphasised else "mark"
        radius = 6 if point.emphasised else 4.5
        parts.append(
            f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(point.label)}: '
            f"{_short(point.x)}, {point.y:.3f}</title></circle>"
        )
        width = len(point.label) * _CHAR_PX
        for left, top in ((x + 9, y - 7), (x - 9 - width, y - 7), (x - width / 2, y - 22), (x - width / 2, y + 8)):
            box = (left, top, width, 13.0)
            inside = left > _LEFT and left + width < WIDTH - 4 and top > 0
            if inside and not any(_overlap(box, other) for other in taken if other[:2] != (x - 6, y - 6)):
                taken.append(box)
                parts.append(f'<text class="label" x="{left:.1f}" y="{top + 11:.1f}">{escape(point.label)}</text>')
                break
    return parts


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _legend(lines: Sequence[Line]) -> str:
    keys = (
        f'<span><svg viewBox="0 0 26 8"><line class="line {line.style}" x1="0" x2="26" y1="4" y2="4"/></svg>'
        f"{escape(line.label)}</span>"
        for line in lines
    )
    return f'<div class="legend">{"".join(keys)}</div>' if lines else ""


def _svg(parts: Sequence[str], height: float) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img">{"".join(parts)}</svg>'


def _short(value: float) -> str:
    for limit, divisor, suffix in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e3, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / divisor:.3g}{suffix}"
    return f"{value:.3g}"


def _clip(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"
