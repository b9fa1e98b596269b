"""Charts: what is drawn is what is so, and can be read."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from frontdesk_server.domain.money import per_thousand, usd
from frontdesk_server.learning.drawing.axis import Axis, chords, plain
from frontdesk_server.learning.drawing.labels import leader, place_labels
from frontdesk_server.learning.drawing.svg import Line, Point, heatmap, xy_chart
from hypothesis import given
from hypothesis import strategies as st

PLACES = st.tuples(st.floats(60, 700), st.floats(20, 340))


@given(
    st.lists(
        st.tuples(st.floats(1e-3, 1e3), st.floats(0, 1)), min_size=2, max_size=8, unique_by=lambda p: round(p[0], 3)
    )
)
def test_what_lies_between_two_policies_is_their_mixture_on_a_logarithmic_axis_too(
    points: list[tuple[float, float]],
) -> None:
    line = sorted(points)
    drawn = chords(line, log_x=True)
    for x, y in drawn:
        (x0, y0), (x1, y1) = next((a, b) for a, b in itertools.pairwise(line) if a[0] <= x <= b[0] * (1 + 1e-9))
        assert y == pytest.approx(y0 + (y1 - y0) * (x - x0) / (x1 - x0), abs=1e-6)
    assert all(b[0] <= a[0] * 1.06 for a, b in itertools.pairwise(drawn))
    assert chords(line, log_x=False) == line


@given(st.lists(PLACES, min_size=1, max_size=12), st.lists(st.lists(PLACES, min_size=2, max_size=6), max_size=3))
def test_labels_touch_no_line_no_mark_and_no_other_label(
    marks: list[tuple[float, float]], lines: list[list[tuple[float, float]]]
) -> None:
    sizes = [(70.0, 13.0)] * len(marks)
    boxes = place_labels(marks, sizes, lines, (56.0, 18.0, 700.0, 340.0))
    placed = [box for box in boxes if box is not None]
    for left, top, width, height in placed:
        for line in lines:
            for (x0, y0), (x1, y1) in itertools.pairwise(line):
                along = ((x0 + (x1 - x0) * k / 200, y0 + (y1 - y0) * k / 200) for k in range(201))
                assert not any(left < x < left + width and top < y < top + height for x, y in along)
    for index, a in enumerate(placed):
        for b in placed[index + 1 :]:
            assert a[0] >= b[0] + b[2] or b[0] >= a[0] + a[2] or a[1] >= b[1] + b[3] or b[1] >= a[1] + a[3]


def test_a_label_far_from_its_mark_is_led_to() -> None:
    assert leader((0.0, 0.0), (8.0, -6.0, 70.0, 13.0)) is None
    assert leader((0.0, 0.0), (60.0, 30.0, 70.0, 13.0)) == (60.0, 30.0)


def test_a_chart_is_drawn_for_a_page_and_for_a_phone_with_both_axes_named() -> None:
    line = Line("best models for their price", ((0.02, 0.5), (9.0, 0.9)))
    chart = xy_chart(
        [Point("small", 0.02, 0.5)], [line], x_title="USD per 1,000 queries", y_title="quality", log_x=True
    )
    for frame, width in (("wide", 760), ("narrow", 340)):
        assert f'<div class="{frame}"><svg viewBox="0 0 {width} ' in chart
    assert chart.count(">USD per 1,000 queries</text>") == chart.count(">quality</text>") == 2
    paths = re.findall(r'<polyline class="line" style="[^"]*" points="([^"]*)"><title>best', chart)
    assert all(len(path.split()) > 50 for path in paths[1:])  # the first is the legend's


def test_cells_of_a_heat_map_stay_wide_enough_for_their_figures() -> None:
    drawn = heatmap(["law"], [f"model-{i}" for i in range(12)], [[0.5] * 12])
    widths = [float(width) for width in re.findall(r'<rect class="cell"[^>]* width="([0-9.]+)"', drawn)]
    assert len(widths) == 24
    assert min(widths) >= 29


@given(st.floats(1e-6, 1e6), st.floats(1.01, 1e6), st.booleans())
def test_axes_name_values_that_lie_on_them(low: float, ratio: float, log: bool) -> None:
    axis = Axis.over([low, low * ratio], 50.0, 700.0, log=log)
    assert all(50.0 - 1e-6 <= axis.at(tick) <= 700.0 + 1e-6 for tick in axis.ticks(8))
    assert len(axis.ticks(8)) <= 16


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.00002, "0.00002"), (0.25, "0.25"), (1234, "1234"), (250_000, "250k"), (2e6, "2M")]
)
def test_axes_show_no_exponents(value: float, shown: str) -> None:
    assert plain(value) == shown


@pytest.mark.parametrize(
    ("nano_usd", "amount", "thousands"),
    [
        (None, "unknown", "unknown"),
        (math.nan, "unknown", "unknown"),
        (0, "$0.000000", "$0.00"),
        (14, "$0.000000014", "$0.0000140"),
        (14_300, "$0.000014", "$0.0143"),
        (-1_500_000, "-$0.001500", "-$1.50"),
        (12_345_678_901, "$12.3457", "$12,346"),
        (1_234_567_890_123, "$1,234.57", "$1,234,568"),
    ],
)
def test_money_is_read_in_dollars(nano_usd: float | None, amount: str, thousands: str) -> None:
    assert (usd(nano_usd), per_thousand(nano_usd)) == (amount, thousands)
