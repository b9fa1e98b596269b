"""The page on scaling shows what the calculation says, and the calculation adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.capacity import Assumptions, Capacity, costs, tables

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"


def test_the_page_shows_what_is_calculated() -> None:
    assert tables(Assumptions()) in PAGE.read_text(encoding="utf-8")


def test_processes_follow_from_cpu_until_answers_are_slow() -> None:
    """Whichever runs out first: the cores, or the calls that a process admits."""
    quick = Capacity(Assumptions())
    slow = Capacity(replace(Assumptions(), answer_seconds=30))
    assert quick.processes == pytest.approx(quick.cpu_cores / 0.6 * 1.5, abs=1)
    assert slow.processes == pytest.approx(slow.running / 512 * 1.5, abs=1)


def test_a_tenth_of_the_calls_takes_a_tenth_of_what_grows_with_calls() -> None:
    whole, tenth = Capacity(Assumptions()), Capacity(replace(Assumptions(), calls_a_minute=100_000))
    for each in ("calls", "calls_a_month", "running", "cpu_cores", "kept_gb"):
        assert getattr(tenth, each) == pytest.approx(getattr(whole, each) / 10)
    grown = {what: usd for what, usd, _ in costs(whole)}
    assert {what for what, usd, _ in costs(tenth) if usd < grown[what] / 5} == set(grown) - {"PostgreSQL", "Redis"}
