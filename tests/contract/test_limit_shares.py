"""What processes may use of counters in Redis while one of them, or all, cannot ask."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import uuid4

import pytest
from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import LimitsConfig, RedisConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.state.limits import Change, Hold, LimitStoreError, open_limit_store
from frontdesk_server.state.limits.redis import RedisLimitStore
from frontdesk_server.state.limits.shares import LEASE_SECONDS
from frontdesk_server.state.redis import RedisGone, open_redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.cuttable import Cuttable, cuttable

CLOCK = SystemClock()
LIMIT = 120


class Replica:
    """A store behind a proxy of its own, and what it was granted and has not given back."""

    def __init__(self, proxy: Cuttable, store: RedisLimitStore) -> None:
        self.proxy = proxy
        self.store = store
        self.granted = 0

    async def take(self, amount: int, limit: int = LIMIT, key: str = "k") -> bool:
        taken = await self.store.reserve([hold(amount, limit, key)]) is None
        self.granted += amount * taken
        return taken

    def give_back(self, amount: int, key: str = "k") -> None:
        amount = min(amount, self.granted)
        self.granted -= amount
        self.store.change([Change(key, -amount, END)])


END = CLOCK.now().timestamp() + 3600


def hold(amount: int, limit: int = LIMIT, key: str = "k", starts_at: float = 0.0) -> Hold:
    return Hold(key, amount, limit, END, starts_at)


@asynccontextmanager
async def replicas(
    url: str, count: int, *, lease_seconds: float = LEASE_SECONDS, timeout_ms: float = 5000
) -> AsyncIterator[list[Replica]]:
    prefix, made = uuid4().hex, []
    async with AsyncExitStack() as stack:
        for _ in range(count):
            proxy = await stack.enter_async_context(cuttable(url.removeprefix("unix://")))
            config = RedisConfig(url=Secret(f"redis://{proxy.address}"), prefix=prefix, timeout_ms=timeout_ms)
            redis = await stack.enter_async_context(open_redis(config, "test"))
            assert redis is not None
            store = RedisLimitStore(redis.client, prefix, CLOCK, shares=True, lease_seconds=lease_seconds)
            stack.push_async_callback(store.aclose)
            made.append(Replica(proxy, store))
        for _ in range(2):  # the second greeting of each knows of all
            for replica in made:
                await greeted(replica)
        yield made


async def greeted(replica: Replica) -> None:
    """A beat has passed for it."""
    replica.store._greet_at = 0.0
    await until(lambda: answers(replica))


async def answers(replica: Replica) -> bool:
    with suppress(LimitStoreError):
        return await replica.store.reserve([hold(0, key="greeting")]) is None
    return False


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.02)


async def test_what_others_have_aside_keeps_no_call_out_as_long_as_all_take_turns(redis_url: str) -> None:
    async with replicas(redis_url, 3) as three:
        taken = [await three[index % 3].take(1) for index in range(LIMIT + 6)]
        assert taken == [True] * LIMIT + [False] * 6


@pytest.mark.parametrize("mode", ["closed", "silent", "deaf"])
async def test_one_that_is_cut_off_uses_what_it_has_aside_and_tells_when_it_is_back(redis_url: str, mode: str) -> None:
    async with replicas(redis_url, 3, timeout_ms=300) as three:
        cut, *others = three
        for replica in three:
            assert await replica.take(10)
        cut.proxy.turn(mode)  # type: ignore[arg-type]
        alone = 0
        while await cut.take(1):
            alone += 1
        assert 10 <= alone <= (LIMIT - 30) // 3
        while any([await replica.take(1) for replica in others]):
            pass
        assert sum(replica.granted for replica in three) <= LIMIT
        cut.give_back(5)
        assert await cut.take(5)  # its own corrections make room for it, also alone
        cut.give_back(5)
        cut.proxy.turn("through")
        await until(lambda: others[0].take(5))
        assert sum(replica.granted for replica in three) <= LIMIT
        assert not await cut.take(LIMIT)


async def test_of_a_window_that_begins_while_nobody_answers_each_has_its_share(redis_url: str) -> None:
    async with replicas(redis_url, 3) as three:
        for replica in three:
            replica.proxy.turn("closed")
            assert not await replica.take(1)
        now = CLOCK.now().timestamp()
        granted = [[await r.store.reserve([hold(1, 30, "new", now)]) is None for _ in range(11)] for r in three]
        assert granted == [[True] * 10 + [False]] * 3
        for replica in three:
            replica.proxy.turn("through")
        await until(lambda: asyncio.sleep(0, not three[0].store._alone and not three[1].store._alone))
        await until(lambda: asyncio.sleep(0, not three[2].store._alone))
        assert await three[0].store.reserve([hold(1, 31, "new", now)]) is None
        assert await three[1].store.reserve([hold(1, 31, "new", now)]) == 0


async def test_what_a_killed_process_had_aside_is_free_when_its_lease_ends(redis_url: str) -> None:
    async with replicas(redis_url, 2, lease_seconds=0.3) as (killed, other):
        assert await killed.take(20)
        killed.proxy.turn("closed")
        assert not await other.take(LIMIT - 20)
        await until(lambda: other.take(LIMIT - 20))
        assert not await killed.take(1), "its lease has ended for itself, too"


async def test_for_how_long_redis_has_not_answered_is_seen_until_it_does(redis_url: str) -> None:
    seen: dict[str, Callable[[], float]] = {}

    class Monitor:
        def watch_redis(self, use: str, gone_seconds: Callable[[], float]) -> None:
            seen[use] = gone_seconds

    limits = LimitsConfig(store="redis", when_unavailable="share")
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(cuttable(redis_url.removeprefix("unix://")))
        config = RedisConfig(url=Secret(f"redis://{proxy.address}"), prefix=uuid4().hex, timeout_ms=5000)
        redis = await stack.enter_async_context(open_redis(config, "test", Monitor()))
        store = await stack.enter_async_context(open_limit_store(limits, redis, CLOCK, "test"))
        assert redis is not None
        assert await store.reserve([hold(1)]) is None
        assert {use: seconds() for use, seconds in seen.items()} == {"limits": 0, "others": 0}
        proxy.turn("closed")
        await until(lambda: asyncio.sleep(0, seen["limits"]() > 0.5))
        assert seen["others"]() == 0, "nobody has asked"
        with pytest.raises(RedisGone):
            await redis.ask(redis.client.ping)
        assert seen["others"]() > 0
        proxy.turn("through")
        await until(lambda: asyncio.sleep(0, not seen["limits"]()))


async def test_a_process_that_has_never_reached_redis_has_no_share() -> None:
    config = RedisConfig(url=Secret("redis://127.0.0.1:1"), timeout_ms=50)
    async with open_redis(config, "test") as redis:
        assert redis is not None
        store = RedisLimitStore(redis.client, "nobody", CLOCK, shares=True)
        for _ in range(2):
            with pytest.raises(LimitStoreError):
                await store.reserve([hold(1, starts_at=CLOCK.now().timestamp() + 1)])
        await store.aclose()


async def test_an_orderly_stop_gives_back_what_was_set_aside(redis_url: str) -> None:
    async with replicas(redis_url, 2) as (leaving, other):
        assert await leaving.take(20)
        await leaving.store.aclose()
        assert await other.take(LIMIT - 20)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "give back", "closed", "deaf", "through"]),
        st.integers(0, 2),
        st.integers(1, 25),
    ),
    min_size=6,
    max_size=14,
)


@settings(
    max_examples=int(os.environ.get("FRONTDESK_CHAOS_EXAMPLES", "4")),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
async def test_whoever_is_cut_off_and_when_the_limit_is_never_passed_and_nothing_is_counted_twice(
    redis_url: str, steps: Sequence[Step]
) -> None:
    async with replicas(redis_url, 3, timeout_ms=500) as three:
        for action, index, amount in steps:
            replica = three[index]
            if action == "take":
                await replica.take(amount)
            elif action == "give back":
                replica.give_back(amount)
            else:
                replica.proxy.turn(action)  # type: ignore[arg-type]
            assert sum(replica.granted for replica in three) <= LIMIT
        for replica in three:
            replica.proxy.turn("through")
        for replica in three:
            await until(lambda replica=replica: asyncio.sleep(0, not replica.store._alone))  # type: ignore[misc]
            await replica.store.aclose()
        client = three[0].store._apply_script.registered_client
        counted = int(await client.get(f"{three[0].store._prefix}k") or 0)
        assert counted == sum(replica.granted for replica in three)
