"""Circuit breakers and observed latency, by a clock that tests move."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.config.service import BreakerConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.decision import ExclusionReason
from frontdesk_server.domain.errors import (
    FrontdeskError,
    UpstreamContextExceeded,
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamResponseTooLong,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.execution.breaker import Breaker, BreakerState
from frontdesk_server.execution.conditions import LiveConditions

from tests.fakes import FakeClock, a_model

CLOSED, HALF_OPEN, OPEN = BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN
CONFIG = BreakerConfig(window=6, min_calls=4, failure_share=0.5, open_seconds=5, max_open_seconds=15)
MODEL = a_model("small")


def after(story: str) -> tuple[Breaker, FakeClock]:
    """A breaker after calls that went well (+), failed (-) or told nothing (o), and full seconds that passed (.)."""
    clock = FakeClock()
    breaker = Breaker(CONFIG, clock)
    for event in story:
        if event == ".":
            clock.seconds += 1
            continue
        call = breaker.acquire()
        assert call is not None, f"refused in {story}"
        {"+": call.succeeded, "-": call.failed, "o": call.abandoned}[event]()
    return breaker, clock


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ("", CLOSED),
        ("---", CLOSED),
        ("----", OPEN),
        ("++--", OPEN),
        ("+++--", CLOSED),
        ("+++---", OPEN),
        ("--++++", CLOSED),
        ("++++++++++---", OPEN),
        ("ooo---", CLOSED),
        ("----....", OPEN),
        ("----.....", HALF_OPEN),
        ("----.....o", HALF_OPEN),
        ("----.....+", CLOSED),
        ("----.....+--", CLOSED),
        ("----.....+---", OPEN),
        ("----.....-", OPEN),
        ("----.....-.........", OPEN),
        ("----.....-..........", HALF_OPEN),
        ("----.....-..........-..............", OPEN),
        ("----.....-..........-...............", HALF_OPEN),
        ("----.....-..........+---.....", HALF_OPEN),
    ],
)
def test_a_breaker_opens_by_the_share_of_failures_and_closes_by_a_probe(story: str, state: BreakerState) -> None:
    breaker, _ = after(story)
    assert breaker.state is state
    assert breaker.admits is (state is not OPEN)


def test_only_one_call_probes_at_a_time() -> None:
    breaker, _ = after("----.....")
    probe = breaker.acquire()
    assert probe is not None
    assert not breaker.acquire()
    probe.abandoned()
    assert breaker.acquire()


def test_calls_from_before_the_breaker_opened_say_nothing_about_its_probe() -> None:
    breaker, clock = after("---")
    late = [breaker.acquire() for _ in range(5)]
    for call in late[:1]:
        assert call is not None
        call.failed()
    clock.seconds += 5
    probe = breaker.acquire()
    for call in late[1:]:
        assert call is not None
        call.succeeded()
    assert breaker.state is HALF_OPEN
    assert not breaker.admits
    assert probe is not None
    probe.succeeded()
    assert breaker.state is CLOSED


def test_a_call_is_counted_once() -> None:
    breaker, _ = after("++-")
    call = breaker.acquire()
    assert call is not None
    call.succeeded()
    for _ in range(5):
        call.failed()
    assert breaker.state is CLOSED


def test_an_open_breaker_says_when_it_lets_a_probe_through() -> None:
    breaker, clock = after("----..")
    assert breaker.retry_after_seconds == 3
    clock.seconds += 10
    assert breaker.retry_after_seconds == 0


@pytest.mark.parametrize(
    ("outcome", "error", "opens"),
    [
        (AttemptOutcome.FAILED, UpstreamUnreachable("x"), True),
        (AttemptOutcome.FAILED, UpstreamOverloaded("x"), True),
        (AttemptOutcome.FAILED, UpstreamFailed("x"), True),
        (AttemptOutcome.FAILED, UpstreamTimedOut("idle", 1), True),
        (AttemptOutcome.FAILED, UpstreamCredentialsRefused("x"), True),
        (AttemptOutcome.FAILED, UpstreamProtocolError("x"), True),
        (AttemptOutcome.FAILED, UpstreamCut("x"), True),
        (AttemptOutcome.FAILED, UpstreamRequestRefused("x"), False),
        (AttemptOutcome.FAILED, UpstreamContextExceeded("x"), False),
        (AttemptOutcome.FAILED, UpstreamResponseTooLong("the response", 1), False),
        (AttemptOutcome.CANCELLED, None, False),
        (AttemptOutcome.REJECTED, None, False),
        (AttemptOutcome.ACCEPTED, None, False),
    ],
)
def test_what_counts_against_a_model(outcome: AttemptOutcome, error: FrontdeskError | None, opens: bool) -> None:
    conditions = LiveConditions(CONFIG, FakeClock())
    for _ in range(6):
        if (call := conditions.breaker(MODEL, MODEL.primary).acquire()) is not None:
            call.ended(outcome, error)
    assert [conditions.state(model) for model in (MODEL, a_model("mid"))] == ["open" if opens else "closed", "closed"]
    exclusion = conditions.exclusion(MODEL, "ann", None)
    assert (exclusion is not None and exclusion.reason is ExclusionReason.BREAKER_OPEN) is opens


def observed(conditions: LiveConditions, *seconds: float) -> None:
    for each in seconds:
        conditions.observe(MODEL, each)


@pytest.mark.parametrize(
    ("expected_ms", "observations", "seconds_later", "seconds"),
    [
        (None, (), 0, None),
        (500.0, (), 0, 0.5),
        (None, (8.0,), 0, 8.0),
        (None, (8.0, 3.0), 0, 7.0),
        (500.0, (8.0,), 0, 2.0),
        (500.0, (8.0,), 30, 1.25),
        (500.0, (8.0,), 60, 0.875),
        (500.0, (8.0,), 120, 0.5),
        (None, (8.0,), 119, 8.0),
        (None, (8.0,), 120, None),
    ],
)
def test_observed_latency_fades_towards_what_is_expected(
    expected_ms: float | None, observations: tuple[float, ...], seconds_later: float, seconds: float | None
) -> None:
    clock = FakeClock()
    conditions = LiveConditions(CONFIG, clock)
    model = replace(MODEL, time_to_first_token_ms=expected_ms)
    for each in observations:
        conditions.observe(model, each)
    clock.seconds += seconds_later
    assert conditions.time_to_first_token_seconds(model) == pytest.approx(seconds)


def test_a_model_too_slow_for_the_deadline_is_excluded_but_not_for_ever() -> None:
    clock = FakeClock()
    conditions = LiveConditions(CONFIG, clock)
    observed(conditions, 20.0)
    exclusion = conditions.exclusion(MODEL, "ann", 2.0)
    assert exclusion is not None
    assert exclusion.reason is ExclusionReason.DEADLINE
    assert "20.00 s, 2.00 s are left" in exclusion.detail
    assert conditions.exclusion(MODEL, "ann", 30.0) is None
    assert conditions.exclusion(MODEL, "ann", None) is None
    clock.seconds += 120
    assert conditions.exclusion(MODEL, "ann", 2.0) is None


@pytest.mark.parametrize(
    ("story", "state"),
    [("", OPEN), ("+++", OPEN), ("++++", CLOSED), ("+++-", OPEN), ("----", OPEN)],
)
def test_one_that_opens_elsewhere_opens_here_but_where_the_latest_calls_all_went_well(
    story: str, state: BreakerState
) -> None:
    breaker, _ = after(story)
    breaker.hear(4)
    assert breaker.state is state


def test_an_opening_that_was_heard_of_ends_by_time_or_when_it_is_taken_back() -> None:
    breaker, clock = after("")
    breaker.hear(4)
    clock.seconds += 3
    breaker.hear(1)
    assert breaker.state is OPEN
    clock.seconds += 1
    assert breaker.state is HALF_OPEN
    breaker, _ = after("")
    breaker.hear(4)
    breaker.hear(None)
    assert breaker.state is HALF_OPEN


def test_an_opening_of_its_own_is_not_taken_back_by_others_and_only_its_own_is_told() -> None:
    told: list[float | None] = []
    breaker = Breaker(CONFIG, FakeClock(), told.append)
    breaker.hear(4)
    breaker.hear(None)
    probe = breaker.acquire()
    assert probe is not None
    probe.failed()
    breaker.hear(None)
    assert (breaker.state, told) == (OPEN, [10.0])
