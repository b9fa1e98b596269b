"""Callers who go away: how soon the upstream hears of it, and whether anything is left behind.

`python -m tests.chaos.cancellation --calls 10000` measures both and prints the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from frontdesk import Client, FrontdeskError, TextDelta
from frontdesk_server.artefacts.cascade.artefact import save_cascade

from tests.chaos.resources import Resources
from tests.fitted import a_fitted_cascade, asks
from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script, SeenRequest

QUERY = "What is 2 + 2?"
_HANG = Script(Fault.HANG_BEFORE_HEADERS)
_HANG_AFTER_TWO = Script(Fault.HANG)
_HEALTHY = Script()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who hangs while the caller leaves. `requests` is how many calls the upstream then has open."""

    name: str
    stream: bool
    strategy: dict[str, Any]
    hanging: Callable[[SeenRequest], Script]
    open_calls: int = 1
    requests: int = 1
    after_text: bool = False


def _only(model: str, script: Script) -> Callable[[SeenRequest], Script]:
    return lambda request: script if request.body["model"] == model else _HEALTHY


def _everyone(script: Script) -> Callable[[SeenRequest], Script]:
    return lambda _: script


_SMALL = {"kind": "model", "model": "small"}
_LLM = {"kind": "llm", "model": "frontier", "options": {"small": "easy", "mid": "hard"}, "timeout_ms": 20_000}


def _cascade(check: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "cascade", "steps": [{"model": "small", "check": check}, {"model": "mid"}]}


_VERIFIER = _cascade({"kind": "verifier", "model": "frontier"})
_AGREEMENT = _cascade({"kind": "agreement", "model": "frontier", "samples": 2})

SCENARIOS = (
    Scenario("unary, before the first byte", False, _SMALL, _everyone(_HANG)),
    Scenario("unary, in the middle of the body", False, _SMALL, _everyone(_HANG_AFTER_TWO)),
    Scenario("stream, before the headers", True, _SMALL, _everyone(_HANG)),
    Scenario("stream, before the first token", True, _SMALL, _everyone(Script(Fault.HANG, after_tokens=0))),
    Scenario("stream, after the first token", True, _SMALL, _everyone(_HANG_AFTER_TWO), after_text=True),
    Scenario("router LLM, unary", False, _LLM, _only("frontier", _HANG)),
    Scenario("router LLM, stream", True, _LLM, _only("frontier", _HANG)),
    Scenario("verifier, unary", False, _VERIFIER, _only("frontier", _HANG), requests=2),
    Scenario("verifier, stream", True, _VERIFIER, _only("frontier", _HANG), requests=2),
    Scenario("agreement, unary", False, _AGREEMENT, _everyone(_HANG), open_calls=3, requests=3),
    Scenario("agreement, stream", True, _AGREEMENT, _everyone(_HANG), open_calls=3, requests=3),
)

_PANEL = {"kind": "cascade", "artefact": "fitted"}
PANELS = (
    Scenario("fitted cascade, second member, unary", False, _PANEL, _only("mid", _HANG), requests=2),
    Scenario("fitted cascade, second member, stream", True, _PANEL, _only("mid", _HANG), requests=2),
)
"""The first member's answer is held while the second one hangs."""


@asynccontextmanager
async def prepared(scenario: Scenario, folder: Path) -> AsyncIterator[tuple[Client, FaultyUpstream]]:
    """The service with the scenario's router over an upstream that hangs as it says."""
    save_cascade(a_fitted_cascade(asks("small"), asks("mid")), folder / "fitted")
    async with FaultyUpstream(scenario.hanging) as upstream:
        config = pool_config(upstream.openai_url, ledger={"url": f"sqlite:///{folder}/ledger.db"})
        config["routers"]["default"] |= {"strategy": scenario.strategy, "strategy_timeout_ms": 20_000}
        async with service(config, folder) as (client, _):
            yield client, upstream


async def leave(client: Client, upstream: FaultyUpstream, scenario: Scenario) -> tuple[list[float], str]:
    """Call, leave once the upstream hangs; the seconds until it saw each abort, and the completion's id."""
    upstream.requests.clear()
    completion_id = ""
    if scenario.stream:
        stream = client.stream_complete(QUERY)
        reading = asyncio.create_task(_read(stream.__aiter__(), until_text=scenario.after_text))
        await _hanging(upstream, scenario)
        if scenario.after_text:
            await reading
        left = time.perf_counter()
        stream.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        completion_id = stream.partial.completion_id
    else:
        call = asyncio.create_task(client.complete(QUERY))
        await _hanging(upstream, scenario)
        left = time.perf_counter()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    seconds = []
    async with asyncio.timeout(5):
        for request in upstream.requests[-scenario.open_calls :]:
            await request.aborted.wait()
            assert request.aborted_at is not None
            seconds.append(request.aborted_at - left)
    return seconds, completion_id


async def _hanging(upstream: FaultyUpstream, scenario: Scenario) -> None:
    async with asyncio.timeout(10):
        for index in range(scenario.requests):
            await (await upstream.request(index)).progressed.wait()


async def _read(events: AsyncIterator[Any], *, until_text: bool) -> None:
    try:
        async for event in events:
            if until_text and isinstance(event, TextDelta):
                return
    except FrontdeskError:
        pass  # the call was cancelled, as it is to be


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the caller's leaving to the upstream's seeing the abort."""

    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """The quantiles of at least two measurements."""
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(cuts[49], cuts[98], max(seconds))

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms, longest {self.longest * 1000:.1f} ms"


async def latency(scenario: Scenario, folder: Path, times: int) -> Latency:
    """How soon the upstream hears of it, one caller at a time; the first call warms up."""
    async with prepared(scenario, folder) as (client, upstream):
        await leave(client, upstream, scenario)
        seconds = [each for _ in range(times) for each in (await leave(client, upstream, scenario))[0]]
    return Latency.of(seconds)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What the process held before and after many cancelled calls, everything settled."""

    calls: int
    before: Resources
    after: Resources

    def __str__(self) -> str:
        return f"{self.calls} calls cancelled\n  before: {self.before}\n  after:  {self.after}"


async def cancel_many(folder: Path, calls: int, at_once: int = 16, warm_up_calls: int = 200) -> Leftovers:
    """Cancel calls in every stage of a stream and of a unary call; server, client and upstream share this process."""
    scenario = SCENARIOS[4]
    async with prepared(scenario, folder) as (client, upstream):

        async def caller(share: int, number: int) -> None:
            for index in range(share):
                delay = 0.001 * ((index * 7 + number * 3) % 40)  # before routing to long after the first token
                call: asyncio.Task[Any]
                if (index + number) % 2:
                    call = asyncio.create_task(client.complete(QUERY))
                else:
                    call = asyncio.create_task(client.stream_complete(QUERY).completion())
                await asyncio.sleep(delay)
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
                upstream.requests.clear()

        async def settled(total: int) -> Resources:
            async with asyncio.TaskGroup() as callers:
                for number in range(at_once):
                    callers.create_task(caller(total // at_once, number))
            async with asyncio.timeout(10):
                while upstream.running_requests:
                    await asyncio.sleep(0.01)
                await at_rest()
            gc.collect()
            return Resources.now()

        before = await settled(warm_up_calls)
        return Leftovers(calls, before, await settled(calls))


async def at_rest() -> None:
    """Wait until calls have unwound: no task has ended for a while."""
    tasks, quiet = len(asyncio.all_tasks()), 0
    while quiet < 10:
        await asyncio.sleep(0.05)
        now = len(asyncio.all_tasks())
        quiet = quiet + 1 if now >= tasks else 0
        tasks = now


async def _main(calls: int, times: int) -> int:
    late = 0
    for scenario in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            measured = await latency(scenario, Path(folder), times)
            late += measured.p99 > 0.1
            print(f"{scenario.name:35} {measured}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        leftovers = await cancel_many(Path(folder), calls)
    print(leftovers)
    leaked = leftovers.after.leaks(leftovers.before)
    print(f"leaked: {', '.join(leaked) or 'nothing'}")
    return bool(late or leaked)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=200)
    chosen = parser.parse_args()
    raise SystemExit(asyncio.run(_main(chosen.calls, chosen.times)))
