"""`Complete` beside a bare forwarder, and beside the peers: calls a second, CPU, and the latency that each adds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.harness.pairing import Bench, Contender, Row
from benchmarks.harness.results import Result, compared

AT_ONCE = (1, 16, 64)


def measure(bench: Bench, contenders: Sequence[Contender]) -> list[Result]:
    """The first contender is the upstream itself, the second the forwarder that all are compared to."""
    results = []
    forwarder = contenders[1].name
    for in_flight in AT_ONCE:
        row = bench.compare("complete", contenders, in_flight)
        results.append(compared(f"Complete, {in_flight} at once", row, baseline=forwarder))
        if in_flight == 1:
            results.append(added(row, forwarder))
    return results


def added(row: Row, forwarder: str) -> Result:
    """What stands between caller and upstream adds to the upstream's own latency, paired by rounds."""
    upstream = row.baseline
    lines = []
    data = {}
    for name in row.samples:
        if name == upstream:
            continue
        p50, p99 = (_added(row, name, figure) for figure in ("p50_us", "p99_us"))
        ratios = [one / other for one, other in zip(p50, _added(row, forwarder, "p50_us"), strict=True)]
        data[name] = {"p50_us": p50, "p99_us": p99, "ratio_p50": ratios}
        lines.append(
            (
                name,
                f"{statistics.median(ratios):.2f}",
                f"{statistics.median(p50) / 1000:.2f}",
                f"{statistics.median(p99) / 1000:.2f}",
            )
        )
    header = ("", f"p50 of {forwarder}'s", "added p50 ms", "added p99 ms")
    return Result("Latency that Complete adds, one at a time", header, tuple(lines), data={"added": data})


def _added(row: Row, name: str, figure: str) -> list[float]:
    pairs = zip(row.samples[name], row.samples[row.baseline], strict=True)
    return [getattr(one, figure) - getattr(direct, figure) for one, direct in pairs]
