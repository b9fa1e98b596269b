"""Repeats: jittered, bounded by the slice, and as the upstream asks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.attempt import Attempt
from frontdesk_server.domain.errors import UpstreamOverloaded
from frontdesk_server.domain.model import Deployment, Model

from tests.fakes import answer, plan_of, routed
from tests.unit.execution.test_executor import MODELS, Desk, collect

TWICE_SERVED = replace(MODELS["small"], deployments=(Deployment("fake", "small"), Deployment("fake", "small-2")))


async def first_attempt(
    retry_after_seconds: float | None, retry: RetryConfig, *, model: Model = MODELS["small"], seconds: float = 30
) -> Attempt:
    """How the first attempt went where one deployment is overloaded once and everything else answers."""
    overloaded = [UpstreamOverloaded("429", retry_after_seconds=retry_after_seconds)]
    scripts = {"small": [overloaded, answer("again")], "small-2": [overloaded, answer("again")], "mid": [answer("mid")]}
    desk = Desk(scripts, retry=retry)
    desk.executor = replace(desk.executor, models=MODELS | {"small": model})
    execution = desk.start(routed(plan_of("small", "mid")), seconds=seconds)
    await collect(execution)
    return execution.settlement.attempts[0]


async def test_retry_after_is_waited_for() -> None:
    attempt = await first_attempt(0.03, RetryConfig(base_ms=1, max_ms=50))
    assert attempt.retries == 1
    assert attempt.duration_seconds >= 0.03


async def test_a_retry_after_longer_than_any_wait_leads_to_the_next_model_at_once() -> None:
    attempt = await first_attempt(60, RetryConfig(base_ms=1, max_ms=50))
    assert attempt.retries == 0
    assert attempt.error_reason == "UPSTREAM_OVERLOADED"


async def test_another_deployment_does_not_wait_for_what_the_first_one_asked() -> None:
    attempt = await first_attempt(60, RetryConfig(base_ms=1, max_ms=50), model=TWICE_SERVED)
    assert attempt.retries > 0
    assert attempt.error_reason == ""
    assert attempt.duration_seconds < 1


async def test_a_wait_that_does_not_fit_into_the_slice_leads_to_the_next_model_at_once() -> None:
    attempt = await first_attempt(2, RetryConfig(base_ms=1, max_ms=5000), seconds=3)
    assert attempt.retries == 0
    assert attempt.duration_seconds < 1


@pytest.mark.parametrize("max_retries", [0, 1, 3])
async def test_repeats_are_bounded(max_retries: int) -> None:
    desk = Desk(
        {"small": [[UpstreamOverloaded("429")]], "mid": [answer("mid")]},
        retry=RetryConfig(max_retries=max_retries, base_ms=0.1, max_ms=1),
    )
    await collect(desk.start(routed(plan_of("small", "mid"))))
    assert [call.upstream_model for call in desk.backend.calls] == ["small"] * (max_retries + 1) + ["mid"]
