"""Messages of a conversation and streams at once: what a longer query costs, and more callers."""

from __future__ import annotations

from benchmarks.harness import contenders, queries
from benchmarks.harness.curve import Curve, cpu_of
from benchmarks.harness.machine import Cores
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.rows.slow_streams import admitting, hold

MESSAGES = (1, 5, 50, 500)
STREAMS = (1, 20, 200, 2_000)
_IN_FLIGHT = 16


def conversation(bench: Bench, upstream_url: str) -> Curve:
    """CPU of `Route` and `Complete` by the messages of the conversation; the last is always the same."""
    curve = Curve("Conversation", "messages", MESSAGES)
    with contenders.frontdesk(bench.cores.server, upstream_url) as server:
        for method, make in (("Route", queries.route), ("Complete", queries.complete)):
            measured = [Contender(f"{size} messages", server, make(messages=size)) for size in MESSAGES]
            row = bench.compare(method, measured, _IN_FLIGHT)
            curve.costs[f"{method}: CPU µs a call"] = cpu_of(row, [one.name for one in measured])
    return curve


def streams(cores: Cores, upstream_url: str) -> Curve:
    """CPU and memory of slow streams by their number. Memory is what the server had at most, not a stream's share."""
    curve = Curve("Slow streams at once", "streams", STREAMS)
    change = admitting(max(STREAMS))
    with contenders.frontdesk(cores.server, upstream_url, change=change) as server:
        hold(server, max(1, STREAMS[1]))
        held = [hold(server, size) for size in STREAMS]
    curve.costs["CPU ms a stream"] = [one.cpu_seconds / one.streams * 1000 for one in held]
    curve.costs["memory MiB"] = [one.memory_most / 2**20 for one in held]
    return curve
