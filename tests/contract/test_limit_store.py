"""What every store of limits' counters promises."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import RedisConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.limits import Change, Hold, LimitStore, LimitStoreError, MemoryLimitStore
from frontdesk_server.limits.redis import RedisLimitStore
from frontdesk_server.limits.sqlite import SqliteLimitStore
from frontdesk_server.redis_client import open_redis

CLOCK = SystemClock()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LimitStore]:
    if request.param == "redis":
        config = RedisConfig(url=Secret(request.getfixturevalue("redis_url")), prefix=uuid4().hex, timeout_ms=10_000)
        async with open_redis(config, "test.yaml") as redis:
            assert redis is not None
            store: LimitStore = RedisLimitStore(redis.client, redis.prefix)
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


async def test_a_closed_store_leaves_no_thread(tmp_path: Path) -> None:
    store = SqliteLimitStore(tmp_path / "limits.db", CLOCK)
    await store.reserve([hold("a", 1)])
    await store.aclose()
    assert "limits" not in {thread.name for thread in threading.enumerate()}


async def test_a_redis_that_is_not_there_is_reported_as_such(tmp_path: Path) -> None:
    config = RedisConfig(url=Secret(f"unix://{tmp_path}/nobody.sock"))
    async with open_redis(config, "test.yaml") as redis:
        assert redis is not None
        store = RedisLimitStore(redis.client, redis.prefix)
        with pytest.raises(LimitStoreError):
            await store.reserve([hold("a", 1)])
        store.change([change("a", 1)])
        await store.aclose()
