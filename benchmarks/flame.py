"""Flame graphs of `Route`, `Complete` and `StreamComplete` under load, and the functions that cost most, in µs a call.

py-spy samples whoever holds the interpreter's lock (GIL): that is Python's and Cython's work on the processor, and no
wait. A function's share of the samples, times the CPU that a call takes, is its cost. What is left is spent without the
lock: by the kernel, by gRPC's own threads, by SQLite while it writes. Writes METHOD.svg, METHOD.folded and METHOD.txt
into the folder of `--out`.

Usage: python -m benchmarks.flame [--methods Route,Complete] [--seconds 8] [--out .cache/flame]
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import contenders, queries
from benchmarks.harness.loaded import require_generators
from benchmarks.harness.machine import cores
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.harness.processes import ROOT

PY_SPY = ROOT / ".tools" / "py-spy" / "bin" / "py-spy"
METHODS = {
    "Route": (queries.route(), 64),
    "Complete": (queries.complete(), 16),
    "StreamComplete": (queries.stream(), 16),
}
_SAMPLES_A_SECOND = 250
_LINE = re.compile(r":\d+\)$")
_MARGIN = 2.5
"""Load lasts so many times as long as a recording, for a server under py-spy is slower and faster by turns."""


Costs = dict[str, float]
"""Microseconds a call by function."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Samples by stack, outermost function first, and the microseconds of CPU a call."""

    stacks: dict[tuple[str, ...], int]
    cpu_us: float
    locked: float
    """Share of that CPU with the interpreter's lock held."""

    def costs(self, functions: Callable[[tuple[str, ...]], Iterable[str]]) -> Costs:
        """Each stack's time for every function that is named for it."""
        costs: Costs = defaultdict(float)
        sample_us = self.cpu_us * self.locked / sum(self.stacks.values())
        for stack, count in self.stacks.items():
            for function in functions(stack):
                costs[function] += count * sample_us
        return costs

    def own(self) -> Costs:
        """In a function itself, C code that it calls included."""
        return self.costs(lambda stack: stack[-1:])

    def below(self) -> Costs:
        """In a function or anything that it calls."""
        return self.costs(set)


def main() -> None:
    """Record, draw, print the most expensive functions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seconds", type=int, default=8, help="of a recording")
    parser.add_argument("--out", type=Path, default=Path(".cache/flame"))
    options = parser.parse_args()
    require_generators()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers are ended in order, as after Ctrl-C
    if not PY_SPY.exists():
        sys.exit("py-spy is not installed: use make flame.")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="frontdesk-flame-") as place:
        bench = Bench(Path(place), cores(), seconds=options.seconds * _MARGIN)
        with (
            contenders.upstream(bench.cores, bench.folder) as upstream,
            contenders.frontdesk(bench.cores.all, contenders.url(upstream)) as server,
        ):
            for method in options.methods.split(","):
                asked, in_flight = METHODS[method]
                profile = record(bench, Contender(method, server, asked), in_flight, options.seconds, options.out)
                report(method, profile, options.out)


def record(bench: Bench, contender: Contender, in_flight: int, seconds: int, out: Path) -> Profile:
    """Load the server and count its CPU; then record it twice, for the picture and for the figures."""
    server = contender.server
    load = bench.prepared(contender, in_flight)
    cpu = server.cpu_seconds()
    calls = load().calls
    cpu_us = (server.cpu_seconds() - cpu) / calls * 1e6
    busy = 0.0
    for form, suffix in (("flamegraph", "svg"), ("raw", "folded")):
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(load)
            command = [PY_SPY, "record", "--pid", server.pid, "--duration", seconds, "--gil"]
            command += ["--rate", _SAMPLES_A_SECOND, "--format", form, "--output", out / f"{contender.name}.{suffix}"]
            cpu = server.cpu_seconds()
            subprocess.run([*map(str, command)], check=True, capture_output=True)
            busy = (server.cpu_seconds() - cpu) / seconds
            loading.result()
    stacks = _stacks(out / f"{contender.name}.folded")
    held = sum(stacks.values()) / (_SAMPLES_A_SECOND * seconds)
    return Profile(stacks, cpu_us, min(1.0, held / busy))


def _stacks(file: Path) -> dict[tuple[str, ...], int]:
    """py-spy's raw format: functions divided by semicolons, then the number of samples; lines without their numbers."""
    stacks: dict[tuple[str, ...], int] = defaultdict(int)
    for line in file.read_text().splitlines():
        functions, _, count = line.rpartition(" ")
        stacks[tuple(_LINE.sub(")", function) for function in functions.split(";"))] += int(count)
    return stacks


def report(method: str, profile: Profile, out: Path) -> None:
    """Print and keep the functions that cost most."""
    all_us = profile.cpu_us
    parts = [f"{method}: {all_us:.0f} µs of CPU a call, {profile.locked:.0%} of it with the interpreter's lock"]
    for title, costs, most in (
        ("In the function itself", profile.own(), 40),
        ("In the function and all that it calls", profile.below(), 100),
    ):
        ordered = sorted(costs.items(), key=lambda item: item[1], reverse=True)[:most]
        parts += ["", f"{title}, µs a call", *(f"{us:8.1f}  {us / all_us:6.1%}  {name}" for name, us in ordered)]
    text = "\n".join(parts)
    (out / f"{method}.txt").write_text(text + "\n")
    print(text, flush=True)


if __name__ == "__main__":
    main()
