"""What routing adds on logged decisions, of which the outcome of one model alone is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import StaticEmbedder
from frontdesk_server.learning.evaluation.neighbours import Remembered, ask_neighbours
from frontdesk_server.learning.replay.added import Rival, added_in_log
from frontdesk_server.learning.replay.logged import LoggedCandidate, LoggedDecision

HARD, EASY = "prove", "say"
Favours = Callable[[bool, np.random.Generator], bool]


class _Embedder(StaticEmbedder):
    """Knows which word a text begins with, and little else."""

    def __init__(self) -> None: ...

    def embed_many(self, texts: Sequence[str]) -> np.ndarray:
        draw = np.random.default_rng(1)
        rows = np.array([[1.0, 0.0, 0.0] if text.startswith(HARD) else [0.0, 1.0, 0.0] for text in texts])
        rows[:, 2] = 0.1 * draw.normal(size=len(texts))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _log(favours_big: Favours, n: int = 2_000, explores: float = 0.1, seed: int = 0) -> list[LoggedDecision]:
    """Half of the queries are hard, the small model fails at them; a tenth goes to the other model than is favoured."""
    draw = np.random.default_rng(seed)
    decisions = []
    for i in range(n):
        hard = bool(draw.random() < 0.5)
        favoured, other = ("big", "small") if favours_big(hard, draw) else ("small", "big")
        explored = draw.random() < explores
        model = other if explored else favoured
        decisions.append(
            LoggedDecision(
                f"d{i}",
                datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=i),
                "default",
                (LoggedCandidate("small"), LoggedCandidate("big")),
                model,
                (explores if explored else 1.0 - explores) or 1.0,
                float(model == "big" or not hard),
                cost_nano_usd=100.0 if model == "big" else 10.0,
                text=f"{HARD if hard else EASY} {i:06}",
            )
        )
    return decisions


def _knows(hard: bool, draw: np.random.Generator) -> bool:
    return hard


def _guesses(hard: bool, draw: np.random.Generator) -> bool:
    return bool(draw.random() < 0.5)


def _by_name(decisions: Sequence[LoggedDecision]) -> dict[str, Rival]:
    return {rival.name: rival for rival in added_in_log(decisions, _Embedder())}


def test_a_router_that_knows_what_is_hard_beats_its_choices_shuffled_and_the_best_model_for_the_money() -> None:
    """Of its choices shuffled a quarter fails, of the small model alone half; the log alone loses what it explores."""
    found = _by_name(_log(_knows))
    assert found["shuffled"].reached == pytest.approx(0.95, abs=0.02)
    assert found["shuffled"].quality == pytest.approx(0.75, abs=0.06)
    assert found["fixed"].quality == pytest.approx(0.5, abs=0.1)
    assert found["fixed"].about.startswith("small alone")
    assert found["shuffled"].beaten is found["fixed"].beaten is True
    assert found["neighbours"].quality == pytest.approx(1.0, abs=0.02)
    assert "It does worse than plain neighbours (± is one standard error" in found["neighbours"].verdict


def test_a_router_that_guesses_adds_nothing_to_its_choices_shuffled_and_loses_to_neighbours() -> None:
    found = _by_name(_log(_guesses))
    assert "It is not shown to beat dice at the same cost" in found["shuffled"].verdict
    neighbours = found["neighbours"]
    assert neighbours.added is not None
    assert neighbours.error is not None
    assert neighbours.added == pytest.approx(-0.25, abs=3 * neighbours.error)
    assert neighbours.added < -2 * neighbours.error
    assert "would have chosen at no more than its cost, by 2,000 outcomes" in neighbours.verdict
    assert "It does worse than plain neighbours (" in neighbours.verdict


def test_neighbours_cost_no_more_than_the_log() -> None:
    """Where nearly all went to the small model, they cannot send all that is hard to the big one."""
    found = _by_name(_log(lambda hard, draw: False))
    assert found["neighbours"].quality is not None
    assert found["neighbours"].quality < 0.75


def test_outcomes_count_by_what_they_stand_for() -> None:
    """One in ten of a place's outcomes is good, and stands for as many as the nine others."""
    quality = np.array([[1.0]] + [[0.0]] * 9)
    alike = Remembered(("a",), quality, np.tile([1.0, 0.0], (10, 1)), np.arange(10))
    weighed = replace(alike, weights=np.array([9.0] + [1.0] * 9))
    one, half = (float(ask_neighbours(past, np.array([[1.0, 0.0]]), "", 0).expected[0, 0]) for past in (alike, weighed))
    assert one == pytest.approx(0.1)
    assert half == pytest.approx(0.5)


def test_costs_that_are_unknown_limit_no_neighbours_and_are_told() -> None:
    found = _by_name([replace(decision, cost_nano_usd=None) for decision in _log(_guesses)])
    assert "whatever it costs, as some costs are unknown" in found["neighbours"].verdict
    assert found["fixed"].refusal == "of no model is it known what it comes to, and that it costs no more"


@pytest.mark.parametrize(
    ("log", "refusal"),
    [
        pytest.param(
            [replace(d, text=None) for d in _log(_knows)], "prompts were not kept (ledger.store_prompts)", id="prompts"
        ),
        pytest.param(
            _log(_knows, explores=0.0),
            "no outcome is of a decision that gave another model a chance; let a share of traffic explore",
            id="exploration",
        ),
        pytest.param(
            _log(_knows, n=12),
            "12 queries have prompt and outcome and gave another model a chance, 20 are needed",
            id="queries",
        ),
        pytest.param([d for d in _log(_knows) if d.model == "big"], "all outcomes are of big", id="models"),
        pytest.param(_log(_guesses, n=25), "are worth", id="outcomes"),
    ],
)
def test_why_neighbours_cannot_be_asked_is_said_in_one_sentence(log: list[LoggedDecision], refusal: str) -> None:
    neighbours = _by_name(log)["neighbours"]
    assert neighbours.refusal is not None
    assert refusal in neighbours.refusal
    assert neighbours.gain == "unknown"
    assert neighbours.verdict.startswith("What routing adds to what ")
    assert neighbours.verdict.endswith(f"the log cannot tell: {neighbours.refusal}.")


def test_decisions_that_gave_no_other_model_a_chance_are_left_out() -> None:
    certain = [replace(d, decision_id=f"c{i}", propensity=1.0) for i, d in enumerate(_log(_knows, n=500))]
    looping = [replace(d, decision_id=f"l{i}", in_tool_loop=True) for i, d in enumerate(_log(_knows, n=500))]
    assert _by_name([*certain, *_log(_knows), *looping]) == _by_name(_log(_knows))


def test_a_log_without_outcomes_says_nothing_of_it() -> None:
    assert added_in_log([replace(decision, quality=None) for decision in _log(_knows, n=5)], _Embedder()) == ()
