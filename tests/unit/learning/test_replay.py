"""Replaying policies on logged decisions, and refusing to guess."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.learning.data.dataset import DatasetError
from frontdesk_server.learning.replay.logged import LoggedCandidate, LoggedDecision, read_decisions, since
from frontdesk_server.learning.replay.replay import diff_policy, replay
from frontdesk_server.learning.replay.selection_policy import SelectionPolicy, read_selection_policy

SMALL = LoggedCandidate("small", 0.7, 1_000.0)
BIG = LoggedCandidate("big", 0.85, 9_000.0)
TRUE_QUALITY = {"small": 0.65, "big": 0.9}


def _log(n: int, exploration: float, seed: int = 0) -> list[LoggedDecision]:
    """A log in which the small model is the rule and a share explores both alike."""
    rng, decisions = np.random.default_rng(seed), []
    for i in range(n):
        explores = rng.random() < exploration
        candidate = (SMALL, BIG)[rng.integers(2)] if explores else SMALL
        chance = exploration / 2 + (candidate is SMALL) * (1 - exploration)
        quality = float(rng.random() < TRUE_QUALITY[candidate.model])
        decisions.append(
            LoggedDecision(
                f"d{i}", datetime(2026, 1, 1 + i % 28, tzinfo=UTC), "default", (SMALL, BIG), candidate.model, chance,
                quality if i % 2 else None, candidate.predicted_cost_nano_usd,
            )
        )  # fmt: skip
    return decisions


def test_estimates_cover_what_the_new_policy_would_truly_have_come_to() -> None:
    covered = dict.fromkeys(("ips", "snips", "dr"), 0)
    for seed in range(40):
        result = replay(_log(500, 0.5, seed), SelectionPolicy(model="big"))
        assert result.refusal is None
        for name in covered:
            estimate = result.quality[name]
            covered[name] += estimate.low <= TRUE_QUALITY["big"] <= estimate.high
    assert min(covered.values()) >= 33


def test_the_doubly_robust_interval_is_narrower_than_that_of_plain_weighing() -> None:
    result = replay(_log(3000, 0.3), SelectionPolicy(model="big"))
    widths = {name: estimate.high - estimate.low for name, estimate in result.quality.items()}
    assert widths["dr"] < widths["ips"]
    assert widths["snips"] < widths["ips"]
    assert result.cost["snips"].value == pytest.approx(9_000.0)


def test_a_log_without_exploration_is_refused() -> None:
    result = replay(_log(300, 0.0), SelectionPolicy(model="big"))
    assert "explore" in (result.refusal or "")
    assert result.quality == {}
    assert len(result.moved) == 300


def test_too_few_outcomes_under_the_new_policy_are_refused() -> None:
    result = replay(_log(200, 0.1), SelectionPolicy(model="big"))
    assert "are needed" in (result.refusal or "")


def test_models_the_log_never_tried_are_refused() -> None:
    log = [d for d in _log(4000, 0.3) if d.model == "small"]
    third = LoggedCandidate("third", 0.9, 10.0)
    extended = [
        LoggedDecision(d.decision_id, d.decided_at, d.router, (*d.candidates, third), d.model, d.propensity, d.quality)
        for d in log
    ]
    policy = SelectionPolicy(quality_floor=0.86, exploration=0.4)
    assert "hardly ever tried" in (replay(extended, policy).refusal or "")


def test_the_policy_that_was_logged_comes_to_what_was_logged() -> None:
    log = _log(1000, 0.2)
    result = replay(log, SelectionPolicy(model="small", exploration=0.2))
    assert result.moved == tuple(m for m in result.moved if m.old_model == "big")
    assert result.quality["ips"].value == pytest.approx(result.logged_quality.value)  # type: ignore[union-attr]


def test_tool_loops_stay_with_their_model() -> None:
    looping = LoggedDecision("d", datetime(2026, 1, 1, tzinfo=UTC), "r", (SMALL, BIG), "small", 1.0, in_tool_loop=True)
    assert diff_policy([looping], SelectionPolicy(model="big")) == ()


def test_moves_carry_the_predicted_changes() -> None:
    (moved,) = diff_policy(_log(1, 0.0), SelectionPolicy(quality_floor=0.8))
    assert (moved.old_model, moved.new_model) == ("small", "big")
    assert moved.predicted_quality_change == pytest.approx(0.15)
    assert moved.predicted_cost_change_nano_usd == 8_000.0


ROW: dict[str, Any] = {
    "decision_id": "d1",
    "decided_at": "2026-01-02T03:04:05+00:00",
    "router": "default",
    "model": "small",
    "propensity": 0.9,
    "candidates": [
        {"model": "small", "predicted_quality": 0.7, "predicted_cost_nano_usd": 1000, "exclusion": None},
        {"model": "big", "exclusion": {"reason": "budget", "detail": "spent"}},
    ],
    "signals": {"text": "hello", "task": "chat"},
    "quality": 1.0,
    "cost_nano_usd": 1234,
}


def test_an_export_reads_alike_from_json_lines_and_parquet(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(ROW) + "\n")
    flat = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in ROW.items()}
    pq.write_table(pa.Table.from_pylist([flat]), tmp_path / "d.parquet")
    (decision,) = read_decisions(tmp_path / "d.jsonl")
    assert read_decisions(tmp_path / "d.parquet") == (decision,)
    assert decision.candidates == (LoggedCandidate("small", 0.7, 1000.0),)
    assert (decision.text, decision.quality, decision.cost_nano_usd) == ("hello", 1.0, 1234.0)
    assert since([decision], datetime(2026, 1, 3, tzinfo=UTC)) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"propensity": 0}, "row 1, column propensity"),
        ({"model": None}, "row 1, column model"),
        ({"decided_at": "yesterday"}, "row 1, column decided_at"),
        ({"candidates": "[{"}, "row 1, column candidates"),
        ({"quality": 3}, "row 1, column quality"),
    ],
)
def test_a_faulty_row_is_named_with_its_column(tmp_path: Path, change: dict[str, object], message: str) -> None:
    (tmp_path / "d.jsonl").write_text(json.dumps(ROW | change) + "\n")
    with pytest.raises(DatasetError, match=message):
        read_decisions(tmp_path / "d.jsonl")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model: a\nquality_floor: 0.5",
        "quality_floor: 2",
        "quality_floor: 0.5\nspeed: 1",
        "cost_weight: -1",
        "model: 7",
        "{",
    ],
)
def test_a_faulty_policy_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(ConfigError):
        read_selection_policy(tmp_path / "p.yaml")


def test_a_policy_file_selects_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("cost_weight: 100000\nexploration: 0.1\n")
    chances = read_selection_policy(tmp_path / "p.yaml").route_logged(_log(1, 0.0)[0])
    assert chances == pytest.approx({"small": 0.95, "big": 0.05})
