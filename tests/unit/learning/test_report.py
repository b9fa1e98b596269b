"""The report: one page that needs nothing beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

from frontdesk_server.learning.replay.logged import LoggedCandidate, LoggedDecision
from frontdesk_server.learning.report.report import report_dataset, report_decisions

from tests.unit.learning.recorded_fixture import recorded_dataset


class _Tags(HTMLParser):
    """Checks that tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None: ...


def _decision(i: int, model: str = "small") -> LoggedDecision:
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=i)
    return LoggedDecision(f"d{i}", when, "default", (LoggedCandidate(model, 0.7, 2e6),), model, 0.9, 1.0, 1e6)


def test_the_page_of_a_data_set_opens_offline(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=60)
    page = report_dataset(replace(dataset, domains=("math", "law") * 30), title="Report")
    _Tags(page)
    assert not re.search(r"https?://|<script|<link|src=|@import|url\(", page)
    for model in dataset.models:
        assert model in page
    assert "Who is good at what" in page
    assert "Quality and cost" in page


def test_the_page_of_a_ledger_shows_models_and_spending() -> None:
    page = report_decisions([_decision(i, "small" if i % 4 else "big") for i in range(40)], title="Ledger")
    _Tags(page)
    assert "75.0%" in page
    assert "0.04 USD" in page


def test_names_cannot_break_out_of_the_page() -> None:
    page = report_decisions([_decision(0, "<script>alert(1)</script>")], title="<b>")
    assert "<script>" not in page
    assert "<b>" not in page


def test_a_data_set_without_costs_has_no_cost_chart(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=40)
    page = report_dataset(replace(dataset, cost_nano_usd=dataset.cost_nano_usd * float("nan")), title="Report")
    assert "Quality and cost" not in page
    assert "unknown" in page
