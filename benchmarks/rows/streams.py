"""Streams of 50 chunks: how many a second when they come at once, and how soon the first token when they take time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.harness.calling import check, first_tokens_us
from benchmarks.harness.pairing import Bench, Contender, alone, order
from benchmarks.harness.results import Result, compared

AT_ONCE = (1, 16)
_STREAMS = 30
"""Of a contender and round, one after the other."""


def measure(bench: Bench, contenders: Sequence[Contender]) -> list[Result]:
    """All 50 chunks are there at once; the second contender is the forwarder."""
    return [
        compared(
            f"Streams of 50 chunks, {in_flight} at once",
            bench.compare("streams", contenders, in_flight),
            baseline=contenders[1].name,
            unit="streams",
        )
        for in_flight in AT_ONCE
    ]


def measure_first_token(bench: Bench, contenders: Sequence[Contender]) -> Result:
    """Time to first token beyond the upstream's own, one stream after the other; a chunk comes every millisecond.

    The first contender is the upstream itself, the second the forwarder.
    """
    medians: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    with alone([contender.server for contender in contenders]) as only:
        for contender in order(contenders, bench.rounds):
            with only(contender.server):
                check(contender.server.port, contender.asked)
                tokens = first_tokens_us(contender.server.port, contender.asked, _STREAMS)
                medians[contender.name].append(statistics.median(tokens))
    direct, forwarder = contenders[0].name, contenders[1].name
    added = {
        name: [one - other for one, other in zip(values, medians[direct], strict=True)]
        for name, values in medians.items()
        if name != direct
    }
    lines = []
    for name, values in added.items():
        ratio = statistics.median(one / other for one, other in zip(values, added[forwarder], strict=True))
        lines.append((name, f"{ratio:.2f}", f"{statistics.median(values) / 1000:.2f}"))
    header = ("", f"of {forwarder}'s", "added ms")
    title = "Time to first token added, one stream at a time"
    return Result(title, header, tuple(lines), data={"first_token_us": medians, "added_us": added})
