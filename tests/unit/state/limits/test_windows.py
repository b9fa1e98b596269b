"""Calendar windows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frontdesk_server.state.limits.windows import Window, window_bounds

NOW = datetime(2026, 12, 31, 23, 59, 58, 123456, UTC)


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("second", datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("minute", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("hour", datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("day", datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("month", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_window_is_the_calendars(window: Window, start: datetime, end: datetime) -> None:
    assert window_bounds(window, NOW) == (start, end)


@pytest.mark.parametrize("window", ["second", "minute", "hour", "day", "month"])
def test_windows_follow_each_other_without_a_gap(window: Window) -> None:
    start, end = window_bounds(window, NOW)
    assert start <= NOW < end
    assert window_bounds(window, end)[0] == end


def test_months_have_their_own_lengths() -> None:
    assert window_bounds("month", datetime(2028, 2, 29, 12, tzinfo=UTC))[1] == datetime(2028, 3, 1, tzinfo=UTC)
