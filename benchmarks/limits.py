"""How exactly budgets hold, and how quickly they refuse, with many concurrent callers in several processes.

Callers call until the budget refuses them ten times in a row; each call takes a quarter of a second on average and
uses a random part of what it had reserved. Prints what was spent of the budget, and how long reserving and refusing
took; with Redis also what one script that does nothing takes meanwhile, from the same processes by a connection of its
own: less than that no answer of Redis can take.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from frontdesk_server.config.base import Secret
from frontdesk_server.config.limits import LimitRule, LimitsConfig, RedisConfig
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.decision import Decision, PlanStep, RoutedQuery, StepKind
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.query import GenerationConfig, text_query
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.usage import Usage
from frontdesk_server.state.limits import Limits, Reservation, Used, open_limit_store
from frontdesk_server.state.redis import SharedRedis, open_redis

from tests.redis_server import find_redis, running_redis

MODEL = Model("small", (Deployment("fake", "small"),), 8192, prices=Prices(200_000_000, 1_000_000_000))
INPUT_TOKENS = 400
OUTPUT_TOKENS = 200
BUDGET_USD = 0.2
BUDGET_NANO_USD = round(BUDGET_USD * 1e9)
CALL_SECONDS = 0.25
"""Of a call on average; callers come at random moments."""
REFUSALS_TO_STOP = 10
TIMEOUT_SECONDS = 300
BARE_EVERY_SECONDS = 0.02


@dataclass(slots=True)
class Tally:
    """What the callers of one process saw; durations in milliseconds."""

    spent_nano_usd: int = 0
    calls: int = 0
    refusals: int = 0
    reserving_ms: list[float] = field(default_factory=list)
    refusing_ms: list[float] = field(default_factory=list)
    bare_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one run."""

    store: str
    processes: int
    callers: int
    calls: int
    refusals: int
    budget_nano_usd: int
    spent_nano_usd: int
    overspent_nano_usd: int
    worst_call_nano_usd: int
    reserving_p50_ms: float
    reserving_p99_ms: float
    refusing_p50_ms: float
    refusing_p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float


def routed_query(caller: str) -> RoutedQuery:
    """A query of this caller, routed to the one model."""
    decision = Decision(
        decision_id="01J00000000000000000000000",
        model=MODEL.name,
        reason="",
        strategy="model",
        path=(),
        candidates=(),
        plan=(PlanStep(MODEL.name, StepKind.PRIMARY),),
        signals=Signals(text="hi", task=Task.CHAT, difficulty=0.1, input_tokens=INPUT_TOKENS),
        router="default",
        router_version="0" * 12,
        strongest_model=MODEL.name,
        decided_at=datetime.now(UTC),
        router_duration_seconds=0.0,
    )
    query = text_query("hi", GenerationConfig(max_output_tokens=OUTPUT_TOKENS))
    return RoutedQuery(query, RoutingPolicy(), decision, caller)


async def call_until_refused(limits: Limits, caller: str, random: Random, tally: Tally) -> None:
    """One caller: reserve, call, settle, until there is no room."""
    routed, in_a_row = routed_query(caller), 0
    await asyncio.sleep(random.uniform(0, 2 * CALL_SECONDS))
    while in_a_row < REFUSALS_TO_STOP:
        started = time.perf_counter()
        reserved = await limits.reserve(routed, MODEL, first=True)
        took_ms = (time.perf_counter() - started) * 1000
        if not isinstance(reserved, Reservation):
            in_a_row += 1
            tally.refusals += 1
            tally.refusing_ms.append(took_ms)
            await asyncio.sleep(random.uniform(0, 2 * CALL_SECONDS))
            continue
        in_a_row = 0
        tally.reserving_ms.append(took_ms)
        await asyncio.sleep(random.uniform(0, 2 * CALL_SECONDS))
        usage = Usage(random.randint(INPUT_TOKENS // 2, INPUT_TOKENS * 5 // 4), random.randint(1, OUTPUT_TOKENS))
        cost = MODEL.prices.cost_nano_usd(usage) if MODEL.prices else None
        reserved.settle(Used.of(usage, cost))
        tally.calls += 1
        tally.spent_nano_usd += cost or 0


async def call_bare(redis: SharedRedis, tally: Tally) -> None:
    """Run a script that does nothing, again and again."""
    script = redis.client.register_script("return 1")
    await script()
    while True:
        await asyncio.sleep(BARE_EVERY_SECONDS)
        started = time.perf_counter()
        await redis.ask(script)
        tally.bare_ms.append((time.perf_counter() - started) * 1000)


async def run_callers(store: str, place: str, callers: int, seed: int) -> Tally:
    """So many callers in this process, on one shared budget."""
    tally, clock = Tally(), SystemClock()
    rule = LimitRule(name="everyone", window="month", usd=BUDGET_USD)
    config = LimitsConfig.model_validate({"rules": [rule], "store": store, "path": place if store == "sqlite" else "-"})
    redis_config = RedisConfig(url=Secret(place), timeout_ms=5000) if store == "redis" else None
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(redis_config, "benchmark"))
        counters = await stack.enter_async_context(open_limit_store(config, redis, clock, "benchmark"))
        limits = Limits(config, counters, clock)
        bare = None if redis is None else asyncio.create_task(call_bare(redis, tally))
        async with asyncio.TaskGroup() as group:
            for index in range(callers):
                random = Random(seed * 100_000 + index)  # noqa: S311 - load, no secrets
                group.create_task(call_until_refused(limits, f"caller-{seed}-{index}", random, tally))
        if bare is not None:
            bare.cancel()
    return tally


def measure(store: str, place: str, processes: int, callers: int) -> Result:
    """Share the callers out over so many processes and add up what they saw."""
    share = callers // processes
    command = [
        sys.executable,
        "-m",
        "benchmarks.limits",
        "--store",
        store,
        "--place",
        place,
        "--callers",
        str(share),
        "--worker",
    ]
    workers = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in range(1, processes + 1)
    ]
    try:
        tallies = [Tally(**json.loads(worker.communicate(timeout=TIMEOUT_SECONDS)[0])) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    spent = sum(tally.spent_nano_usd for tally in tallies)
    reserving = sorted(ms for tally in tallies for ms in tally.reserving_ms)
    refusing = sorted(ms for tally in tallies for ms in tally.refusing_ms)
    bare = sorted(ms for tally in tallies for ms in tally.bare_ms)
    worst = MODEL.prices.cost_nano_usd(Usage(INPUT_TOKENS * 5 // 4, OUTPUT_TOKENS)) if MODEL.prices else None
    return Result(
        store=store,
        processes=processes,
        callers=share * processes,
        calls=sum(tally.calls for tally in tallies),
        refusals=sum(tally.refusals for tally in tallies),
        budget_nano_usd=BUDGET_NANO_USD,
        spent_nano_usd=spent,
        overspent_nano_usd=max(0, spent - BUDGET_NANO_USD),
        worst_call_nano_usd=worst or 0,
        reserving_p50_ms=quantile(reserving, 0.5),
        reserving_p99_ms=quantile(reserving, 0.99),
        refusing_p50_ms=quantile(refusing, 0.5),
        refusing_p99_ms=quantile(refusing, 0.99),
        bare_p50_ms=quantile(bare, 0.5),
        bare_p99_ms=quantile(bare, 0.99),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0


def describe(result: Result) -> str:
    """One line of the table."""
    used = 100 * result.spent_nano_usd / result.budget_nano_usd
    took = (
        (result.reserving_p50_ms, result.reserving_p99_ms),
        (result.refusing_p50_ms, result.refusing_p99_ms),
        (result.bare_p50_ms, result.bare_p99_ms),
    )
    return (
        f"{result.store:7} {result.processes:9} {result.callers:7} {result.calls:6} {result.refusals:8} {used:7.2f} % "
        f"{result.overspent_nano_usd:9} " + " ".join(f"{p50:9.2f} /{p99:7.2f}" for p50, p99 in took)
    )


HEADER = (
    "store   processes callers  calls refusals    spent overspent "
    "reserving p50/p99  refusing p50/p99  bare script, in ms"
)


def main() -> None:
    """Measure memory in one process, and the shared stores in three: Redis is a server of this run's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["memory", "sqlite", "redis"], help="default: all")
    parser.add_argument("--place", default="", help="file or URL of the store")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--callers", type=int, default=201, help="in all")
    parser.add_argument("--json", action="store_true", help="print figures only")
    parser.add_argument("--worker", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        tally = asyncio.run(run_callers(arguments.store, arguments.place, arguments.callers, arguments.worker))
        print(json.dumps(asdict(tally)))
        return
    with ExitStack() as stack:
        file = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "limits.db")
        plans = [("memory", "-", 1), ("sqlite", file, 1), ("sqlite", f"{file}.3", 3)]
        places = {"memory": "-", "sqlite": file}
        if (program := find_redis()) is not None:
            places["redis"] = stack.enter_context(running_redis(program))
            plans.append(("redis", places["redis"], 3))
        if arguments.store:
            plans = [(arguments.store, arguments.place or places[arguments.store], arguments.processes)]
        results = [measure(store, place, processes, arguments.callers) for store, place, processes in plans]
    if arguments.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    print(HEADER)
    for result in results:
        print(describe(result))


if __name__ == "__main__":
    main()
