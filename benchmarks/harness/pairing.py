"""Interleaved rounds: every contender is measured in every round, so that the machine's moods hit all alike.

The order turns round with every round (A B C, C B A, …). Figures are compared within a round and the median is taken
over the rounds: of the ratios, never the ratio of medians.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import h2load, wrk
from benchmarks.harness.calling import WrongAnswer, check
from benchmarks.harness.loaded import Loaded
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import Server
from benchmarks.harness.queries import Asked

_FIRST_CALLS = 20
_WARM_UP_SECONDS = 0.5
_LEAST_WAVES = 5
_MOST_SECONDS = 30
_LEAST_SHARE = 0.8
"""Of the checked answer's bytes; deltas may share messages under load, and a failed call has no bytes at all."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server and what it is asked in this row."""

    name: str
    server: Server
    asked: Asked
    connections: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender in one round."""

    per_second: float
    """Calls a second."""
    cpu_us: float
    """CPU of all the server's processes, a call."""
    p50_us: float
    p99_us: float
    busy: float
    """Cores that the server had on average; below 1 at full load others had the core, too."""


@dataclass(slots=True)
class Row:
    """What was measured of one kind of load: one sample a round of every contender."""

    name: str
    baseline: str
    """What the ratios are to."""
    in_flight: int
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def median(self, contender: str, figure: str) -> float:
        """The median of a figure over the rounds."""
        return float(statistics.median(getattr(sample, figure) for sample in self.samples[contender]))

    def ratios(self, contender: str, figure: str, baseline: str = "") -> list[float]:
        """A figure to the baseline's, round by round, in order of size."""
        pairs = zip(self.samples[contender], self.samples[baseline or self.baseline], strict=True)
        return sorted(getattr(one, figure) / getattr(other, figure) for one, other in pairs)

    def ratio(self, contender: str, figure: str, baseline: str = "") -> float:
        """The median of the paired ratios."""
        return statistics.median(self.ratios(contender, figure, baseline))

    def as_json(self) -> dict[str, Any]:
        """Medians, paired ratios and every sample."""
        figures = ("per_second", "cpu_us", "p50_us", "p99_us", "busy")
        return {
            "row": self.name,
            "baseline": self.baseline,
            "in_flight": self.in_flight,
            "contenders": {
                name: {
                    "median": {figure: self.median(name, figure) for figure in figures},
                    "ratio": {figure: self.ratio(name, figure) for figure in ("per_second", "cpu_us", "p50_us")},
                    "samples": [asdict(sample) for sample in samples],
                }
                for name, samples in self.samples.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """How long is measured, where, and beside what."""

    folder: Path
    """For bodies and logs."""
    cores: Cores
    rounds: int = 6
    seconds: float = 1.5
    """Of load, a contender and round."""

    def prepared(self, contender: Contender, in_flight: int) -> Callable[[], Loaded]:
        """A load from the load's cores that takes about `seconds`, over HTTP/1.1 whole ones and more of slow servers.

        Warms the server up.
        """
        port, asked, cores, folder = contender.server.port, contender.asked, self.cores.load, self.folder
        if not asked.grpc:
            by_time = partial(wrk.load, port, asked, in_flight=in_flight, cores=cores, folder=folder)
            seconds = math.ceil(self.seconds)
            while by_time(seconds=seconds).calls < _LEAST_WAVES * in_flight and seconds < _MOST_SECONDS:
                seconds *= 2  # what is in flight at the end does not count, and must not weigh
            return partial(by_time, seconds=seconds)
        connections = contender.connections
        by_calls = partial(
            h2load.load, port, asked, in_flight=in_flight, connections=connections, cores=cores, folder=folder
        )
        first = by_calls(calls=max(_FIRST_CALLS, 2 * in_flight))
        warm = by_calls(calls=max(in_flight, int(first.per_second * _WARM_UP_SECONDS)))
        return partial(by_calls, calls=max(2 * in_flight, int(warm.per_second * self.seconds)))

    def compare(self, name: str, contenders: Sequence[Contender], in_flight: int) -> Row:
        """Measure the contenders, interleaved; the first is what the others are compared to.

        Each contender's answer is checked before and after.

        Raises:
            WrongAnswer: an answer is not what it must be, or answers under load are shorter than the one checked.
        """
        row = Row(name, contenders[0].name, in_flight, {contender.name: [] for contender in contenders})
        with alone([contender.server for contender in contenders]) as only:
            loads, sizes = {}, {}
            for contender in contenders:
                with only(contender.server):
                    sizes[contender.name] = len(check(contender.server.port, contender.asked).content)
                    loads[contender.name] = self.prepared(contender, in_flight)
            for contender in order(contenders, self.rounds):
                with only(contender.server):
                    sample = self._sample(contender, loads[contender.name], sizes[contender.name])
                row.samples[contender.name].append(sample)
            for contender in contenders:
                with only(contender.server):
                    check(contender.server.port, contender.asked)
        return row

    def _sample(self, contender: Contender, load: Callable[[], Loaded], answer_bytes: int) -> Sample:
        cpu = contender.server.cpu_seconds()
        loaded = load()
        used = contender.server.cpu_seconds() - cpu
        if loaded.data_bytes < _LEAST_SHARE * answer_bytes * loaded.calls:
            size = loaded.data_bytes / loaded.calls
            raise WrongAnswer(f"{contender.name}: answers of {size:.0f} bytes, not {answer_bytes}")
        return Sample(
            per_second=loaded.per_second,
            cpu_us=used / loaded.calls * 1e6,
            p50_us=loaded.p50_us,
            p99_us=loaded.p99_us,
            busy=used / loaded.seconds,
        )


def order(contenders: Sequence[Contender], rounds: int) -> Iterator[Contender]:
    """Every contender once a round, the order turned round each time."""
    for number in range(rounds):
        yield from contenders if number % 2 == 0 else reversed(contenders)


@contextmanager
def alone(servers: Sequence[Server]) -> Iterator[Callable[[Server], Any]]:
    """Halts these servers; what it yields lets one of them run for a block."""
    running = {server.pid: server for server in servers if not server.helper}.values()

    @contextmanager
    def only(server: Server) -> Iterator[None]:
        server.resume()
        try:
            yield
        finally:
            if server in running:
                server.halt()

    for server in running:
        server.halt()
    try:
        yield only
    finally:
        for server in running:
            server.resume()
