"""Load balancing: calls go to the less loaded of two deployments, by weight, and to another one after a failure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from frontdesk_server.config.service import BreakerConfig, RetryConfig
from frontdesk_server.domain.errors import UpstreamFailed
from frontdesk_server.domain.events import Completed
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.execution.balancing import Balancer, Passage
from frontdesk_server.execution.conditions import LiveConditions

from tests.fakes import FakeClock, a_model, answer, plan_of, routed
from tests.unit.execution.test_executor import MODELS, Desk, collect

NEAR, FAR = Deployment("fake", "near"), Deployment("fake", "far", weight=3.0)


def a_balancer() -> Balancer:
    return Balancer(Random(1), LiveConditions(BreakerConfig(), FakeClock()))


def acquired(balancer: Balancer, model: Model) -> Passage:
    passage = balancer.acquire(model)
    assert passage is not None
    return passage


def test_calls_in_flight_spread_by_weight() -> None:
    balancer = a_balancer()
    model = replace(a_model("m"), deployments=(NEAR, FAR))
    chosen = Counter(acquired(balancer, model).deployment for _ in range(400))
    assert 0.2 < chosen[NEAR] / 400 < 0.3


def test_a_deployment_that_is_busy_is_left_alone() -> None:
    balancer = a_balancer()
    equal = Deployment("fake", "far")
    model = replace(a_model("m"), deployments=(NEAR, equal))
    for _ in range(20):
        acquired(balancer, replace(model, deployments=(NEAR,)))
    chosen = Counter(acquired(balancer, model).deployment for _ in range(10))
    assert chosen[equal] > chosen[NEAR]


def test_calls_that_are_over_count_no_more() -> None:
    balancer = a_balancer()
    model = replace(a_model("m"), deployments=(NEAR,))
    for report in (Passage.succeeded, Passage.failed, Passage.abandoned, Passage.park):
        passage = acquired(balancer, model)
        assert balancer._in_flight == {NEAR: 1}
        report(passage)
        passage.abandoned()
        assert not balancer._in_flight


def test_a_deployment_whose_breaker_is_open_rests_and_none_is_left_where_all_are() -> None:
    conditions = LiveConditions(BreakerConfig(), FakeClock())
    balancer, model = Balancer(Random(1), conditions), replace(a_model("m"), deployments=(NEAR, FAR))
    for deployment in model.deployments:
        breaker = conditions.breaker(model, deployment)
        while (call := breaker.acquire()) is not None:
            call.failed()
        passage = balancer.acquire(model)
        assert (passage is None) is (deployment == FAR)
        assert conditions.is_available(model) is (deployment == NEAR)
        assert conditions.state(model) == ("closed" if deployment == NEAR else "open")
        if passage is not None:
            assert passage.deployment == FAR
            passage.abandoned()


def test_a_deployment_that_is_to_be_avoided_is_not_chosen() -> None:
    model = replace(a_model("m"), deployments=(NEAR, FAR))
    for _ in range(20):
        passage = a_balancer().acquire(model, avoid={NEAR})
        assert passage is not None
        assert passage.deployment == FAR
    assert a_balancer().acquire(model, avoid=model.deployments) is None


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
