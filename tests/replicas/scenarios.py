"""What happens to three replicas while they are called at a steady rate."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import PostgresServer
from tests.replicas.tally import Tally, tally
from tests.replicas.world import Call, World, world

ROOT = Path(__file__).parents[2]
FIRST_OF_PARTITIONS = "server/frontdesk_server/ledger/partitions.py"
SMALL_BUDGET_USD = 0.0008


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario plays. `pause_seconds` is how long it leaves everything alone between two events."""

    world: World
    postgres: PostgresServer
    pause_seconds: float
    outage_seconds: float
    folder: Path


Scenario = Callable[[Stage], Awaitable[None]]


async def nothing(stage: Stage) -> None:
    """Nothing happens."""
    await asyncio.sleep(stage.pause_seconds)


async def kill_and_restart(stage: Stage) -> None:
    """A replica's process is taken away, and started again."""
    victim = stage.world.replicas[0]
    victim.killed_at.append(time.time())
    await victim.kill()
    await asyncio.sleep(stage.pause_seconds)
    await victim.start()


async def cut_one_off(stage: Stage) -> None:
    """One replica's packets to Redis are lost while the budget runs out, and found again."""
    cut = stage.world.replicas[0].redis
    cut.turn("silent")
    await asyncio.sleep(2 * stage.pause_seconds)
    cut.turn("through")


async def lose_redis(stage: Stage) -> None:
    """No replica reaches Redis while the budget runs out."""
    for replica in stage.world.replicas:
        replica.redis.turn("closed")
    await asyncio.sleep(2 * stage.pause_seconds)
    for replica in stage.world.replicas:
        replica.redis.turn("through")


async def stop_postgres(stage: Stage) -> None:
    """PostgreSQL stops, and starts again."""
    await asyncio.to_thread(stage.postgres.stop)
    await asyncio.sleep(stage.outage_seconds)
    await asyncio.to_thread(stage.postgres.start)


async def roll_configuration(stage: Stage) -> None:
    """One replica after the other reads another configuration."""
    for replica in stage.world.replicas:
        router = {"default_model": "small", "strategy": {"kind": "model", "model": "small"}, "timeout_seconds": 60}
        replica.configure(stage.world.config(replica, routers={"default": router}))
        replica.reload()
        await asyncio.sleep(stage.pause_seconds / 2)


async def drain_and_restart(stage: Stage) -> None:
    """One replica after the other is asked to end, and started again."""
    for replica in stage.world.replicas:
        await replica.drain()
        await replica.start()
        await asyncio.sleep(stage.pause_seconds / 2)


async def roll_version(stage: Stage) -> None:
    """Replicas of the version before partitions and shares, each replaced by one of this; its configuration, too."""
    for replica in stage.world.replicas:
        await replica.drain()
        replica.configure(stage.world.config(replica))
        await replica.start()
        await asyncio.sleep(stage.pause_seconds)


SCENARIOS: dict[str, Scenario] = {
    "nothing happens": nothing,
    "kill a replica, and restart it": kill_and_restart,
    "cut one off from Redis while the budget runs out": cut_one_off,
    "cut all off from Redis while the budget runs out": lose_redis,
    "stop PostgreSQL": stop_postgres,
    "roll a configuration": roll_configuration,
    "drain and restart one after the other": drain_and_restart,
    "roll a version, old and new on one database": roll_version,
}


async def play(
    name: str, postgres: PostgresServer, redis_url: str, caller: Path, folder: Path, *, rate: float, brisk: bool = False
) -> tuple[Tally, Sequence[Call]]:
    """Play one scenario; `brisk` is for a test suite."""
    scenario = SCENARIOS[name]
    async with world(postgres, redis_url, folder) as the_world:
        if "budget" in name:
            the_world.budget_usd = SMALL_BUDGET_USD / (4 if brisk else 1)
        pause = 2.0 if brisk else 5.0
        stage = Stage(the_world, postgres, pause, 5.0 if brisk else 30.0, folder)
        if scenario is roll_version:
            await _start_older(stage)
        else:
            await the_world.start()
        async with the_world.calling(caller, rate) as calling:
            await asyncio.sleep(pause)
            await scenario(stage)
            await asyncio.sleep(pause)
            calls = await calling.finished()
        for replica in the_world.replicas:
            await replica.stop()
        return await tally(the_world, calls), calls


def older_version(folder: Path) -> Path | None:
    """The repository as it was before ledgers had partitions; None where its history is not there."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run(
        [*git, "log", "--diff-filter=A", "--format=%H", "-1", "--", FIRST_OF_PARTITIONS],
        capture_output=True,
        text=True,
        check=False,
    )
    target = folder / "older"
    target.mkdir()
    archive = subprocess.run(
        [*git, "archive", f"{found.stdout.strip()}~2", "server", "clients/python"], capture_output=True, check=False
    )
    if not found.stdout.strip() or archive.returncode:
        return None
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)
    return target


async def _start_older(stage: Stage) -> None:
    source = older_version(stage.folder)
    if source is None:
        raise LookupError("the history does not reach back to the older version")
    older = {
        "limits": {"store": "redis", "rules": [{"name": "all", "window": "month", "usd": stage.world.budget_usd}]},
        "execution": {},
    }
    await stage.world.start(source, **older)
