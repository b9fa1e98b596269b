"""Hours of mixed load on one worker: memory within 5 %, descriptors, tasks and threads flat, retention at work.

`python -m tests.chaos.long_soak --seconds 7200` serves in this process; callers and the upstream, which misbehaves on
a third of what it is asked, are in others. A call of each kind comes in turn: Route, Complete, StreamComplete, a
report, a look-up, OpenAI's API over HTTP; a tenth of the callers leave. Prints a reading every twentieth of the time,
then what an idle connection and an open stream take of a fresh process's memory, and the verdict.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import httpx
import yaml
from frontdesk import Client, FrontdeskError
from frontdesk_server.assembly.app import open_fronts
from frontdesk_server.assembly.fronts import listening_at
from frontdesk_server.config.loading import load_config

from tests.chaos.resources import Resources
from tests.chaos.soak import faults_of
from tests.service import pool_config
from tests.upstream import FaultyUpstream, Script

_KEPT = 5_000
_LEAVING_SHARE = 0.1
_READINGS = 20
_WARM_UP = 5
"""Readings that do not count: caches and pools fill."""
_MEMORY_SHARE = 0.05
_SLACK = 12
"""How far calls in flight may move a median of tasks, descriptors or threads."""
_IDLE = 500
_STREAMS = 200
_SLOW = Script(tokens=("word ",) * 100, interval_seconds=0.5)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the process holds, and how many decisions its ledger."""

    resources: Resources
    decisions: int

    def __str__(self) -> str:
        return f"{self.resources}, {self.decisions} decisions"


def config_for(upstream: str, folder: Path) -> dict[str, Any]:
    """The pool with its ledger bounded, and patience that a caller of the soak can have."""
    ledger = {"url": f"sqlite:///{folder}/ledger.db", "max_decisions": _KEPT}
    config = pool_config(upstream, ledger=ledger, server={"http": {"address": "127.0.0.1:0"}})
    for model in config["models"].values():
        model["timeouts"] = {"first_token_seconds": 2, "idle_seconds": 2, "total_seconds": 60}
    config["execution"] = {"retry": {"max_retries": 1, "base_ms": 5}, "breaker": {"open_seconds": 0.5}}
    return config


async def soak(seconds: float, calls_per_second: float) -> tuple[list[Reading], Counter[str]]:
    """Serve under load; the readings, and how calls ended."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with _child("upstream") as upstream, _serving(upstream.told["url"], folder) as addresses:
            readings: list[Reading] = []
            options = ["--seconds", str(seconds), "--calls-per-second", str(calls_per_second), *addresses]
            async with _child("load", *options) as load:
                for _ in range(_READINGS):
                    await asyncio.sleep(seconds / _READINGS)
                    gc.collect()
                    readings.append(Reading(Resources.now(), _decisions(folder)))
                    print(f"  {readings[-1]}", flush=True)
                ends = Counter(await load.finished())
    return readings, ends


async def _be_measured() -> None:
    """Tell how many KiB of a fresh process an idle connection takes, and an open stream with its connection."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with _child("upstream") as upstream, _serving(upstream.told["url"], folder) as addresses:
            _tell(**await _sizes(addresses[0]))


async def _sizes(address: str) -> dict[str, float]:
    found = {}
    for what, count in (("connection", _IDLE), ("stream", _STREAMS)):
        gc.collect()
        before = Resources.now().rss_mib
        async with _child("hold", what, str(count), address) as holding:
            gc.collect()
            found[what] = (Resources.now().rss_mib - before) * 1024 / holding.told["held"]
        await asyncio.sleep(2)  # connections end, and what they held is free for the next
    return found


def verdict(readings: list[Reading]) -> list[str]:
    """What is not flat between the first and the last third after the warm-up."""
    warm = readings[_WARM_UP:]
    third = len(warm) // 3
    first, last = [one.resources for one in warm[:third]], [one.resources for one in warm[-third:]]
    grown = [
        name
        for name in ("tasks", "descriptors", "threads")
        if median(getattr(one, name) for one in last) > median(getattr(one, name) for one in first) + _SLACK
    ]
    before, after = (median(one.rss_mib for one in part) for part in (first, last))
    print(f"memory: {before:.1f} MiB, then {after:.1f} MiB: {100 * (after / before - 1):+.1f} %")
    if after > before * (1 + _MEMORY_SHARE):
        grown.append("memory")
    if readings[-1].decisions > 2 * _KEPT:
        grown.append("ledger")
    return grown


def _decisions(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])


@contextlib.asynccontextmanager
async def _serving(upstream: str, folder: Path) -> AsyncIterator[list[str]]:
    path = folder / "frontdesk.yaml"
    path.write_text(yaml.safe_dump(config_for(upstream, folder)))
    loaded = listening_at(load_config(path, {}), "127.0.0.1:0")
    async with open_fronts(loaded) as fronts:
        assert fronts.http is not None
        yield [fronts.rpc.address, fronts.http.url]


class _Child:
    """Another process of this module's, which tells one line of JSON when it is ready, and one at its end."""

    def __init__(self, process: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        self._process = process
        self.told = told

    async def finished(self) -> dict[str, Any]:
        """What it tells at its end."""
        assert self._process.stdout is not None
        return dict(json.loads(await self._process.stdout.readline()))


@contextlib.asynccontextmanager
async def _child(role: str, *arguments: str) -> AsyncIterator[_Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.long_soak", "--role", role, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield _Child(process, json.loads(await process.stdout.readline()))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


# What follows runs in the other processes.


def _tell(**values: object) -> None:
    print(json.dumps(values), flush=True)


async def _be_upstream() -> None:
    random = Random(1)
    misbehaving = faults_of(random)
    async with FaultyUpstream(lambda seen: _SLOW if "slowly" in str(seen.body) else misbehaving(seen)) as upstream:
        _tell(url=upstream.openai_url)
        while True:
            await asyncio.sleep(5)
            upstream.requests.clear()


async def _be_load(seconds: float, calls_per_second: float, address: str, url: str) -> None:
    random, ends, decided = Random(2), Counter[str](), [""]
    async with Client(address) as client, httpx.AsyncClient(base_url=url, timeout=10) as http:

        async def call(kind: int) -> None:
            try:
                async with asyncio.timeout(random.uniform(0, 0.1) if random.random() < _LEAVING_SHARE else 20):
                    await one_call(kind)
            except TimeoutError:
                ends["left"] += 1
            except FrontdeskError as error:
                ends[error.reason] += 1
            except httpx.HTTPError as error:
                ends[type(error).__name__] += 1
            else:
                ends["OK"] += 1

        async def one_call(kind: int) -> None:
            match kind % 6:
                case 0:
                    decided[0] = (await client.route("What is 2 + 2?", timeout=10)).decision_id
                case 1:
                    await client.complete("What is 2 + 2?", timeout=10)
                case 2:
                    async for _ in client.stream_complete("Tell a story", timeout=10):
                        pass
                case 3:
                    await client.report_outcome(decided[0], quality=0.5, source="soak", timeout=10)
                case 4:
                    await client.get_decision(decided[0], timeout=10)
                case _:
                    body = {"model": "default", "messages": [{"role": "user", "content": "hi"}], "stream": True}
                    await http.post("/v1/chat/completions", json=body)

        _tell(ready=True)
        started, made = time.monotonic(), 0
        async with asyncio.TaskGroup() as callers:
            while (passed := time.monotonic() - started) < seconds:
                for kind in range(made, int(passed * calls_per_second)):
                    callers.create_task(call(kind))
                made = int(passed * calls_per_second)
                await asyncio.sleep(0.02)
    _tell(**ends)


async def _hold(what: str, count: int, address: str) -> None:
    """Hold so many connections that have had one call, or so many streams, on one connection each."""
    async with contextlib.AsyncExitStack() as stack:
        held = 0
        for _ in range(count):
            client = await stack.enter_async_context(Client(address, options={"grpc.use_local_subchannel_pool": 1}))
            if what == "connection":
                await client.list_models(timeout=10)
            else:
                stream = await stack.enter_async_context(client.stream_complete("slowly, please", timeout=120))
                await anext(stream)
            held += 1
        _tell(held=held)
        await asyncio.sleep(60)


def main() -> int:
    """Soak, and tell what is not flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--calls-per-second", type=float, default=10)
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    match arguments.role:
        case "upstream":
            asyncio.run(_be_upstream())
        case "load":
            asyncio.run(_be_load(arguments.seconds, arguments.calls_per_second, *arguments.rest))
        case "measured":
            asyncio.run(_be_measured())
        case "hold":
            asyncio.run(_hold(arguments.rest[0], int(arguments.rest[1]), arguments.rest[2]))
        case _:
            measured = [sys.executable, "-m", "tests.chaos.long_soak", "--role", "measured"]
            sizes = json.loads(subprocess.run(measured, check=True, stdout=subprocess.PIPE, timeout=600).stdout)
            readings, ends = asyncio.run(soak(arguments.seconds, arguments.calls_per_second))
            print(f"{ends.total()} calls: {', '.join(f'{end} {count}' for end, count in ends.most_common())}")
            print(f"an idle connection takes {sizes['connection']:.0f} KiB, an open stream {sizes['stream']:.0f} KiB")
            grown = verdict(readings)
            print(f"grown: {', '.join(grown) or 'nothing'}")
            return bool(grown or ends["INTERNAL"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
