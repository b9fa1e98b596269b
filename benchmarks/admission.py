"""What overload does: how fast callers past the limits are refused, and what it costs those who were admitted.

A server of its own admits so many completions and lets none wait. First as many callers as may run ask it alone, then
ten times as many, who come back when they were told to; both in one run, on the simulated pool, whose answers always
take the same time.

Usage: python -m benchmarks.admission [--running 20] [--seconds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
import yaml
from frontdesk import Client, FrontdeskError
from frontdesk_server.config.loading import default_config_path

from benchmarks.harness.contenders import frontdesk_command
from benchmarks.harness.machine import cores
from benchmarks.harness.processes import free_port, serving

QUERY = "What is 2 + 2?"


async def ask_for(client: Client, seconds: float, accepted: list[float], refused: list[float]) -> None:
    """Ask again and again; note the milliseconds of every answer and of every refusal."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        try:
            await client.complete(QUERY, timeout=30)
        except FrontdeskError as error:
            if error.reason != "OVERLOADED" or error.retry_after_seconds is None:
                raise
            refused.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(error.retry_after_seconds)
        else:
            accepted.append((time.perf_counter() - started) * 1000)


async def measure(port: int, running: int, seconds: float) -> dict[str, Sequence[float]]:
    """Milliseconds of answers alone, of answers under overload, and of refusals."""
    alone: list[float] = []
    accepted: list[float] = []
    refused: list[float] = []
    async with Client(f"127.0.0.1:{port}") as client:
        await asyncio.gather(*(ask_for(client, seconds, alone, refused) for _ in range(running)))
        refused.clear()
        await asyncio.gather(*(ask_for(client, seconds, accepted, refused) for _ in range(10 * running)))
    return {"answers, callers as many as may run": alone, "answers, ten times as many": accepted, "refusals": refused}


def main() -> None:
    """Start the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--running", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    config = yaml.safe_load(default_config_path().read_text())
    config["execution"] = {"admission": {"max_running": options.running, "max_waiting": 0}}
    config["ledger"] = {"url": ""}
    with tempfile.TemporaryDirectory() as folder:
        path, port = Path(folder) / "frontdesk.yaml", free_port()
        path.write_text(yaml.safe_dump(config))
        command, log = frontdesk_command(path, port), Path(folder) / "frontdesk.log"
        with serving("frontdesk", command, port, cores=cores().server, log=log):
            results = uvloop.run(measure(port, options.running, options.seconds))
    print(f"{'milliseconds':<40}{'count':>8}{'p50':>9}{'p99':>9}")
    for name, taken in results.items():
        p99 = statistics.quantiles(taken, n=100)[98]
        print(f"{name:<40}{len(taken):>8}{statistics.median(taken):>9.2f}{p99:>9.2f}")


if __name__ == "__main__":
    main()
