"""Admission under any order of what can happen to calls: no place is lost, none is free while a call could have it."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from frontdesk_server.config.service import AdmissionConfig
from frontdesk_server.domain.errors import Overloaded
from frontdesk_server.execution.admission import Admission
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakeClock

CALLERS = ("ann", "bob", "eve")
LIMITS = st.builds(
    AdmissionConfig,
    max_running=st.integers(1, 4),
    max_running_per_caller=st.none() | st.integers(1, 4),
    max_waiting=st.integers(0, 6),
    max_waiting_per_caller=st.integers(0, 4),
)
EVENTS = st.one_of(
    st.tuples(st.just("arrive"), st.sampled_from(CALLERS)),
    st.tuples(st.sampled_from(("end", "cancel", "end and cancel")), st.integers(0, 20)),
    st.tuples(st.just("deadline of many"), st.lists(st.integers(0, 20), min_size=2, max_size=8)),
    st.tuples(st.just("reload"), LIMITS),
    st.tuples(st.just("turn of the loop"), st.integers(1, 3)),
)


Event = tuple[str, str | int | list[int] | AdmissionConfig]


class Call:
    """A call that runs until it is told to end. What is told takes effect when its task's turn comes."""

    def __init__(self, admission: Admission, caller: str) -> None:
        self.caller = caller
        self.runs = self.refused = False
        self.end = asyncio.Event()
        self.task = asyncio.create_task(self._serve(admission))

    @property
    def waits(self) -> bool:
        return not self.runs and not self.task.done()

    async def _serve(self, admission: Admission) -> None:
        try:
            async with admission.admitted(self.caller, FakeClock().seconds + 60):
                self.runs = True
                try:
                    await self.end.wait()
                finally:
                    self.runs = False
        except Overloaded:
            self.refused = True


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def demand_order(admission: Admission, config: AdmissionConfig, calls: list[Call], *, reloaded: bool = False) -> None:
    """What must hold whenever every task has had its turn."""
    running = Counter(call.caller for call in calls if call.runs)
    waiting = Counter(call.caller for call in calls if call.waits)
    assert (admission.running, admission.waiting) == (running.total(), waiting.total())
    free, share = config.max_running - running.total(), config.max_running_per_caller or config.max_running
    assert reloaded or (free >= 0 and max(running.values(), default=0) <= share)
    starving = [caller for caller in waiting if free > 0 and running[caller] < share]
    assert not starving


async def play(config: AdmissionConfig, events: list[Event]) -> None:
    admission = Admission(config, FakeClock())
    calls: list[Call] = []
    for event, detail in events:
        if event == "arrive":
            assert isinstance(detail, str)
            calls.append(Call(admission, detail))
        elif event == "reload":
            assert isinstance(detail, AdmissionConfig)
            config = detail
            admission.configure(config)
        elif event == "turn of the loop":
            assert isinstance(detail, int)
            await turns(detail)
        elif calls:
            assert isinstance(detail, int | list)
            chosen = detail if isinstance(detail, list) else [detail]
            for call in (calls[index % len(calls)] for index in chosen):
                if "end" in event.split():
                    call.end.set()
                if event != "end":
                    call.task.cancel()
    await turns(30)
    demand_order(admission, config, calls, reloaded=any(event == "reload" for event, _ in events))
    for call in calls:
        call.end.set()
    await asyncio.wait_for(asyncio.gather(*(call.task for call in calls), return_exceptions=True), 5)
    assert (admission.running, admission.waiting) == (0, 0)
    after = [Call(admission, caller) for caller in CALLERS]
    await turns(30)
    demand_order(admission, config, after)
    assert sum(call.runs for call in after) == min(config.max_running, len(CALLERS))
    for call in after:
        call.task.cancel()
    await asyncio.gather(*(call.task for call in after), return_exceptions=True)


@settings(max_examples=400, deadline=None)
@given(LIMITS, st.lists(EVENTS, max_size=40))
def test_free_places_add_up_and_nobody_starves_whatever_the_order(config: AdmissionConfig, events: list[Event]) -> None:
    asyncio.run(play(config, events))


@pytest.mark.parametrize("running_first", [True, False])
async def test_calls_of_one_deadline_that_run_and_wait_leave_every_place_free(running_first: bool) -> None:
    admission = Admission(AdmissionConfig(max_running=8, max_waiting=16), FakeClock())
    for _ in range(3):
        calls = [Call(admission, "ann") for _ in range(20)]
        await turns(5)
        assert (admission.running, admission.waiting) == (8, 12)
        for call in calls if running_first else reversed(calls):
            call.task.cancel()
        await asyncio.gather(*(call.task for call in calls), return_exceptions=True)
        assert (admission.running, admission.waiting) == (0, 0)


async def test_a_caller_within_its_share_runs_at_once_however_many_others_wait() -> None:
    admission = Admission(AdmissionConfig(max_running=4, max_running_per_caller=2, max_waiting=3), FakeClock())
    greedy = [Call(admission, "eve") for _ in range(6)]
    await turns(5)
    other = Call(admission, "ann")
    await turns(5)
    assert [call.runs for call in (*greedy, other)] == [True, True, False, False, False, False, True]
    assert [call.refused for call in greedy] == [False] * 5 + [True]
    for call in (*greedy, other):
        call.task.cancel()
    await asyncio.gather(*(call.task for call in (*greedy, other)), return_exceptions=True)
