"""What has not left Frontdesk costs nothing, however the attempt ended: DNS, TCP, TLS, the pool of connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.config.service import BreakerConfig, ExecutionConfig, RetryConfig
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.errors import CompletionFailed
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.execution import Execution
from frontdesk_server.execution.executor import Executor
from frontdesk_server.execution.order import AttemptTools

from tests.fakes import NO_BOOKS, a_model, plan_of, routed
from tests.sink import events_of
from tests.upstream import Fault, FaultyUpstream, Script

CLOCK = SystemClock()
QUICK = Timeouts(connect_seconds=0.2)
SLOW = Timeouts(connect_seconds=20)


@asynccontextmanager
async def that_takes_no_connection() -> AsyncIterator[str]:
    """A port whose queue of connections is full."""
    with socket.socket() as listening, ExitStack() as clients:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(listening.getsockname())
        await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def that_answers_no_tls() -> AsyncIterator[str]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def that_refuses() -> AsyncIterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@asynccontextmanager
async def without_a_name() -> AsyncIterator[str]:
    yield "http://nowhere.invalid"


@asynccontextmanager
async def execution_over(
    base_url: str, *, http2: bool, timeouts: Timeouts = QUICK, seconds: float = 20, **settings: Any
) -> AsyncIterator[Callable[[], Execution]]:
    config = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": base_url, "http2": http2, **settings})
    backend = OpenAIBackend("fake", config)
    conditions, random = LiveConditions(BreakerConfig(), CLOCK), Random(1)
    tools = AttemptTools(
        {"fake": backend}, conditions, Balancer(random, conditions), RetryConfig(max_retries=0), CLOCK, random
    )
    model = replace(a_model("small"), timeouts=timeouts)
    executor = Executor(tools, {"small": model}, {}, ExecutionConfig())

    def start() -> Execution:
        deadline = CLOCK.monotonic() + seconds
        return executor.start(routed(plan_of("small")), LocalCall(deadline=deadline), deadline, NO_BOOKS, stream=False)

    try:
        yield start
    finally:
        await backend.aclose()


async def ended(execution: Execution) -> Attempt:
    with suppress(CompletionFailed):
        async for _ in events_of(execution):
            pass
    return execution.settlement.attempts[0]


def demand_free(attempt: Attempt) -> None:
    assert (attempt.usage.input_tokens, attempt.usage.output_tokens) == (0, 0)
    assert (attempt.cost_nano_usd, attempt.usage_estimated) == (0, False)


WAYS = pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
UPSTREAMS = [that_takes_no_connection, that_answers_no_tls, that_refuses, without_a_name]


@WAYS
@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda upstream: upstream.__name__)
async def test_an_upstream_that_cannot_be_reached_costs_nothing(upstream: Any, http2: bool) -> None:
    async with upstream() as base_url, execution_over(base_url, http2=http2) as start:
        attempt = await ended(start())
    assert attempt.error_reason in ("UPSTREAM_TIMED_OUT", "UPSTREAM_UNREACHABLE")
    demand_free(attempt)


@WAYS
@pytest.mark.parametrize("cancel", [False, True], ids=["deadline", "cancel"])
async def test_who_gives_up_while_a_connection_is_made_pays_nothing(http2: bool, cancel: bool) -> None:
    seconds = 20 if cancel else 0.3
    async with (
        that_takes_no_connection() as url,
        execution_over(url, http2=http2, timeouts=SLOW, seconds=seconds) as start,
    ):
        execution = start()
        task = asyncio.create_task(ended(execution))
        await asyncio.wait([task], timeout=0.3 if cancel else None)
        task.cancel()
        await asyncio.wait([task])
        (attempt,) = execution.settlement.attempts
    assert attempt.outcome is (AttemptOutcome.CANCELLED if cancel else AttemptOutcome.FAILED)
    demand_free(attempt)


@WAYS
async def test_who_waits_in_vain_for_one_of_our_own_connections_pays_nothing(http2: bool) -> None:
    async with (
        FaultyUpstream(Script(Fault.HANG_BEFORE_HEADERS)) as upstream,
        execution_over(upstream.openai_url, http2=http2, max_connections=1) as start,
    ):
        first = start()
        holding = asyncio.create_task(ended(first))
        await upstream.request(0)
        attempt = await ended(start())
        assert attempt.error_message == "connect timer of 0.2 s ran out: all of our own max_connections are busy"
        demand_free(attempt)
        holding.cancel()
        await asyncio.wait([holding])
    (held,) = first.settlement.attempts
    assert held.usage_estimated, "what was sent is not free"
