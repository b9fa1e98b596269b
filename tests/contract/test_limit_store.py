"""What every store of limits' counters promises."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import tempfile
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import RedisConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.state.limits import Change, Hold, LimitStore, LimitStoreError, MemoryLimitStore
from frontdesk_server.state.limits.redis import RedisLimitStore
from frontdesk_server.state.limits.refusals import RememberedRefusals
from frontdesk_server.state.limits.sqlite import SqliteLimitStore
from frontdesk_server.state.redis import open_redis
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from tests.conftest import DefectLog
from tests.fakes import FakeClock

CLOCK = SystemClock()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LimitStore]:
    if request.param == "redis":
        config = RedisConfig(url=Secret(request.getfixturevalue("redis_url")), prefix=uuid4().hex, timeout_ms=10_000)
        async with open_redis(config, "test.yaml") as redis:
            assert redis is not None
            store: LimitStore = RedisLimitStore(redis.client, redis.prefix, CLOCK)
            yield store
            await store.aclose()
        return
    store = MemoryLimitStore(CLOCK) if request.param == "memory" else SqliteLimitStore(tmp_path / "limits.db", CLOCK)
    yield store
    await store.aclose()


def hold(key: str, amount: int, limit: int = 10, *, seconds: float = 60) -> Hold:
    return Hold(key, amount, limit, CLOCK.now().timestamp() + seconds)


def change(key: str, amount: int) -> Change:
    return Change(key, amount, CLOCK.now().timestamp() + 60)


async def test_amounts_add_up_to_the_limit_and_not_above(store: LimitStore) -> None:
    assert await store.reserve([hold("a", 6)]) is None
    assert await store.reserve([hold("a", 5)]) == 0
    assert await store.reserve([hold("a", 4)]) is None
    assert await store.reserve([hold("a", 0)]) is None


async def test_all_counters_are_added_to_or_none(store: LimitStore) -> None:
    assert await store.reserve([hold("b", 10)]) is None
    assert await store.reserve([hold("a", 10), hold("b", 1), hold("c", 10)]) == 1
    assert await store.reserve([hold("a", 10), hold("c", 10)]) is None


async def test_corrections_count_for_the_next_reservation(store: LimitStore) -> None:
    assert await store.reserve([hold("a", 10)]) is None
    store.change([change("a", -3)])
    await drained(store)
    assert await store.reserve([hold("a", 4)]) == 0
    assert await store.reserve([hold("a", 3)]) is None


async def test_counters_can_be_looked_at(store: LimitStore) -> None:
    assert await store.values([]) == []
    assert await store.reserve([hold("a", 6), hold("b", 1)]) is None
    store.change([change("a", -2)])
    await drained(store)
    assert await store.values(["a", "nobody's", "b"]) == [4, 0, 1]


async def test_corrections_may_pass_the_limit_but_never_fall_below_zero(store: LimitStore) -> None:
    assert await store.reserve([hold("a", 10)]) is None
    store.change([change("a", 5)])
    await drained(store)
    assert await store.reserve([hold("a", 1)]) == 0
    store.change([change("a", -100)])
    await drained(store)
    assert await store.reserve([hold("a", 10)]) is None


async def test_amounts_of_a_month_stay_exact(store: LimitStore) -> None:
    million_usd = 1_000_000_000_000_000
    assert await store.reserve([hold("a", million_usd - 1, million_usd)]) is None
    assert await store.reserve([hold("a", 2, million_usd)]) == 0
    assert await store.reserve([hold("a", 1, million_usd)]) is None
    assert await store.reserve([hold("a", 1, million_usd)]) == 0


async def test_of_concurrent_reservations_exactly_those_that_fit_succeed(store: LimitStore) -> None:
    refused = await asyncio.gather(*(store.reserve([hold("a", 1, 70), hold("b", 1, 1000)]) for _ in range(200)))
    assert sum(index is None for index in refused) == 70
    assert await store.reserve([hold("b", 931, 1000)]) == 0
    assert await store.reserve([hold("b", 930, 1000)]) is None


@pytest.mark.parametrize("amount", [1, 2**53, 2**62, 2**63, 2**64, 10**30, 10**400])
async def test_amounts_of_any_size_settle(store: LimitStore, amount: int) -> None:
    """A counter stops at what every store can tell, and comes back from there."""
    store.change([change("a", amount)])
    store.change([change("a", amount), change("b", 3)])
    await drained(store)
    assert await store.reserve([hold("a", 1, 1)]) == 0
    assert await store.reserve([hold("b", 7), hold("c", amount, 10**500)]) is None
    store.change([change("a", -amount), change("a", -amount)])
    await drained(store)
    assert await store.reserve([hold("a", 1, 1)]) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-(2**70), 2**70)), max_size=8))
async def test_the_file_counts_as_memory_does(changes: list[tuple[str, int]]) -> None:
    clock = FakeClock()  # long before the windows end
    memory = MemoryLimitStore(clock)
    with tempfile.TemporaryDirectory() as folder:
        file = SqliteLimitStore(Path(folder) / "limits.db", clock)
        for store in (memory, file):
            for key, amount in changes:
                store.change([change(key, amount)])
        for key in "ab":
            value = memory._counters.get(key, 0)
            assert await file.reserve([hold(key, 1, value)]) == 0
            assert await file.reserve([hold(key, 0, value)]) is None
        await file.aclose()


class AskedStore(MemoryLimitStore):
    """Counts how often it is asked."""

    asked = 0

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        self.asked += 1
        return await super().reserve(holds)


async def test_what_was_just_refused_is_refused_without_asking_until_time_passes_or_room_is_made() -> None:
    clock = FakeClock()
    asked = AskedStore(clock)
    store = RememberedRefusals(asked, clock)
    assert await store.reserve([hold("a", 6), hold("b", 1)]) is None
    assert [await store.reserve([hold("b", 1), hold("a", amount)]) for amount in (5, 5, 7)] == [1, 1, 1]
    assert asked.asked == 2
    assert await store.reserve([hold("a", 4)]) is None, "less than what was refused may have room"
    store.change([change("a", -5)])
    assert await store.reserve([hold("a", 5)]) is None
    assert await store.reserve([hold("a", 1)]) == 0
    before = asked.asked
    clock.seconds += 1.1
    assert await store.reserve([hold("a", 1)]) == 0
    assert asked.asked == before + 1


async def test_whoever_is_refused_all_the_time_is_refused_at_once_and_let_in_soon_after_there_is_room() -> None:
    clock = FakeClock()
    others = AskedStore(clock)
    store = RememberedRefusals(others, clock)
    await others.reserve([hold("a", 10)])
    assert await store.reserve([hold("a", 1)]) == 0
    before = others.asked
    for _ in range(8):
        clock.seconds += 0.3
        assert await store.reserve([hold("a", 1)]) == 0
        await looked(store)
    assert others.asked == before, "what there is was looked at beside the calls"
    others.change([change("a", -1)])
    clock.seconds += 0.3
    assert await store.reserve([hold("a", 1)]) == 0
    await looked(store)
    assert await store.reserve([hold("a", 1)]) is None


async def test_what_cannot_be_looked_at_is_asked_for(caught_defects: DefectLog) -> None:
    class Gone(AskedStore):
        fault: Exception = LimitStoreError("gone")

        async def values(self, keys: Sequence[str]) -> list[int]:
            raise self.fault

    clock = FakeClock()
    gone = Gone(clock)
    store = RememberedRefusals(gone, clock)
    await gone.reserve([hold("a", 10)])
    for fault in (LimitStoreError("gone"), KeyError("a fault of its own")):
        gone.fault = fault
        assert await store.reserve([hold("a", 1)]) == 0
        before = gone.asked
        clock.seconds += 0.3
        assert await store.reserve([hold("a", 1)]) == 0
        await store.aclose()
        assert await store.reserve([hold("a", 1)]) == 0
        assert gone.asked == before + 1
    assert [defect["error_type"] for defect in caught_defects] == ["KeyError"]
    caught_defects.clear()


async def looked(store: RememberedRefusals) -> None:
    """Whatever is looked at beside calls has been seen."""
    await asyncio.gather(*store._looks.values())


async def drained(store: LimitStore) -> None:
    """Redis applies corrections in the background, beside reservations; the others keep the order by themselves."""
    if isinstance(store, RedisLimitStore):
        await store.aclose()


async def test_two_stores_on_one_file_share_their_counters(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    first, second = SqliteLimitStore(path, CLOCK), SqliteLimitStore(path, CLOCK)
    assert await first.reserve([hold("a", 10)]) is None
    assert await second.reserve([hold("a", 1)]) == 0
    first.change([change("a", -1)])
    await first.aclose()
    assert await second.reserve([hold("a", 1)]) is None
    await second.aclose()


async def test_counters_whose_window_has_ended_are_deleted_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    store = SqliteLimitStore(path, CLOCK)
    assert await store.reserve([hold("old", 10, seconds=-1)]) is None
    await store.aclose()
    store = SqliteLimitStore(path, CLOCK)
    assert await store.reserve([hold("new", 1)]) is None
    await store.aclose()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT key FROM counter").fetchall() == [("new",)]
    connection.close()


async def test_corrections_outlast_a_file_that_cannot_be_written_for_a_while(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    store = SqliteLimitStore(folder / "limits.db", CLOCK)
    with pytest.raises(LimitStoreError):
        await store.reserve([hold("a", 1)])
    store.change([change("a", 9)])
    with pytest.raises(LimitStoreError):
        await store.reserve([hold("a", 1)])
    folder.mkdir()
    assert await store.reserve([hold("a", 2)]) == 0
    assert await store.reserve([hold("a", 1)]) is None
    await store.aclose()


async def test_a_job_that_cannot_be_applied_fails_alone_and_ends_nothing(
    tmp_path: Path, caught_defects: list[object], log_lines: Sequence[EventDict]
) -> None:
    counter = CountingDefects()
    store = SqliteLimitStore(tmp_path / "limits.db", CLOCK, counter)
    odd = Hold(object(), 1, 10, 0.0)  # type: ignore[arg-type]
    store.change([change("a", 4), Change("b", 2, object()), change("a", 1)])  # type: ignore[arg-type]
    answers = await asyncio.gather(
        store.reserve([hold("a", 5)]), store.reserve([odd]), store.reserve([hold("a", 1)]), return_exceptions=True
    )
    assert (answers[0], answers[2]) == (None, 0)
    assert isinstance(answers[1], LimitStoreError)
    await store.aclose()
    assert counter.counted == ["limits", "limits"]
    lost = [line["count"] for line in log_lines if line["event"] == "limits.corrections_lost"]
    assert lost == [1]
    caught_defects.clear()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_deleted_or_replaced_is_noticed_and_its_successor_used(
    tmp_path: Path, replaced: bool, log_lines: Sequence[EventDict]
) -> None:
    path = tmp_path / "limits.db"
    first, second = SqliteLimitStore(path, CLOCK), SqliteLimitStore(path, CLOCK)
    assert await first.reserve([hold("a", 10)]) is None
    assert await second.reserve([hold("a", 1)]) == 0
    for file in tmp_path.iterdir():
        file.unlink()
    if replaced:
        sqlite3.connect(path).close()
        path.write_bytes(b"")
    assert await first.reserve([hold("a", 9)]) is None
    assert await second.reserve([hold("a", 2)]) == 0
    assert await second.reserve([hold("a", 1)]) is None
    assert [line["event"] for line in log_lines] == ["limits.file_replaced"] * 2
    await first.aclose()
    await second.aclose()


async def test_the_file_and_its_journals_are_their_owners_alone(tmp_path: Path) -> None:
    store = SqliteLimitStore(tmp_path / "limits.db", CLOCK)
    before = os.umask(0o022)
    try:
        await store.reserve([hold("a", 1)])
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {"limits.db": 0o600, "limits.db-wal": 0o600, "limits.db-shm": 0o600}
    await store.aclose()


class CountingDefects:
    """Counts defects by their part."""

    def __init__(self) -> None:
        self.counted: list[str] = []

    def defect(self, part: str, error_type: str) -> None:
        self.counted.append(part)


async def test_a_closed_store_leaves_no_thread(tmp_path: Path) -> None:
    store = SqliteLimitStore(tmp_path / "limits.db", CLOCK)
    await store.reserve([hold("a", 1)])
    await store.aclose()
    assert "limits" not in {thread.name for thread in threading.enumerate()}


async def test_a_redis_that_is_not_there_is_reported_as_such(tmp_path: Path) -> None:
    config = RedisConfig(url=Secret(f"unix://{tmp_path}/nobody.sock"))
    async with open_redis(config, "test.yaml") as redis:
        assert redis is not None
        store = RedisLimitStore(redis.client, redis.prefix, CLOCK)
        with pytest.raises(LimitStoreError):
            await store.reserve([hold("a", 1)])
        store.change([change("a", 1)])
        await store.aclose()


async def test_what_processes_have_set_aside_is_not_used(redis_url: str) -> None:
    config = RedisConfig(url=Secret(redis_url), prefix=uuid4().hex, timeout_ms=10_000)
    async with open_redis(config, "test.yaml") as redis:
        assert redis is not None
        store = RedisLimitStore(redis.client, redis.prefix, CLOCK, shares=True)
        for _ in range(3):
            assert await store.reserve([hold("a", 6, 100)]) is None
        assert await store.values(["a"]) == [18]
        await store.aclose()
        assert await store.values(["a"]) == [18]
