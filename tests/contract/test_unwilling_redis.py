"""Limits while Redis answers, but takes nothing: whatever the reason, it is gone, and nothing that was used is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import LimitsConfig, RedisConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.state.limits import Change, Hold, LimitStore, open_limit_store
from frontdesk_server.state.limits.redis_errors import is_gone
from frontdesk_server.state.redis import open_redis
from redis.asyncio import Redis
from redis.exceptions import DataError, OutOfMemoryError, ReadOnlyError, ResponseError

from tests.redis_server import find_redis, free_port, listening_redis

CLOCK = SystemClock()
END = CLOCK.now().timestamp() + 3600


@pytest.fixture
def redis_port(redis_url: str) -> Iterator[int]:
    program = find_redis()
    assert program is not None
    port = free_port()
    with listening_redis(program, port, "--port", str(port), "--lua-time-limit", "20"):
        yield port


@asynccontextmanager
async def set_to(admin: Redis, name: str, unwilling: str, usual: str) -> AsyncIterator[None]:
    await admin.config_set(name, unwilling)
    yield
    await admin.config_set(name, usual)


@asynccontextmanager
async def following(admin: Redis) -> AsyncIterator[None]:
    await admin.replicaof("127.0.0.1", "1")
    yield
    await admin.replicaof("NO", "ONE")


@asynccontextmanager
async def unsaved(admin: Redis) -> AsyncIterator[None]:
    """Its snapshots fail, since a folder stands where they are to be."""
    place = Path(str((await admin.config_get("dir"))["dir"])) / "dump.rdb"
    place.mkdir()
    await admin.config_set("save", "3600 1")
    await admin.bgsave()
    while (await admin.info("persistence"))["rdb_last_bgsave_status"] != "err":
        await asyncio.sleep(0.02)
    yield
    await admin.config_set("save", "")
    place.rmdir()


@asynccontextmanager
async def computing(admin: Redis) -> AsyncIterator[None]:
    """Somebody else's script goes on for ever."""
    async with Redis(port=admin.connection_pool.connection_kwargs["port"]) as other:
        script = asyncio.ensure_future(other.eval("while true do end", 0))
        await asyncio.sleep(0.1)
        yield
        await admin.script_kill()
        with pytest.raises(ResponseError):
            await script


@pytest.mark.parametrize(
    "unwilling",
    [
        pytest.param(following, id="a replica"),
        pytest.param(lambda admin: set_to(admin, "maxmemory", "1", "0"), id="full"),
        pytest.param(lambda admin: set_to(admin, "min-replicas-to-write", "1", "0"), id="without its replicas"),
        pytest.param(unsaved, id="without its disk"),
        pytest.param(computing, id="busy"),
    ],
)
@pytest.mark.parametrize("when_unavailable", ["share", "refuse"])
async def test_nothing_that_was_used_is_lost_while_redis_takes_nothing(
    redis_port: int,
    when_unavailable: str,
    unwilling: Callable[[Redis], AbstractAsyncContextManager[None]],
) -> None:
    async with Redis(port=redis_port) as admin, limits(redis_port, when_unavailable) as (store, gone_seconds):
        assert await store.reserve([Hold("k", 40, 1000, END)]) is None
        async with unwilling(admin):
            for _ in range(3):
                store.change([Change("k", -10, END)])
                await until(lambda: gone_seconds() > 0)
        await until(lambda: gone_seconds() == 0)
        assert await store.values(["k"]) == [10]


@asynccontextmanager
async def limits(port: int, when_unavailable: str) -> AsyncIterator[tuple[LimitStore, Callable[[], float]]]:
    seen: dict[str, Callable[[], float]] = {}

    class Monitor:
        def watch_redis(self, use: str, gone_seconds: Callable[[], float]) -> None:
            seen[use] = gone_seconds

    config = RedisConfig(url=Secret(f"redis://127.0.0.1:{port}"), prefix=uuid4().hex)
    rules = LimitsConfig.model_validate({"store": "redis", "when_unavailable": when_unavailable})
    async with (
        open_redis(config, "test", Monitor()) as redis,
        open_limit_store(rules, redis, CLOCK, "test") as store,
    ):
        yield store, seen["limits"]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


SCRIPT = "Error running script (call to f_0): @user_script:66: @user_script: 66: "


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (ReadOnlyError("You can't write against a read only replica."), True),
        (OutOfMemoryError("command not allowed"), True),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), True),
        (ResponseError("BUSY Redis is busy running a script."), True),
        (ResponseError(f"{SCRIPT}-READONLY You can't write against a read only replica."), True),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), False),
        (ResponseError(f"{SCRIPT}-WRONGTYPE Operation against a key holding the wrong kind of value"), False),
        (ResponseError(f"{SCRIPT}-ERR value is not an integer or out of range"), False),
        (ResponseError(f"{SCRIPT}attempt to compare nil with number"), False),
        (ResponseError("STALE batch"), False),
        (DataError("Invalid input of type"), False),
        (ValueError(), False),
    ],
    ids=str,
)
def test_errors_of_redis_are_told_from_those_of_what_it_was_asked(error: Exception, gone: bool) -> None:
    assert is_gone(error) is gone
