"""A model with several deployments answers as long as one of them does, and the others rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.attempt import Attempt
from frontdesk_server.domain.clock import Clock, SystemClock
from frontdesk_server.domain.errors import (
    CompletionFailed,
    UpstreamContextExceeded,
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.domain.events import TextDelta
from frontdesk_server.domain.model import Deployment, Timeouts
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import Script, answer, plan_of, routed
from tests.unit.execution.test_executor import MODELS, Desk, collect
from tests.virtual_time import LoopClock, in_virtual_time

EAST, WEST = Deployment("fake", "east"), Deployment("fake", "west")
TWICE_SERVED = replace(MODELS["small"], deployments=(EAST, WEST))
NO_REPEATS = RetryConfig(max_retries=0)
ERRORS: tuple[UpstreamError, ...] = (
    UpstreamUnreachable("refused"),
    UpstreamOverloaded("429"),
    UpstreamOverloaded("429", retry_after_seconds=60),
    UpstreamFailed("500"),
    UpstreamCut("cut"),
    UpstreamProtocolError("a page of HTML"),
    UpstreamCredentialsRefused("401"),
    UpstreamRequestRefused("404"),
    UpstreamContextExceeded("400"),
)


def a_desk(east: Script, west: Script, retry: RetryConfig = NO_REPEATS, clock: Clock | None = None) -> Desk:
    desk = Desk({"east": [east], "west": [west], "mid": [answer("mid")]}, retry=retry, clock=clock or SystemClock())
    desk.executor = replace(desk.executor, models={**MODELS, "small": TWICE_SERVED})
    return desk


async def complete(desk: Desk) -> tuple[Attempt, ...]:
    execution = desk.start(routed(plan_of("small", "mid")))
    await collect(execution)
    return execution.settlement.attempts


def asked(desk: Desk) -> Counter[str]:
    return Counter(call.upstream_model for call in desk.backend.calls)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_one_deployment_that_fails_at_once_fails_no_call_and_rests(error: UpstreamError) -> None:
    desk = a_desk([error], answer("west"))
    for _ in range(24):
        (attempt,) = await complete(desk)
        assert (attempt.model, attempt.error_reason, attempt.upstream_model) == ("small", "", "")
    assert asked(desk)["west"] == 24
    assert 0 < asked(desk)["east"] <= 8
    conditions = desk.conditions
    assert conditions.deployment_state(TWICE_SERVED, EAST) != "closed"
    assert conditions.state(TWICE_SERVED) == "closed"
    assert conditions.is_available(TWICE_SERVED)
    assert not desk.tools.balancer._in_flight


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_where_every_deployment_fails_each_is_asked_once_before_the_next_model(error: UpstreamError) -> None:
    desk = a_desk([error], [error])
    small, mid = await complete(desk)
    assert asked(desk) == {"east": 1, "west": 1, "mid": 1}
    assert (small.retries, small.error_reason, mid.error_reason) == (1, error.reason, "")
    assert not desk.tools.balancer._in_flight


@pytest.mark.parametrize("error", [UpstreamRequestRefused("400"), UpstreamContextExceeded("400")])
async def test_what_every_deployment_refuses_is_nobodys_fault_but_the_callers(error: UpstreamError) -> None:
    desk = a_desk([error], [error])
    for _ in range(20):
        await complete(desk)
    for deployment in TWICE_SERVED.deployments:
        assert desk.conditions.deployment_state(TWICE_SERVED, deployment) == "closed"


async def test_a_timer_of_the_attempt_is_not_begun_anew_elsewhere() -> None:
    error = UpstreamTimedOut("idle", 1)
    desk = a_desk([error], [error])
    small, _ = await complete(desk)
    assert small.retries == 0


async def test_no_deployment_is_asked_after_content_has_come() -> None:
    desk = a_desk([TextDelta("half"), UpstreamFailed("500")], [TextDelta("half"), UpstreamFailed("500")])
    with pytest.raises(CompletionFailed):
        await complete(desk)
    assert asked(desk).total() == 1


async def test_repeats_begin_when_every_deployment_was_asked() -> None:
    desk = a_desk([UpstreamFailed("500")], [UpstreamFailed("500")], RetryConfig(max_retries=2, base_ms=0.1, max_ms=1))
    small, _ = await complete(desk)
    assert small.retries == 3
    assert asked(desk) == {"east": 2, "west": 2, "mid": 1}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*ERRORS, None]), min_size=2, max_size=5), st.integers(0, 2))
def test_a_call_succeeds_whenever_a_deployment_answers(errors: list[UpstreamError | None], max_retries: int) -> None:
    async def play() -> None:
        scripts = {f"d{i}": [answer("hello") if e is None else [e]] for i, e in enumerate(errors)}
        retry = RetryConfig(max_retries=max_retries, base_ms=0.1, max_ms=1)
        desk = Desk({**scripts, "mid": [answer("mid")]}, retry=retry)
        deployments = tuple(Deployment("fake", name) for name in scripts)
        model = replace(MODELS["small"], deployments=deployments)
        desk.executor = replace(desk.executor, models={**MODELS, "small": model})
        for _ in range(8):
            attempts = await complete(desk)
            if None in errors:
                assert [attempt.error_reason for attempt in attempts] == [""]
            assert desk.conditions.is_available(model) or None not in errors
        assert not desk.tools.balancer._in_flight

    asyncio.run(play())


@in_virtual_time
async def test_a_deployment_is_not_blamed_for_the_time_that_another_one_took() -> None:
    desk = a_desk([0.1, UpstreamFailed("500")], [0.1, UpstreamFailed("500")], clock=LoopClock())
    hasty = replace(TWICE_SERVED, timeouts=Timeouts(first_token_seconds=0.15))
    desk.executor = replace(desk.executor, models={**MODELS, "small": hasty})
    for _ in range(4):
        small, _ = await complete(desk)
        assert "timer of 0.15 s, cut to" in small.error_message
        assert "by the calls before it, ran out" in small.error_message
