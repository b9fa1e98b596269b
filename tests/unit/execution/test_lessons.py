"""What an upstream refuses by name is paid for once: said otherwise, left out, or asked of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.decision import PlanStep, StepKind
from frontdesk_server.domain.errors import CompletionFailed, UpstreamRequestRefused
from frontdesk_server.domain.events import Completed
from frontdesk_server.domain.fitting import Fitting
from frontdesk_server.domain.lessons import Refusal, RefusedHow
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.profile import Profile, Takes
from frontdesk_server.domain.query import GenerationConfig, Query, text_query
from frontdesk_server.execution.lessons import LESSON_SECONDS, Lessons

from tests.fakes import FakeClock, Script, a_model, answer, plan_of, routed
from tests.unit.execution.test_executor import MODELS, Desk, collect

_PLAIN = text_query("hi")
_HOT = text_query("hi", GenerationConfig(temperature=0.5))


def refusing(*fields: str) -> Script:
    error = UpstreamRequestRefused("the upstream answered 400", status=400)
    error.refusal = Refusal(frozenset(fields))
    return [error]


async def answered_by(desk: Desk, query: Query, *models: str) -> tuple[str, int]:
    """The model that answers, and how often upstreams were called for it."""
    before = len(desk.backend.calls)
    completed = (await collect(desk.start(routed(plan_of(*models), query))))[-1]
    assert isinstance(completed, Completed)
    return completed.model, len(desk.backend.calls) - before


async def test_what_only_we_sent_is_left_out_at_once_and_from_then_on() -> None:
    desk = Desk({"small": [refusing("stream_options"), answer("four")]})
    assert await answered_by(desk, _PLAIN, "small") == ("small", 2)
    assert [call.profile.stream_options for call in desk.backend.calls] == [True, False]
    assert await answered_by(desk, _PLAIN, "small") == ("small", 1)
    assert desk.backend.calls[-1].profile.stream_options is False


async def test_the_attempt_that_learned_is_one_attempt_with_a_repeat() -> None:
    desk = Desk({"small": [refusing("stream_options"), answer("four")]})
    execution = desk.start(routed(plan_of("small")))
    await collect(execution)
    (attempt,) = execution.settlement.attempts
    assert (attempt.outcome, attempt.retries) == (AttemptOutcome.ACCEPTED, 1)


async def test_a_model_that_refused_what_the_caller_set_is_passed_over_for_such_queries_alone() -> None:
    desk = Desk({"small": [refusing("temperature"), answer("small")], "mid": [answer("mid")]})
    assert await answered_by(desk, _HOT, "small", "mid") == ("mid", 2)
    assert await answered_by(desk, _HOT, "small", "mid") == ("mid", 1)
    assert await answered_by(desk, _PLAIN, "small", "mid") == ("small", 1)


async def test_routing_knows_it_too_for_an_hour() -> None:
    desk = Desk({"small": [refusing("temperature")], "mid": [answer("mid")]})
    await answered_by(desk, _HOT, "small", "mid")
    fitting = Fitting.of(_HOT, 10, desk.conditions.profile)
    exclusion = fitting.exclusion(MODELS["small"])
    assert exclusion is not None
    assert exclusion.detail == "by its API it takes no temperature"
    desk.breaker_clock.seconds += LESSON_SECONDS
    assert fitting.exclusion(MODELS["small"]) is None


async def test_where_no_other_model_is_left_the_refusal_is_the_callers_answer() -> None:
    desk = Desk({"small": [refusing("temperature")]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small"), _HOT)))
    assert isinstance(failure.value.cause, UpstreamRequestRefused)
    assert len(desk.backend.calls) == 1


async def test_an_upstream_that_refuses_ever_more_is_not_asked_for_ever() -> None:
    desk = Desk({"small": [refusing("max_tokens", "max_completion_tokens")], "mid": [answer("mid")]})
    model, calls = await answered_by(desk, _PLAIN, "small", "mid")
    assert model == "mid"
    assert calls <= 6


EAST, WEST = Deployment("fake", "east"), Deployment("fake", "west")


def _desk(east: Deployment, west: Deployment, scripts: dict[str, list[Script]]) -> Desk:
    desk = Desk(scripts)
    model: Model = replace(a_model("small"), deployments=(east, west))
    desk.executor = replace(desk.executor, models={**MODELS, "small": model})
    return desk


async def test_a_deployment_that_cannot_take_a_query_is_passed_over_while_another_can() -> None:
    cold = Profile(at_rest=Takes(temperature=None), reasoning=Takes(temperature=None))
    desk = _desk(replace(EAST, profile=cold), WEST, {"east": [answer("east")], "west": [answer("west")]})
    for _ in range(12):
        await answered_by(desk, _HOT, "small")
    assert {call.upstream_model for call in desk.backend.calls} == {"west"}
    for _ in range(12):
        await answered_by(desk, _PLAIN, "small")
    assert {call.upstream_model for call in desk.backend.calls} == {"east", "west"}


async def test_a_deployment_that_refuses_leaves_the_call_to_another_once_and_stays_well() -> None:
    desk = _desk(EAST, WEST, {"east": [refusing("temperature")], "west": [answer("west")]})
    for _ in range(24):
        await answered_by(desk, _HOT, "small")
    assert [call.upstream_model for call in desk.backend.calls].count("east") == 1
    assert desk.conditions.deployment_state(replace(MODELS["small"], deployments=(EAST, WEST)), EAST) == "closed"


async def test_a_question_of_our_own_is_asked_again_without_what_is_refused() -> None:
    desk = Desk({"small": [answer("four"), refusing("temperature"), answer("95")], "mid": [answer("mid")]})
    steps = [PlanStep("small", StepKind.PRIMARY, check="self_rating"), PlanStep("mid", StepKind.ESCALATION)]
    completed = (await collect(desk.start(routed(steps))))[-1]
    assert isinstance(completed, Completed)
    assert completed.model == "small"
    asked = [call.query.generation.temperature for call in desk.backend.calls]
    assert asked == [None, 0.0, None]


def test_a_lesson_is_forgotten_after_an_hour_and_by_a_new_configuration() -> None:
    clock = FakeClock()
    lessons = Lessons(clock)
    place = Deployment("b", "m", profile=Profile())
    refusal = Refusal(frozenset({"top_k"}))
    assert lessons.learn(place, refusal)
    assert not lessons.learn(place, refusal)
    assert lessons.profile(place).at_rest.top_k is False
    assert lessons.profile(Deployment("b", "other")).at_rest.top_k is True
    assert lessons.profile(replace(place, profile=Profile())).at_rest.top_k is True
    assert lessons.learn(place, refusal)
    clock.seconds += LESSON_SECONDS
    assert lessons.profile(place) is place.profile


def test_lessons_are_bounded() -> None:
    lessons = Lessons(FakeClock())
    places = [Deployment("b", str(number)) for number in range(1001)]
    for place in places:
        assert lessons.learn(place, Refusal(frozenset({"seed"}), RefusedHow.FIELD))
    assert [lessons.profile(place).at_rest.seed for place in (places[0], places[1], places[-1])] == [True, False, False]
