"""Constant load with faults and callers who leave: memory, tasks, file descriptors and threads must stay flat.

`python -m tests.chaos.soak --seconds 120` prints a reading ten times and the verdict. Server, client and upstream share
the process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

from frontdesk import Client, Completed, FrontdeskError

from tests.chaos.automaton import LifeCycle
from tests.chaos.faults import INJECTIONS
from tests.chaos.resources import Resources
from tests.service import pool_config, service
from tests.upstream import FaultyUpstream, Script, SeenRequest

_CALLS_PER_SECOND = 40
_FAULTY_SHARE = 0.3
_LEAVING_SHARE = 0.2
_HEALTHY = Script()
_FAULTS = [injection.script for injection in INJECTIONS if injection.script and injection.name != "enormous line"]
_WARM_UP_SHARE = 0.25
_IN_FLIGHT = 10
"""How far the calls in flight may move a median; a leak of one a call would be hundreds."""


@dataclass(slots=True)
class Soak:
    """What happened: how calls ended, and the readings taken at even intervals."""

    seconds: float
    ends: Counter[str] = field(default_factory=Counter)
    readings: list[Resources] = field(default_factory=list)

    def leaks(self) -> list[str]:
        """What grew between the first half and the second half of the readings, those of the warm-up left out."""
        warm = self.readings[int(len(self.readings) * _WARM_UP_SHARE) :]
        half = len(warm) // 2
        return _typical(warm[half:]).leaks(_typical(warm[:half]), slack=_IN_FLIGHT)

    def __str__(self) -> str:
        ends = ", ".join(f"{end} {count}" for end, count in self.ends.most_common())
        every = max(1, len(self.readings) // 10)
        lines = (f"  {reading}" for reading in self.readings[::every])
        return "\n".join([f"{self.ends.total()} calls in {self.seconds:g} s: {ends}", *lines])


def _typical(readings: Sequence[Resources]) -> Resources:
    return Resources(
        median(reading.rss_mib for reading in readings),
        int(median(reading.tasks for reading in readings)),
        int(median(reading.descriptors for reading in readings)),
        int(median(reading.threads for reading in readings)),
    )


async def soak(folder: Path, seconds: float, seed: int = 1) -> Soak:
    """Call at a constant rate; a fifth of the callers leave, the upstream misbehaves on a third of the requests."""
    random, result = Random(seed), Soak(seconds)
    async with FaultyUpstream(faults_of(random)) as upstream:
        config = pool_config(
            upstream.openai_url, ledger={"url": f"sqlite:///{folder}/ledger.db", "max_decisions": 2000}
        )
        for model in config["models"].values():
            model["timeouts"] = {"first_token_seconds": 0.3, "idle_seconds": 0.3, "total_seconds": 1}
        config["execution"] = {"retry": {"max_retries": 1, "base_ms": 5}, "breaker": {"open_seconds": 0.2}}
        async with service(config, folder) as (client, _), asyncio.TaskGroup() as callers:
            end = time.monotonic() + seconds
            next_reading = time.monotonic()
            while (now := time.monotonic()) < end:
                leave_after = random.uniform(0, 0.1) if random.random() < _LEAVING_SHARE else None
                callers.create_task(_call(client, result.ends, random.random() < 0.7, leave_after))
                if now >= next_reading:
                    next_reading += seconds / 40
                    upstream.requests.clear()
                    gc.collect()
                    result.readings.append(Resources.now())
                await asyncio.sleep(1 / _CALLS_PER_SECOND)
    return result


def faults_of(random: Random) -> Callable[[SeenRequest], Script]:
    """The upstream's scripts: a third of them misbehave."""
    return lambda _: random.choice(_FAULTS) if random.random() < _FAULTY_SHARE else _HEALTHY


async def _call(client: Client, ends: Counter[str], stream: bool, leave_after: float | None) -> None:
    """One caller; every stream follows the life cycle and is whole or says that it is not."""
    try:
        async with asyncio.timeout(leave_after):
            if stream:
                await _stream(client)
            else:
                await client.complete("What is 2 + 2?", timeout=10)
    except TimeoutError:
        ends["left"] += 1
    except FrontdeskError as error:
        ends[error.reason] += 1
    else:
        ends["OK"] += 1


async def _stream(client: Client) -> None:
    cycle, last = LifeCycle(), None
    async for event in client.stream_complete("What is 2 + 2?", timeout=10):
        cycle.take(event)
        last = event
    cycle.end()
    assert isinstance(last, Completed), last


async def _main(seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        result = await soak(Path(folder), seconds)
    print(result)
    leaks = result.leaks()
    print(f"grown: {', '.join(leaks) or 'nothing'}")
    return bool(leaks or result.ends["INTERNAL"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    raise SystemExit(asyncio.run(_main(parser.parse_args().seconds)))
