"""For how long something has not answered."""

from __future__ import annotations

from frontdesk_server.state.outage import Outage

from tests.fakes import FakeClock


def test_an_outage_lasts_from_the_first_question_without_an_answer_to_the_first_answer() -> None:
    clock = FakeClock()
    outage = Outage(clock.monotonic)
    assert (outage.lasts, outage.seconds) == (False, 0.0)
    for _ in range(3):
        outage.failed()
        clock.seconds += 20
    assert (outage.lasts, outage.seconds) == (True, 60.0)
    outage.answered()
    assert (outage.lasts, outage.seconds) == (False, 0.0)


def test_an_outage_that_nobody_has_met_for_a_minute_is_missed_by_nobody() -> None:
    clock = FakeClock()
    outage = Outage(clock.monotonic)
    outage.failed()
    clock.seconds += 61
    assert (outage.lasts, outage.seconds) == (True, 0.0)
    outage.failed()
    assert outage.seconds == 61.0
