"""Every fault of an upstream ends as the table of expectations says; the long form is `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import INJECTIONS, PAGE, WAYS, Way, inject_all, outage, table, wrong_rows


async def test_every_fault_ends_as_expected_and_as_documented(tmp_path: Path) -> None:
    rows = await inject_all(tmp_path)
    assert len(rows) == len(INJECTIONS) * len(WAYS)
    assert list(wrong_rows(rows)) == []
    assert table(rows) in PAGE.read_text()


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_an_outage_is_bridged_and_the_model_comes_back(way: Way, tmp_path: Path) -> None:
    met = await outage(tmp_path, way, 1.0)
    if way.fallback:
        assert set(met.answers) == {"OK from mid"}
    else:
        assert set(met.answers) <= {"UNAVAILABLE: UPSTREAM_UNREACHABLE", "UNAVAILABLE: MODELS_UNAVAILABLE"}
    assert met.calls > 1
    assert met.back_after_seconds < 5
