"""Every fault of an upstream, each streamed and unary, with and without a fallback: what comes of it, as one table.

`python -m tests.chaos.faults` injects them into the real service, prints the table and writes docs/faults.md.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from frontdesk import Client, CompleteResponse, Event, FrontdeskError, TextDelta
from frontdesk.v1.chat_pb2 import Usage
from frontdesk.v1.routing_pb2 import Attempt, AttemptOutcome

from tests.chaos.automaton import LifeCycle
from tests.chaos.expected_faults import EXPECTED, Row
from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script

QUERY = "What is 2 + 2?"
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_TIMEOUTS = {"connect_seconds": 1, "first_token_seconds": 0.5, "idle_seconds": 0.5, "total_seconds": 1}
_LONG_LINE_BYTES = 9 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault and how the upstream plays it, every time it is asked; no script refuses connections."""

    name: str
    script: Script | None


def _after(fault: Fault) -> Script:
    """The fault after two tokens that have surely arrived."""
    return Script(fault, interval_seconds=0.02, line_bytes=_LONG_LINE_BYTES)


INJECTIONS = (
    Injection("connection refused", None),
    Injection("connection reset", Script(Fault.RESET)),
    Injection("connection closed", Script(Fault.CLOSE)),
    Injection("401", Script(Fault.STATUS, status=401)),
    Injection("404", Script(Fault.STATUS, status=404)),
    Injection("429", Script(Fault.STATUS, status=429)),
    Injection("429, Retry-After 7 s", Script(Fault.STATUS, status=429, headers={"retry-after": "7"})),
    Injection("500", Script(Fault.STATUS, status=500)),
    Injection("503", Script(Fault.STATUS, status=503)),
    Injection("hang before headers", Script(Fault.HANG_BEFORE_HEADERS)),
    Injection("hang after 0 tokens", Script(Fault.HANG, after_tokens=0)),
    Injection("hang after 2 tokens", _after(Fault.HANG)),
    Injection("cut at 0 tokens", Script(Fault.CUT, after_tokens=0)),
    Injection("cut at 2 tokens", _after(Fault.CUT)),
    Injection("reset at 2 tokens", _after(Fault.RESET_AFTER)),
    Injection("ends without its end", _after(Fault.CUT_CLEANLY)),
    Injection("slow drip", Script(interval_seconds=0.05, first_token_seconds=0.05)),
    Injection("malformed chunk", _after(Fault.MALFORMED_CHUNK)),
    Injection("malformed transfer encoding", Script(Fault.MALFORMED_ENCODING)),
    Injection("wrong content type", Script(Fault.WRONG_CONTENT_TYPE)),
    Injection("invalid UTF-8", _after(Fault.INVALID_UTF8)),
    Injection("enormous line", _after(Fault.ENORMOUS_LINE)),
    Injection("duplicate [DONE]", Script(Fault.DUPLICATE_DONE)),
    Injection("missing usage", Script(Fault.NO_USAGE)),
    Injection("usage before the end", Script(Fault.EARLY_USAGE)),
    Injection("error object in the middle", _after(Fault.ERROR_OBJECT)),
    Injection("200 with an error body", Script(Fault.ERROR_BODY)),
    Injection("gzip", Script(Fault.GZIP)),
)


@dataclass(frozen=True, slots=True)
class Way:
    """How the caller asks and what is configured."""

    stream: bool
    fallback: bool

    def __str__(self) -> str:
        return f"{'stream' if self.stream else 'unary'}, {'fallback' if self.fallback else 'no fallback'}"


WAYS = tuple(Way(stream, fallback) for stream in (True, False) for fallback in (False, True))


@asynccontextmanager
async def _pool(folder: Path, fallback: bool, **execution: object) -> AsyncIterator[tuple[Client, FaultyUpstream]]:
    """The service over an upstream that will misbehave, for small, and a healthy one for its fallback mid."""
    async with FaultyUpstream() as faulty, FaultyUpstream() as healthy:
        config = pool_config(faulty.openai_url, ledger={"url": f"sqlite:///{folder}/ledger.db"})
        config["backends"]["healthy"] = {"kind": "openai", "base_url": healthy.openai_url, "max_response_bytes": 2**20}
        config["backends"]["upstream"]["max_response_bytes"] = _LONG_LINE_BYTES
        config["models"]["mid"]["backend"] = "healthy"
        config["models"]["small"]["timeouts"] = _TIMEOUTS
        router = config["routers"]["default"]
        if not fallback:
            router |= {"models": ["small"], "fallbacks": []}
        config["execution"] = {"retry": {"max_retries": 1, "base_ms": 1, "max_ms": 10}, **execution}
        async with service(config, folder) as (client, _):
            yield client, faulty


async def inject(client: Client, upstream: FaultyUpstream, injection: Injection, way: Way) -> Row:
    """Let the fault happen to one call; its account must be the same on the wire and in the ledger."""
    if injection.script is None:
        await upstream.refuse()
    else:
        upstream.script = injection.script
    try:
        return await _called(client, way)
    finally:
        if injection.script is None:
            await upstream.listen()


async def _called(client: Client, way: Way) -> Row:
    events: list[Event] = []
    completion_id = ""
    try:
        if way.stream:
            stream = client.stream_complete(QUERY, timeout=20)
            async for event in stream:
                events.append(event)  # noqa: PERF401 - what came before a failure matters
            LifeCycle.of(events).end()
            completion: CompleteResponse = stream.partial
        else:
            completion = await client.complete(QUERY, timeout=20)
        caller, completion_id = f"OK from {completion.model}", completion.completion_id
        cost, attempts = completion.cost, completion.attempts
    except FrontdeskError as error:
        LifeCycle.of(events).fail()
        retry = "" if error.retry_after_seconds is None else f", retry after {error.retry_after_seconds:g} s"
        caller = f"{error.code.name}: {error.reason}{retry}"
        if error.failure is None:
            return Row(caller, _summary(events), "", None)
        completion_id, cost, attempts = error.failure.completion_id, error.failure.cost, error.failure.attempts
    record = await client.get_decision(completion_id)
    if not _agree(record.attempts, attempts) or record.cost != cost:
        caller += " (THE LEDGER DIFFERS)"
    total = cost.total_nano_usd if cost.HasField("total_nano_usd") else None
    return Row(caller, _summary(events), "; ".join(map(_account, record.attempts)), total)


def _agree(kept: Sequence[Attempt], told: Sequence[Attempt]) -> bool:
    """Whether the ledger holds the attempts that the caller was told of, but for the upstream's own words."""
    return len(kept) == len(told) and all(map(_same, kept, told))


def _same(kept: Attempt, told: Attempt) -> bool:
    expected = Attempt()
    expected.CopyFrom(told)
    if told.error_message.startswith(f"{kept.error_message}: "):
        expected.error_message = kept.error_message
    return expected == kept


def _summary(events: Sequence[Event]) -> str:
    """The events by name, adjoining deltas as one: how many there are is the network's choice."""
    names: list[str] = []
    for event in events:
        name = "text" if isinstance(event, TextDelta) else _SPACED[type(event).__name__]
        if name != "text" or names[-1:] != ["text"]:
            names.append(name)
    return ", ".join(names)


def _account(attempt: Attempt) -> str:
    outcome = AttemptOutcome.Name(attempt.outcome).removeprefix("ATTEMPT_OUTCOME_").lower()
    retries = f", {attempt.retries} repeat" if attempt.retries else ""
    return f"{attempt.model} {outcome} {_tokens(attempt.usage)}{'~' if attempt.usage_estimated else ''}{retries}"


def _tokens(usage: Usage) -> str:
    return f"{usage.input_tokens}+{usage.output_tokens}"


_SPACED = {
    "Started": "started",
    "AttemptStarted": "attempt started",
    "AttemptEnded": "attempt ended",
    "Completed": "completed",
}


async def inject_all(folder: Path) -> dict[tuple[str, Way], Row]:
    """Every fault in every way."""
    rows: dict[tuple[str, Way], Row] = {}
    never = {"window": 10_000, "min_calls": 10_000}
    for fallback in (False, True):
        async with _pool(folder, fallback, breaker=never) as (client, upstream):
            for injection in INJECTIONS:
                for way in (way for way in WAYS if way.fallback == fallback):
                    rows[injection.name, way] = await inject(client, upstream, injection, way)
    return rows


@dataclass(frozen=True, slots=True)
class Outage:
    """What callers met while an upstream was away: per answer how often, and how long small stayed away after it."""

    seconds: float
    calls: int
    answers: dict[str, int]
    back_after_seconds: float


async def outage(folder: Path, way: Way, seconds: float, pause_seconds: float = 0.02) -> Outage:
    """Take the upstream away for so long under steady calls, then wait for it to be used again."""
    breaker = {"open_seconds": min(1.0, seconds / 5), "max_open_seconds": min(4.0, seconds / 2)}
    answers: dict[str, int] = {}
    async with _pool(folder, way.fallback, breaker=breaker) as (client, upstream):
        await upstream.refuse()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            caller = (await _called(client, way)).caller.partition(", retry after")[0]
            answers[caller] = answers.get(caller, 0) + 1
            await asyncio.sleep(pause_seconds)
        await upstream.listen()
        async with asyncio.timeout(30):
            while (await _called(client, way)).caller != "OK from small":
                await asyncio.sleep(pause_seconds)
    return Outage(seconds, sum(answers.values()), answers, time.monotonic() - end)


def wrong_rows(rows: dict[tuple[str, Way], Row]) -> Iterator[str]:
    """What differs from the table of expectations."""
    for (name, way), row in rows.items():
        expected = EXPECTED[name][WAYS.index(way)]
        if row != expected:
            yield f"{name} ({way}): {row}, expected {expected}"


def table(rows: dict[tuple[str, Way], Row]) -> str:
    """The rows as Markdown."""
    lines = ["| fault | asked | caller sees | events | ledger | nano-USD |", "|---|---|---|---|---|---|"]
    for injection in INJECTIONS:
        for way in WAYS:
            row = rows[injection.name, way]
            cells = (injection.name, way, row.caller, row.events, row.ledger, row.cost_nano_usd)
            lines.append("| " + " | ".join("-" if cell in (None, "") else str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def write_page(rows: dict[tuple[str, Way], Row]) -> None:
    """Replace the table in docs/faults.md."""
    head, _, _ = PAGE.read_text().partition("| fault |")
    PAGE.write_text(f"{head}{table(rows)}\n")


async def _main(outage_seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        rows = await inject_all(Path(folder))
        write_page(rows)
        print(table(rows))
        wrong = list(wrong_rows(rows))
        for way in (WAYS[1], WAYS[2]):
            print(f"outage ({way}): {await outage(Path(folder), way, outage_seconds, 0.1)}")
    survived = sum(row.caller.startswith("OK") for row in rows.values())
    print(*wrong, sep="\n")
    print(f"injected {len(rows)}, survived {survived}, failed in order {len(rows) - survived}, wrong {len(wrong)}")
    return bool(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outage-seconds", type=float, default=60)
    raise SystemExit(asyncio.run(_main(parser.parse_args().outage_seconds)))
