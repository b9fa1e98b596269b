"""What observing and recording cost: CPU per call of each part alone and of all together, and the ledger's pace.

CPU counts the whole process, so the exporter's encoding and the ledger's thread are in it. A call is one `Route`
(decision only) or one completion by a cascade of two attempts, as the desk tells the observer of it and hands it to
the ledger; spans are encoded for OTLP and thrown away, log lines go to a pipe that is read by another process.

Usage: python benchmarks/telemetry_cost.py [--calls 2000] [--rounds 5] [--ledger URL]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from frontdesk_server.config.service import LedgerConfig, TelemetryConfig
from frontdesk_server.domain.observer import NullObserver, Observer
from frontdesk_server.domain.record import Ledger
from frontdesk_server.ledger import NullLedger, open_ledger
from frontdesk_server.telemetry import TelemetryObserver
from frontdesk_server.telemetry.logging import EventLog, build_logger
from frontdesk_server.telemetry.metrics import Metrics
from frontdesk_server.telemetry.sampling import Gate
from frontdesk_server.telemetry.span_export import encode
from frontdesk_server.telemetry.tracing import Tracing
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tests.records import LARGE, SMALL, a_cascade, a_routed_query

ROUTE = "frontdesk.v1.RouterService/Route"
COMPLETE = "frontdesk.v1.RouterService/Complete"


class EncodingExporter(SpanExporter):
    """Does all that an OTLP exporter does but send."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Encode and throw away."""
        encode(spans).SerializeToString()
        return SpanExportResult.SUCCESS


class Parts:
    """Builds observers of any combination of parts."""

    def __init__(self, log_stream: io.TextIOWrapper) -> None:
        config = TelemetryConfig(log_format="json")
        self._log = EventLog(build_logger(config, log_stream), config)
        self._metrics = Metrics()
        self.processor = BatchSpanProcessor(EncodingExporter(), max_queue_size=100_000)

    def observer(self, *, ratio: float | None = None, metrics: bool = False, log: bool = False) -> TelemetryObserver:
        """An observer that traces this share of calls (None: not at all), counts, writes lines."""
        tracing = None if ratio is None else Tracing(self.processor, Resource({}), Gate(ratio), "1")
        return TelemetryObserver(tracing, self._metrics if metrics else None, self._log if log else None)


async def route(observer: Observer, ledger: Ledger) -> None:
    """One `Route` call."""
    call = observer.call_started(ROUTE, {})
    routed = a_routed_query()
    call.route_started().ended(routed)
    await ledger.record_decision(routed)
    call.ended("OK", None)


async def complete(observer: Observer, ledger: Ledger) -> None:
    """One `Complete` call that escalates."""
    call = observer.call_started(COMPLETE, {})
    routed = a_routed_query()
    call.route_started().ended(routed)
    await ledger.record_decision(routed)
    settlement = a_cascade()
    for model, attempt in zip((SMALL, LARGE), settlement.attempts, strict=True):
        observed = call.attempt_started(model, model.primary, routed.query, purpose="answer")
        observed.first_token()
        observed.ended(attempt)
    call.settled(routed, settlement, None)
    await ledger.record_settlement(routed, settlement, answer=None, error_reason="")
    call.ended("OK", None)


@contextlib.asynccontextmanager
async def opened(url: str | None) -> AsyncIterator[Ledger]:
    """The ledger at this URL, a fresh SQLite file for "", none for None."""
    if url is None:
        yield NullLedger()
        return
    with tempfile.TemporaryDirectory() as folder:
        config = LedgerConfig.model_validate({"url": url or f"sqlite:///{folder}/ledger.db"})
        async with open_ledger(config) as ledger:
            yield ledger


async def cpu_us(
    work: Callable[[Observer, Ledger], Awaitable[None]],
    observer: Observer,
    url: str | None,
    calls: int,
    flush: Callable[[], object],
) -> float:
    """CPU of the whole process per call, everything flushed."""
    started = 0.0
    async with opened(url) as ledger:
        started = time.process_time()
        for _ in range(calls):
            await work(observer, ledger)
            await asyncio.sleep(0)
    await asyncio.to_thread(flush)
    return (time.process_time() - started) / calls * 1e6


async def measure(parts: Parts, calls: int, rounds: int, url: str) -> None:
    """Print a table of medians; the bare line, which builds the values only, is subtracted from the others."""
    everything = {"metrics": True, "log": True}
    variants: dict[str, tuple[Observer, str | None]] = {
        "tracing, 100 % sampled": (parts.observer(ratio=1.0), None),
        "tracing, 1 % sampled": (parts.observer(ratio=0.01), None),
        "metrics": (parts.observer(metrics=True), None),
        "log lines": (parts.observer(log=True), None),
        "ledger": (NullObserver(), url),
        "all, 100 % sampled": (parts.observer(ratio=1.0, **everything), url),
        "all, 1 % sampled": (parts.observer(ratio=0.01, **everything), url),
    }
    print(f"{'CPU in µs per call':<26}{'Route':>8}{'cascade':>10}")
    columns: dict[str, list[float]] = {name: [] for name in variants}
    for work in (route, complete):
        added: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(rounds):
            bare = await cpu_us(work, NullObserver(), None, calls, parts.processor.force_flush)
            for name, (observer, ledger_url) in variants.items():
                cost = await cpu_us(work, observer, ledger_url, calls, parts.processor.force_flush)
                added[name].append(cost - bare)
        for name in variants:
            columns[name].append(statistics.median(added[name]))
    for name, (of_route, of_cascade) in columns.items():
        print(f"{name:<26}{of_route:>8.1f}{of_cascade:>10.1f}")


async def pace(calls: int, url: str) -> None:
    """Print how many records and rows the ledger commits in a second when it gets as many as it takes."""
    queries = [a_routed_query() for _ in range(calls)]
    settlement = a_cascade()
    async with opened(url) as ledger:
        started = time.perf_counter()
        for routed in queries:
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, settlement, answer=None, error_reason="")
    seconds = time.perf_counter() - started
    rows = calls * (2 + len(settlement.attempts))
    print(f"ledger: {2 * calls / seconds:,.0f} records/s, {rows / seconds:,.0f} rows/s ({rows:,} rows)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ledger", default="", help="SQLAlchemy URL; default: a fresh SQLite file")
    options = parser.parse_args()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        assert reader.stdin is not None
        with io.TextIOWrapper(reader.stdin) as stream:
            parts = Parts(stream)
            asyncio.run(measure(parts, options.calls, options.rounds, options.ledger))
            asyncio.run(pace(10 * options.calls, options.ledger))
            parts.processor.shutdown()


if __name__ == "__main__":
    main()
