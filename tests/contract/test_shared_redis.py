"""What machines share through Redis beside limits, and what each does while Redis does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import RedisConfig
from frontdesk_server.config.service import BreakerConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.execution.breaker import BreakerState
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.shared_breakers import shared_breakers
from frontdesk_server.routing.strategies.llm_answers import Reading
from frontdesk_server.routing.strategies.llm_cache import AnswerCache
from frontdesk_server.state.affinity.memory import MemoryAffinity
from frontdesk_server.state.affinity.redis import RedisAffinity
from frontdesk_server.state.notices import RedisNotices
from frontdesk_server.state.redis import RedisGone, SharedRedis, build_redis, open_redis
from frontdesk_server.state.remembered import RedisRemembered
from redis.asyncio import Redis

from tests.certificates import Authority
from tests.cuttable import cuttable
from tests.redis_server import find_redis, free_port, listening_redis, running_sentinel

CLOCK = SystemClock()
DEPLOYMENT = Deployment("fake", "small")
MODEL = Model("small", (DEPLOYMENT,), 8192)


@pytest.fixture
def redis_program(redis_url: str) -> Path:
    program = find_redis()
    assert program is not None
    return program


@asynccontextmanager
async def redis_at(url: str, prefix: str = "", timeout_ms: float = 2000) -> AsyncIterator[SharedRedis]:
    config = RedisConfig(url=Secret(url), prefix=prefix or uuid4().hex, timeout_ms=timeout_ms)
    async with open_redis(config, "test") as redis:
        assert redis is not None
        yield redis


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def machine(url: str, prefix: str) -> AsyncIterator[LiveConditions]:
    conditions = LiveConditions(BreakerConfig(min_calls=2, open_seconds=30, store="redis"), CLOCK)
    async with redis_at(url, prefix) as redis:
        notices = RedisNotices(redis, CLOCK)
        async with shared_breakers(conditions, notices):
            yield conditions
        await notices.aclose()


def fail(conditions: LiveConditions, times: int = 2) -> None:
    for _ in range(times):
        permit = conditions.breaker(MODEL, DEPLOYMENT).acquire()
        assert permit is not None
        permit.failed()


async def test_a_breaker_that_opens_opens_those_of_others_and_its_probe_lets_them_probe(redis_url: str) -> None:
    prefix = uuid4().hex
    async with machine(redis_url, prefix) as one, machine(redis_url, prefix) as other:
        heard = other.breaker(MODEL, DEPLOYMENT)
        fail(one)
        await until(lambda: heard.state is BreakerState.OPEN)
        assert 20 < heard.retry_after_seconds <= 30
        own = one.breaker(MODEL, DEPLOYMENT)
        own._opened_at = CLOCK.monotonic() - 31
        probe = own.acquire()
        assert probe is not None
        probe.succeeded()
        await until(lambda: heard.state is BreakerState.HALF_OPEN)


async def test_what_a_router_llm_answered_one_machine_another_does_not_ask_again(redis_url: str) -> None:
    prefix = uuid4().hex
    async with redis_at(redis_url, prefix) as one, redis_at(redis_url, prefix) as other:
        first, second = RedisRemembered(one), RedisRemembered(other)
        AnswerCache("m", 10, 60, CLOCK, first).put("which?", Reading("small", {"small": 0.9}))
        await first.aclose()
        assert await AnswerCache("m", 10, 60, CLOCK, second).get("which?") == Reading("small", {"small": 0.9})
        assert await AnswerCache("another", 10, 60, CLOCK, second).get("which?") is None
        await other.client.set(f"{prefix}:answer:{AnswerCache('m', 1, 1, CLOCK)._key('odd?')}", b"no JSON")
        assert await AnswerCache("m", 10, 60, CLOCK, second).get("odd?") is None


async def test_while_redis_does_not_answer_nobody_waits_for_it_and_own_conversations_are_known(redis_url: str) -> None:
    async with (
        cuttable(redis_url.removeprefix("unix://")) as proxy,
        redis_at(f"redis://{proxy.address}", timeout_ms=300) as redis,
    ):
        affinity = RedisAffinity(redis, 60, MemoryAffinity(10, 60, CLOCK))
        affinity.remember(["a"], "small")
        await affinity.aclose()
        proxy.turn("silent")
        started = CLOCK.monotonic()
        assert {await affinity.model("a") for _ in range(1000)} == {"small"}
        assert CLOCK.monotonic() - started < 5, "one wait for an answer, and one command each half second"
        proxy.turn("through")
        affinity.remember(["b"], "large")
        await until(lambda: _is_back(redis))
        assert await affinity.model("a") == "small"
        assert await affinity.model("b") == "large", "lost in Redis, but this process knows"


async def test_who_is_cancelled_while_redis_answers_is_cancelled(redis_url: str) -> None:
    async def asks_for_ever(redis: SharedRedis) -> None:
        while True:
            await redis.ask(redis.client.ping)

    async with redis_at(redis_url) as redis:
        for pause in range(60):
            asking = asyncio.create_task(asks_for_ever(redis))
            await asyncio.sleep(pause / 10_000)
            asking.cancel()
            done, _ = await asyncio.wait([asking], timeout=5)
            assert done, "it was swallowed"
            assert asking.cancelled()


async def _is_back(redis: SharedRedis) -> bool:
    try:
        return bool(await redis.ask(redis.client.ping))
    except RedisGone:
        return False


async def test_sentinels_tell_where_redis_is_and_a_failover_is_followed(redis_program: Path) -> None:
    first, second = free_port(), free_port()
    of_first = ("--replicaof", "127.0.0.1", str(first))
    with (
        listening_redis(redis_program, first, "--port", str(first)) as master,
        listening_redis(redis_program, second, "--port", str(second), *of_first),
        running_sentinel(redis_program, first) as sentinel,
    ):
        async with redis_at(f"redis+sentinel://127.0.0.1:{sentinel}/front/0", "p", timeout_ms=1000) as redis:
            await until(lambda: written(redis))
            watching = Redis(host="127.0.0.1", port=sentinel)
            await until(lambda: knows_a_replica(watching))
            await watching.aclose()
            master.kill()
            await until(lambda: written(redis))
        async with redis_at(f"redis://127.0.0.1:{second}", "p") as promoted:
            assert await promoted.client.get("p:k") == b"1"


async def written(redis: SharedRedis) -> bool:
    try:
        return bool(await redis.ask(lambda: redis.client.set("p:k", "1")))
    except RedisGone:
        return False


async def knows_a_replica(sentinel: Redis) -> bool:
    known = await sentinel.execute_command("SENTINEL", "REPLICAS", "front")  # type: ignore[no-untyped-call]  # redis-py's
    return len(known) == 1


async def test_redis_is_reached_by_tls_and_its_certificate_is_looked_at(redis_program: Path, tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority()
    pem = authority.issue("redis")
    files = {"server.pem": pem.certificate, "key.pem": pem.key, "ca.pem": authority.pem, "other.pem": stranger.pem}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    port, place = free_port(), str(tmp_path)
    options = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", f"{place}/server.pem", "--tls-key-file", f"{place}/key.pem"]
    try:
        stack = ExitStack()
        stack.enter_context(listening_redis(redis_program, port, *options, "--tls-ca-cert-file", f"{place}/ca.pem"))
    except RuntimeError:
        pytest.skip("this redis-server was built without TLS")
    with stack:
        async with redis_at(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={place}/ca.pem") as redis:
            assert await written(redis)
        async with redis_at(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={place}/other.pem") as redis:
            assert not await written(redis)


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:secret@a:26379,b/front",
        "rediss+sentinel://a,b:1,[::1]:2/front/3?ssl_ca_certs=/ca.pem&sentinel_password=other",
    ],
)
def test_addresses_of_sentinels_are_read(url: str) -> None:
    redis = build_redis(RedisConfig(url=Secret(url)), "test")
    assert redis is not None
    assert "secret" not in repr(redis)
