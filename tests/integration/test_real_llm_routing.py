"""The router LLM and every check of a cascade with a real small LLM behind a real server.

The LLM is weak and real: these tests are about the mechanics, never about the quality of what it says.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frontdesk import GenerationConfig, Query, user
from frontdesk.v1.routing_pb2 import AttemptOutcome, Verdict

from tests.real_llm import MODEL, real_llm_server
from tests.service import service

pytestmark = pytest.mark.timeout(900)  # the first run installs

SUM = Query(messages=[user("What is 2 + 2?")], generation=GenerationConfig(max_output_tokens=24))
"""Bounded, for so small an LLM may ramble until its context is full."""
CHECKS: dict[str, dict[str, Any]] = {
    "logprob": {"kind": "logprob", "threshold": 0.05},
    "self_rating": {"kind": "self_rating", "threshold": 0.0},
    "verifier": {"kind": "verifier", "model": "small", "threshold": 0.0},
    "agreement": {"kind": "agreement", "samples": 2, "compare": "number", "threshold": 0.5},
    "heuristic": {"kind": "heuristic"},
}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with real_llm_server() as url:
        yield url


def config(base_url: str, strategy: dict[str, Any]) -> dict[str, Any]:
    """`small` is the real LLM, `frontier` is simulated and answers what `small` may not."""
    return {
        "backends": {"llm": {"kind": "openai", "base_url": base_url}, "simulated": {"kind": "simulated"}},
        "models": {
            "small": {
                "backend": "llm",
                "upstream_model": MODEL,
                "description": "Simple questions with a short answer.",
                "prices": {"input": 0.1, "output": 0.5},
                "capabilities": ["logprobs", "json_schema", "seed"],
                "max_output_tokens": 24,
            },
            "frontier": {
                "backend": "simulated",
                "description": "Proofs, research, and everything that needs an expert.",
                "prices": {"input": 3, "output": 15},
                "capabilities": ["logprobs", "json_schema", "seed"],
            },
        },
        "routers": {"default": {"default_model": "frontier", "strategy": strategy, "strategy_timeout_ms": 30_000}},
        "ledger": {"url": ""},
        "telemetry": {"log_level": "error"},
    }


@pytest.mark.parametrize("constraint", ["json_schema", "logprobs"])
async def test_the_router_llm_chooses_one_of_the_models_and_is_billed(
    constraint: str, base_url: str, tmp_path: Path
) -> None:
    strategy = {"kind": "llm", "model": "small", "constraint": constraint, "timeout_ms": 30_000}
    async with service(config(base_url, strategy), tmp_path) as (client, _):
        decision = await client.route("What is 2 + 2?", timeout=60)
        again = await client.route("What is 2 + 2?", timeout=60)
    (step,) = decision.path
    assert step.verdict == Verdict.VERDICT_CHOSE, step.reason
    assert decision.model == step.model
    assert decision.model in {"small", "frontier"}
    assert decision.router_cost_nano_usd > 0
    assert step.duration.ToNanoseconds() > 1_000_000
    assert again.model == decision.model
    assert again.router_cost_nano_usd == 0, "an answer that is remembered costs nothing"


async def test_a_router_llm_past_its_time_budget_hands_over(base_url: str, tmp_path: Path) -> None:
    strategy = {"kind": "llm", "model": "small", "timeout_ms": 1}
    async with service(config(base_url, strategy), tmp_path) as (client, _):
        decision = await client.route("What is 2 + 2?", timeout=60)
    assert decision.path[0].verdict == Verdict.VERDICT_TIMED_OUT
    assert decision.model == "frontier"


@pytest.mark.parametrize("check", CHECKS)
async def test_a_check_scores_a_real_answer(check: str, base_url: str, tmp_path: Path) -> None:
    strategy = {"kind": "cascade", "steps": [{"model": "small", "check": CHECKS[check]}, {"model": "frontier"}]}
    async with service(config(base_url, strategy), tmp_path) as (client, _):
        completion = await client.complete(SUM, timeout=120)
    first = completion.attempts[0]
    assert not first.error_reason, first.error_message
    (result,) = first.checks
    assert (result.check, first.model) == (check, "small")
    assert 0 <= result.score <= 1
    assert result.detail
    passed = first.outcome == AttemptOutcome.ATTEMPT_OUTCOME_ACCEPTED
    assert passed == result.passed
    assert completion.model == ("small" if passed else "frontier")
    asks = check in {"self_rating", "verifier", "agreement"}
    assert (completion.cost.checks_nano_usd > 0) == asks
    assert completion.cost.total_nano_usd == completion.cost.attempts_nano_usd + completion.cost.checks_nano_usd


async def test_an_impossible_threshold_escalates_and_bills_both(base_url: str, tmp_path: Path) -> None:
    check = {"kind": "logprob", "threshold": 1.0}
    strategy = {"kind": "cascade", "steps": [{"model": "small", "check": check}, {"model": "frontier"}]}
    async with service(config(base_url, strategy), tmp_path) as (client, _):
        completion = await client.stream_complete(SUM, timeout=120).completion()
    outcomes = [attempt.outcome for attempt in completion.attempts]
    assert outcomes == [AttemptOutcome.ATTEMPT_OUTCOME_REJECTED, AttemptOutcome.ATTEMPT_OUTCOME_ACCEPTED]
    assert completion.cost.attempts_nano_usd == sum(attempt.cost_nano_usd for attempt in completion.attempts)


def test_the_demo_accepts_what_a_real_llm_knows_and_escalates_what_it_guesses(base_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "frontdesk_server", "demo", "--endpoint", base_url]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    shown = " ".join(ran.stdout.split())
    assert "a real LLM, smollm2 at" in shown
    assert "Paris. passed its check (logprob" in shown
    assert "small-llm was rejected by its check (logprob" in shown
    assert "asking mid-llm [simulated mid-llm] You asked: “What is 347 * 289?" in shown
