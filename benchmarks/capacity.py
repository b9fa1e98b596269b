"""What so many calls a minute take: cores, connections, rows, Redis, egress, money; from figures of one core.

`python -m benchmarks.capacity` prints the tables of docs/scaling.md; every assumption is an option (`--chunks 250`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import ceil

HOURS = 730
"""Of a month."""
SECONDS = HOURS * 3600


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is asked, what a call is like, what things cost. Money is USD."""

    calls_a_minute: float = 1_000_000
    """At the busiest."""
    mean_share: float = 0.4
    """Of the busiest minute, over the month."""
    streamed_share: float = 0.5
    """Of the calls; the others are unary."""
    answer_seconds: float = 3.0
    """Until an answer is complete."""
    input_tokens: float = 1_000
    output_tokens: float = 250
    unary_cpu_ms: float = 3.8
    """Of one call of `Complete`: docs/performance.md has 3.8 and 4.1 with 16 and 64 at once, on the slower machine."""
    stream_cpu_ms: float = 4.2
    """Of a stream but for its chunks, there."""
    chunk_cpu_ms: float = 0.38
    """Of each chunk that comes by itself, there: 2,000 paced streams of 50 took 23.4 ms each."""
    chunks: float = 100
    """Of a stream: some providers send a token each, others dozens."""
    busy: float = 0.6
    """Share of a core that is used at the busiest, so that latency holds."""
    zones: int = 3
    """One of which may fail at the busiest."""
    running_a_process: float = 512
    """`execution.admission.max_running`."""
    process_mib: float = 175
    """Of a process that has served for an hour (docs/replicas.md)."""
    call_kib: float = 70
    """Of a running stream (docs/performance.md)."""
    flush_ms: float = 500
    """`ledger.flush_ms`: how often a process commits, at most."""
    commit_ms: float = 2.0
    """Of PostgreSQL's processors for one commit, however small: benchmarks/ledger_throughput.py --batch 16, 50, 500."""
    decision_us: float = 80
    """Of the same for each decision in it, which is written when it is made and again when it is settled."""
    wal_bytes: float = 2_400
    """Of PostgreSQL's log for one decision."""
    row_bytes: float = 1_260
    """Of a decision that is kept, with its share of two indexes."""
    database_cores: float = 32
    retention_days: float = 7
    changes_a_call: float = 2
    """Of counters of limits in Redis (reserved, settled), and as many of affinity."""
    bytes_a_token: float = 4.5
    chunk_bytes: float = 250
    """Around the text of a chunk, as a provider streams it by server-sent events."""
    delta_bytes: float = 50
    """Around the same to the caller, by gRPC."""
    line_bytes: float = 1_200
    """Of a call's log line."""
    core_usd_an_hour: float = 0.045
    egress_usd_a_gb: float = 0.05
    nat_usd_a_gb: float = 0.045
    """Of what passes a cloud's NAT gateway, in and out."""
    log_usd_a_gb: float = 0.50
    storage_usd_a_gb: float = 0.115
    database_usd: float = 3_000
    """A month of one PostgreSQL primary with its standby."""
    redis_usd: float = 600
    """A month of Redis with its replica."""
    input_usd_a_million: float = 0.15
    output_usd_a_million: float = 0.60


@dataclass(frozen=True, slots=True)
class Capacity:
    """What follows."""

    of: Assumptions

    @property
    def calls(self) -> float:
        """A second, at the busiest."""
        return self.of.calls_a_minute / 60

    @property
    def calls_a_month(self) -> float:
        """In all."""
        return self.calls * self.of.mean_share * SECONDS

    @property
    def running(self) -> float:
        """Calls at once (Little's law)."""
        return self.calls * self.of.answer_seconds

    @property
    def cpu_cores(self) -> float:
        """Kept busy."""
        a = self.of
        stream = a.stream_cpu_ms + a.chunks * a.chunk_cpu_ms
        return self.calls * (a.streamed_share * stream + (1 - a.streamed_share) * a.unary_cpu_ms) / 1000

    @property
    def processes(self) -> int:
        """One a core: by CPU or by the calls that one admits, whichever is more, with a zone to spare."""
        spare = self.of.zones / (self.of.zones - 1)
        return ceil(max(self.cpu_cores / self.of.busy, self.running / self.of.running_a_process) * spare)

    @property
    def memory_gib(self) -> float:
        """Of all processes at the busiest."""
        return (self.processes * self.of.process_mib + self.running * self.of.call_kib / 1024) / 1024

    @property
    def in_bytes(self) -> float:
        """Of one answer, from its provider."""
        return self._answer_bytes(self.of.chunk_bytes)

    @property
    def delta_bytes(self) -> float:
        """Of the same, to its caller."""
        return self._answer_bytes(self.of.delta_bytes)

    def _answer_bytes(self, around_a_chunk: float) -> float:
        return self.of.output_tokens * self.of.bytes_a_token + self.of.streamed_share * self.of.chunks * around_a_chunk

    @property
    def out_bytes(self) -> float:
        """Of one query, to its provider."""
        return self.of.input_tokens * self.of.bytes_a_token

    def gb_a_month(self, bytes_a_call: float) -> float:
        """So many bytes a call, over the month."""
        return self.calls_a_month * bytes_a_call / 1e9

    @property
    def commits(self) -> float:
        """Of the ledger, a second: no process commits more often than it is told to, or than there is something."""
        return min(self.processes * 1000 / self.of.flush_ms, 2 * self.calls)

    @property
    def database_cores(self) -> float:
        """Kept busy by the ledger."""
        return self.commits * self.of.commit_ms / 1e3 + self.calls * self.of.decision_us / 1e6

    @property
    def primaries(self) -> int:
        """Of PostgreSQL, as busy as the processes."""
        return ceil(self.database_cores / self.of.busy / self.of.database_cores)

    @property
    def kept_gb(self) -> float:
        """Of the ledger while records are kept."""
        return self.calls * self.of.mean_share * 86_400 * self.of.retention_days * self.of.row_bytes / 1e9


def quantities(c: Capacity) -> Iterator[tuple[str, str, str]]:
    """What it takes, and how that follows."""
    a = c.of
    yield (
        "calls",
        f"{c.calls:,.0f} a second",
        f"{c.calls_a_month / 1e9:,.1f} billion a month at {a.mean_share:.0%} of the peak",
    )
    yield "calls at once", f"{c.running:,.0f}", f"{a.answer_seconds:g} s an answer (Little's law)"
    yield (
        "cores kept busy",
        f"{c.cpu_cores:,.0f}",
        f"{a.unary_cpu_ms:g} ms a unary call, {a.stream_cpu_ms:g} a stream and {a.chunk_cpu_ms:g} a chunk",
    )
    yield (
        "processes, one a core",
        f"{c.processes:,}",
        f"{a.busy:.0%} busy, at most {a.running_a_process:,.0f} calls each, one of {a.zones} zones to spare",
    )
    yield "memory", f"{c.memory_gib:,.0f} GiB", f"{a.process_mib:g} MiB a process, {a.call_kib:g} KiB a call"
    yield "connections to providers", f"{c.running:,.0f}", "one a running call by HTTP/1.1; a hundredth by HTTP/2"
    yield "connections of one caller", f"{c.processes:,}", "one to each process, by round robin"
    yield (
        "decisions into the ledger",
        f"{c.calls:,.0f} a second",
        f"{c.calls * a.mean_share * 86_400 / 1e9:.2f} billion a day, {c.kept_gb:,.0f} GB in {a.retention_days:g} days",
    )
    yield "commits of the ledger", f"{c.commits:,.0f} a second", f"one of a process in {a.flush_ms:g} ms (`flush_ms`)"
    yield (
        "PostgreSQL: cores kept busy",
        f"{c.database_cores:,.1f}",
        f"{a.commit_ms:g} ms a commit and {a.decision_us:g} µs a decision; {c.processes:,} connections that write",
    )
    yield (
        "PostgreSQL: its log",
        f"{c.calls * a.wal_bytes / 1e6:,.0f} MB/s",
        f"{a.wal_bytes:,.0f} bytes a decision, to the disk and to each standby",
    )
    yield (
        "Redis: changes of counters",
        f"{c.calls * a.changes_a_call:,.0f} a second",
        "in batches, one at a time a process; as many reads and writes of affinity",
    )
    yield (
        "to providers",
        f"{c.calls * c.out_bytes * 8 / 1e9:,.2f} Gbit/s",
        f"{a.input_tokens:g} tokens of {a.bytes_a_token:g} bytes",
    )
    yield (
        "from providers",
        f"{c.calls * c.in_bytes * 8 / 1e9:,.2f} Gbit/s",
        f"{a.output_tokens:g} tokens, {a.chunk_bytes:g} bytes around each chunk",
    )
    yield "to callers", f"{c.calls * c.delta_bytes * 8 / 1e9:,.2f} Gbit/s", f"{a.delta_bytes:g} bytes around each delta"


def costs(c: Capacity) -> Iterator[tuple[str, float, str]]:
    """What it costs a month."""
    a = c.of
    yield (
        "processes",
        c.processes * a.core_usd_an_hour * HOURS,
        f"{a.core_usd_an_hour:g} a core and hour, on demand, none scaled down",
    )
    yield (
        "PostgreSQL",
        c.primaries * a.database_usd + c.kept_gb * 2 * a.storage_usd_a_gb,
        f"{c.primaries} of {a.database_cores:g} cores, each with a standby, and their disks",
    )
    yield "Redis", a.redis_usd, "one with a replica"
    yield (
        "log lines",
        c.gb_a_month(a.line_bytes) * a.log_usd_a_gb,
        f"{c.gb_a_month(a.line_bytes):,.0f} GB of `call.ended`; `telemetry.log_levels` turns them off",
    )
    yield "egress", c.gb_a_month(c.out_bytes) * a.egress_usd_a_gb, f"{c.gb_a_month(c.out_bytes):,.0f} GB to providers"
    through = c.gb_a_month(c.out_bytes + c.in_bytes)
    yield (
        "a cloud's NAT gateway",
        through * a.nat_usd_a_gb,
        f"{through:,.0f} GB; nothing with addresses of the pods' own or a private link",
    )


def tokens_usd(c: Capacity) -> float:
    """What the models cost a month."""
    a = c.of
    return c.calls_a_month * (a.input_tokens * a.input_usd_a_million + a.output_tokens * a.output_usd_a_million) / 1e6


def tables(a: Assumptions) -> str:
    """Both tables in Markdown."""
    c = Capacity(a)
    lines = ["| | at the busiest | how |", "|---|---:|---|"]
    lines += [f"| {what} | {much} | {how} |" for what, much, how in quantities(c)]
    billed = list(costs(c))
    total, tokens = sum(usd for _, usd, _ in billed), tokens_usd(c)
    lines += ["", "| | USD a month | of |", "|---|---:|---|"]
    lines += [f"| {what} | {usd:,.0f} | {of} |" for what, usd, of in billed]
    lines += [f"| **all of it** | **{total:,.0f}** | {total / c.calls_a_month * 1e6:,.2f} a million calls |"]
    lines += [
        f"| the models' tokens | {tokens:,.0f} | {a.input_usd_a_million:g} and {a.output_usd_a_million:g} a million |"
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables for the assumptions that are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    for each in fields(Assumptions):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=float, default=each.default)
    print(tables(Assumptions(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
