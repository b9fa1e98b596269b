"""Load balancing: calls go to the less loaded of two deployments, by weight, and to another one after a failure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.errors import UpstreamFailed
from frontdesk_server.domain.events import Completed
from frontdesk_server.domain.model import Deployment
from frontdesk_server.execution.balancing import Balancer

from tests.fakes import a_model, answer, plan_of, routed
from tests.unit.execution.test_executor import MODELS, Desk, collect

NEAR, FAR = Deployment("fake", "near"), Deployment("fake", "far", weight=3.0)


def test_calls_in_flight_spread_by_weight() -> None:
    balancer = Balancer(Random(1))
    model = replace(a_model("m"), deployments=(NEAR, FAR))
    chosen = Counter(balancer.acquire(model) for _ in range(400))
    assert 0.2 < chosen[NEAR] / 400 < 0.3


def test_a_deployment_that_is_busy_is_left_alone() -> None:
    balancer = Balancer(Random(1))
    equal = Deployment("fake", "far")
    model = replace(a_model("m"), deployments=(NEAR, equal))
    for _ in range(20):
        balancer.acquire(replace(model, deployments=(NEAR,)))
    chosen = Counter(balancer.acquire(model) for _ in range(10))
    assert chosen[equal] > chosen[NEAR]


def test_released_calls_count_no_more() -> None:
    balancer = Balancer(Random(1))
    model = replace(a_model("m"), deployments=(NEAR,))
    for _ in range(3):
        balancer.release(balancer.acquire(model))
    assert not balancer._in_flight


def test_where_there_is_but_one_it_is_chosen_even_to_be_avoided() -> None:
    model = replace(a_model("m"), deployments=(NEAR,))
    assert Balancer(Random(1)).acquire(model, avoid=NEAR) == NEAR


async def test_a_repeat_goes_to_another_deployment() -> None:
    desk = Desk(
        {"near": [[UpstreamFailed("down")]], "far": [answer("up")]},
        retry=RetryConfig(max_retries=1, base_ms=1, max_ms=2),
    )
    both = replace(MODELS["small"], deployments=(NEAR, replace(FAR, weight=1e-6)))
    desk.executor = replace(desk.executor, models={**MODELS, "small": both})
    events = await collect(desk.start(routed(plan_of("small"))))
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert [call.upstream_model for call in desk.backend.calls] == ["near", "far"]
    assert completed.settlement.attempts[0].retries == 1
