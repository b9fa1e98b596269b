"""The report: one page that needs nothing beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from frontdesk_server.learning.replay.added import Rival
from frontdesk_server.learning.replay.logged import LoggedCandidate, LoggedDecision
from frontdesk_server.learning.report.decisions import report_decisions
from frontdesk_server.learning.report.outcomes import report_dataset

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


def _decision(i: int, model: str = "small", **settled: Any) -> LoggedDecision:
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=i)
    settled = {"cost_nano_usd": 1e6, "saved_nano_usd": 3e6, "status": "completed", **settled}
    return LoggedDecision(f"d{i}", when, "default", (LoggedCandidate(model, 0.7, 2e7),), model, 0.9, 1.0, **settled)


ONLY_ROUTED: dict[str, Any] = {"cost_nano_usd": None, "saved_nano_usd": None, "status": "routed"}


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
    assert "$0.040000" in page


def test_savings_are_those_that_were_settled_and_only_of_whole_answers() -> None:
    """Predicted were 20 times the cost; 3 in 4 were saved."""
    cut = _decision(8, cost_nano_usd=5e5, saved_nano_usd=None, status="cancelled")
    routed = [_decision(9 + i, **ONLY_ROUTED) for i in range(5)]
    page = report_decisions([*(_decision(i) for i in range(8)), cut, *routed], title="Ledger")
    assert "<strong>75.0%</strong><span>saved on 8 whole answers against the strongest model</span>" in page
    assert "<strong>$0.008500</strong><span>spent on 9 calls</span>" in page
    assert "14</strong><span>decisions, 5 of them without a call" in page
    assert "Calls without a whole answer cost $0.000500 more." in page
    assert "redicted" not in page


def test_time_is_counted_from_the_second_of_the_first_decision_and_quality_is_no_percentage() -> None:
    late = [replace(one, decided_at=one.decided_at + timedelta(seconds=25)) for one in map(_decision, range(3))]
    page = report_decisions(late, title="Ledger")
    assert "seconds since 2026-01-01 00:00:25 UTC" in page
    assert "<strong>1.00</strong><span>mean quality of 3 reported outcomes</span>" in page


def test_where_nothing_was_settled_predictions_are_named_so() -> None:
    page = report_decisions([_decision(i, **ONLY_ROUTED) for i in range(5)], title="Ledger")
    assert "Predicted spending" in page
    assert "saved" not in page
    assert "<strong>unknown</strong><span>spent on 0 calls</span>" in page


def test_what_cost_more_than_the_strongest_model_is_not_called_saved() -> None:
    page = report_decisions([_decision(i, saved_nano_usd=-5e5) for i in range(5)], title="Ledger")
    assert "<strong>100.0%</strong><span>overspent on 5 whole answers" in page


def test_one_outcome_a_query_does_not_tell_what_the_right_model_would_have_come_to(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=40)
    alone = np.full_like(dataset.quality, np.nan)
    alone[np.arange(len(dataset)), np.arange(len(dataset)) % len(dataset.models)] = 1.0
    assert "if the right one were always asked" not in report_dataset(replace(dataset, quality=alone), title="Report")


def test_names_cannot_break_out_of_the_page() -> None:
    page = report_decisions([_decision(0, "<script>alert(1)</script>")], title="<b>")
    assert "<script>" not in page
    assert "<b>" not in page


def test_a_data_set_without_costs_has_no_cost_chart(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=40)
    page = report_dataset(replace(dataset, cost_nano_usd=dataset.cost_nano_usd * float("nan")), title="Report")
    assert "Quality and cost" not in page
    assert "unknown" in page


def test_the_page_of_a_ledger_says_what_routing_itself_adds() -> None:
    beaten = Rival("shuffled", "the same choices shuffled", 1_200, 0.9, 0.8, 0.1, 0.02)
    refused = Rival("neighbours", "nearest neighbours", 0, None, refusal="prompts were not kept")
    page = report_decisions([_decision(i) for i in range(5)], title="Ledger", rivals=(beaten, refused))
    _Tags(page)
    assert "What routing itself adds" in page
    assert "Routing adds 10.0 ± 2.0 points to the same choices shuffled, by 1,200 outcomes." in page
    assert "What routing adds to nearest neighbours, the log cannot tell: prompts were not kept." in page
    assert ">10.0 ± 2.0<" in page
    assert "What routing itself adds" not in report_decisions([_decision(0)], title="Ledger")
