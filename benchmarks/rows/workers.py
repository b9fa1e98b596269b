"""Two workers beside one: both on all cores of the run, as is the load, which takes little of them."""

from __future__ import annotations

from benchmarks.harness import contenders, queries
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.harness.results import Result, compared

IN_FLIGHT = 64
_CONNECTIONS = 32
"""The kernel shares connections out by a hash: with a few a worker may get none."""


def measure(bench: Bench, upstream_url: str) -> Result:
    """`Route` by rules."""
    cores = bench.cores.all
    with (
        contenders.frontdesk(cores, upstream_url, name="1 worker") as one,
        contenders.frontdesk(cores, upstream_url, name="2 workers", workers=2) as two,
    ):
        row = bench.compare(
            "workers",
            [Contender(server.name, server, queries.route(), _CONNECTIONS) for server in (one, two)],
            IN_FLIGHT,
        )
    return compared("Workers: Route, 64 at once over 32 connections", row)
