"""Admission: bounded, immediate in refusing, fair between callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from frontdesk_server.config.root import Config
from frontdesk_server.config.service import AdmissionConfig
from frontdesk_server.domain.errors import DeadlineExceeded, Overloaded
from frontdesk_server.execution.admission import Admission

from tests.fakes import FakeClock

LATER = FakeClock().seconds + 60


def admission(**limits: int) -> Admission:
    return Admission(AdmissionConfig(**limits), FakeClock())


class Occupant:
    """A call that stays admitted until it is told to leave."""

    def __init__(self, desk: Admission, caller: str, admitted: Callable[[str], None] = lambda _: None) -> None:
        self._leave = asyncio.Event()
        self.task = asyncio.create_task(self._occupy(desk, caller, admitted))

    async def _occupy(self, desk: Admission, caller: str, admitted: Callable[[str], None]) -> None:
        async with desk.admitted(caller, LATER):
            admitted(caller)
            await self._leave.wait()

    async def leave(self) -> None:
        self._leave.set()
        await self.task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_past_the_queue_callers_are_refused_with_a_time_to_come_back() -> None:
    desk = admission(max_running=1, max_waiting=1)
    running, waiting = Occupant(desk, "a"), Occupant(desk, "a")
    await settle()
    assert (desk.running, desk.waiting) == (1, 1)
    with pytest.raises(Overloaded) as refusal:
        async with desk.admitted("b", LATER):
            pass
    assert refusal.value.retry_after_seconds is not None
    assert refusal.value.retry_after_seconds > 0
    await running.leave()
    await waiting.leave()
    assert (desk.running, desk.waiting) == (0, 0)


async def test_the_more_are_refused_the_later_they_are_told_to_come_back() -> None:
    desk = admission(max_running=1, max_waiting=0)
    running = Occupant(desk, "a")
    await settle()
    waits = [await refused_for(desk) for _ in range(3)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] <= 30
    await running.leave()
    again = Occupant(desk, "a")
    await settle()
    assert await refused_for(desk) == pytest.approx(waits[0], rel=0.2)
    await again.leave()


async def refused_for(desk: Admission) -> float:
    with pytest.raises(Overloaded) as refusal:
        async with desk.admitted("b", LATER):
            pass
    assert refusal.value.retry_after_seconds is not None
    return refusal.value.retry_after_seconds


async def test_callers_take_turns_whatever_the_length_of_their_queues() -> None:
    desk = admission(max_running=1)
    order: list[str] = []
    occupants = [Occupant(desk, caller, order.append) for caller in ("a", "a", "a", "a", "b")]
    await settle()
    await asyncio.gather(*(occupant.leave() for occupant in occupants))
    assert order.index("b") == 2


async def test_one_caller_cannot_take_every_place() -> None:
    desk = admission(max_running=2, max_running_per_caller=1)
    first, second, other = Occupant(desk, "a"), Occupant(desk, "a"), Occupant(desk, "b")
    await settle()
    assert (desk.running, desk.waiting) == (2, 1)
    await first.leave()
    await settle()
    assert desk.waiting == 0
    await second.leave()
    await other.leave()


async def test_a_caller_who_gives_up_while_waiting_leaves_no_trace() -> None:
    desk = admission(max_running=1)
    running, waiting = Occupant(desk, "a"), Occupant(desk, "b")
    await settle()
    waiting.task.cancel()
    await settle()
    assert desk.waiting == 0
    await running.leave()
    assert desk.running == 0


async def test_a_place_given_to_a_caller_who_has_just_gone_is_given_on() -> None:
    desk = admission(max_running=1)
    running, gone = Occupant(desk, "a"), Occupant(desk, "b")
    await settle()
    running._leave.set()
    await asyncio.sleep(0)
    gone.task.cancel()
    await settle()
    assert (desk.running, desk.waiting) == (0, 0)
    await running.task


async def test_who_waits_past_its_deadline_is_told_so_and_leaves_no_trace() -> None:
    desk = admission(max_running=1)
    running = Occupant(desk, "a")
    await settle()
    with pytest.raises(DeadlineExceeded):
        async with desk.admitted("b", FakeClock().seconds + 0.01):
            pass
    assert (desk.running, desk.waiting) == (1, 0)
    await running.leave()


@pytest.mark.parametrize(
    ("security", "configured", "share"),
    [
        ({}, None, 9),
        ({"keys": ["ann"]}, None, 9),
        ({"keys": ["ann", "ann"]}, None, 9),
        ({"keys": ["ann", "bob"]}, None, 5),
        ({"keys": ["ann"], "anonymous": True}, None, 5),
        ({"jwt": True}, None, 5),
        ({"keys": ["ann", "bob"]}, 9, 9),
        ({}, 2, 2),
    ],
)
def test_a_caller_may_take_every_place_only_where_there_is_no_other(
    security: dict[str, Any], configured: int | None, share: int
) -> None:
    keys = [{"id": f"{i:08x}", "sha256": "0" * 64, "caller": name} for i, name in enumerate(security.get("keys", []))]
    section: dict[str, Any] = {"keys": keys, "anonymous": security.get("anonymous")}
    if "jwt" in security:
        section["jwt"] = {"jwks_file": "keys.json", "audience": "frontdesk"}
    config = Config.model_validate(
        {
            "security": section,
            "backends": {"local": {"kind": "simulated"}},
            "models": {"small": {"backend": "local"}},
            "routers": {"default": {"default_model": "small", "strategy": {"kind": "model", "model": "small"}}},
            "execution": {"admission": {"max_running": 9, "max_running_per_caller": configured}},
        }
    )
    assert config.admission.max_running_per_caller == share
