"""Affinity that many machines share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import AffinityStoreConfig, RedisConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.state.affinity import open_affinity
from frontdesk_server.state.redis import open_redis


async def test_what_one_machine_remembers_another_knows_until_it_rests(redis_url: str) -> None:
    config = RedisConfig(url=Secret(redis_url), prefix=uuid4().hex)
    store = AffinityStoreConfig(store="redis", idle_seconds=0.2)
    async with open_redis(config, "test") as one, open_redis(config, "test") as other:
        async with open_affinity(store, one, SystemClock()) as affinity:
            affinity.remember(["a", "b"], "mid")
        async with open_affinity(store, other, SystemClock()) as affinity:
            assert [await affinity.model(key) for key in "abc"] == ["mid", "mid", None]
            async with asyncio.timeout(5):
                while await affinity.model("a") is not None:
                    await asyncio.sleep(0.02)


async def test_without_redis_no_conversation_is_known_and_no_call_fails(tmp_path: Path) -> None:
    config = RedisConfig(url=Secret(f"unix://{tmp_path}/nobody.sock"))
    async with (
        open_redis(config, "test") as redis,
        open_affinity(AffinityStoreConfig(store="redis"), redis, SystemClock()) as affinity,
    ):
        affinity.remember(["a"], "mid")
        assert await affinity.model("a") == "mid", "this process has served it"
        assert await affinity.model("b") is None


async def test_an_address_that_is_none_of_redis_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"redis\.url"):
        async with open_redis(RedisConfig(url=Secret("redis://localhost:99999/0")), "test.yaml"):
            pass
