"""Three replicas with what they share, an upstream that bills, and a caller that goes round them."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from sqlalchemy import create_engine, text

from tests.cuttable import cuttable
from tests.postgres import PostgresServer
from tests.replicas.replica import Replica
from tests.upstream import FaultyUpstream, Script, SeenRequest

CALLER = Path(__file__).with_name("caller")
COUNT = 3
INPUT_TOKENS = 11
INPUT_USD, OUTPUT_USD = 0.1, 0.5
"""Per million tokens."""
MAX_OUTPUT_TOKENS = 32
_NUMBER = re.compile(r"call (\d+)")


def tokens_of(number: int) -> int:
    """How many tokens the upstream answers a call with."""
    return 1 + number % 7


def price_nano_usd(number: int) -> int:
    """What a call costs."""
    return round(1000 * (INPUT_TOKENS * INPUT_USD + tokens_of(number) * OUTPUT_USD))


@dataclass(frozen=True, slots=True)
class Call:
    """What the caller saw of one call; `reason` is empty when the whole answer came."""

    number: int
    stream: bool
    started_at: float
    ended_at: float
    peer: str
    reason: str
    decision_id: str
    version: str
    total_nano_usd: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the ledger."""

    number: int
    decision_id: str
    status: str | None
    total_nano_usd: int | None


class Caller:
    """The Go program, which calls until it is told to end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def finished(self) -> list[Call]:
        """End it; what it saw of all its calls."""
        told, _ = await self._process.communicate(b"")
        return [Call(**json.loads(line)) for line in told.splitlines()]


class World:
    """Everything, with an empty ledger and counters of its own."""

    def __init__(self, upstream: FaultyUpstream, replicas: list[Replica], ledger_url: str, redis_url: str) -> None:
        self.upstream = upstream
        self.replicas = replicas
        self.budget_usd = 1000.0
        self.prefix = uuid4().hex
        self._ledger_url = ledger_url
        self._redis_url = redis_url

    def config(self, replica: Replica, **parts: Any) -> dict[str, Any]:
        """A replica's configuration; `parts` replace."""
        return {
            "server": {"drain_seconds": 1, "grace_seconds": 10},
            "backends": {"upstream": {"kind": "openai", "base_url": self.upstream.openai_url}},
            "models": {
                "small": {
                    "backend": "upstream",
                    "prices": {"input": INPUT_USD, "output": OUTPUT_USD},
                    "max_output_tokens": MAX_OUTPUT_TOKENS,
                }
            },
            "routers": {"default": {"default_model": "small", "strategy": {"kind": "model", "model": "small"}}},
            "redis": {"url": f"redis://{replica.redis.address}", "prefix": self.prefix, "timeout_ms": 1000},
            "limits": {
                "store": "redis",
                "when_unavailable": "share",
                "rules": [{"name": "all", "window": "month", "usd": self.budget_usd}],
            },
            "affinity": {"store": "redis"},
            "execution": {"breaker": {"store": "redis"}},
            "ledger": {"url": self._ledger_url, "durability": "sync"},
            "telemetry": {"log_level": "warning", "log_format": "json"},
        } | parts

    async def start(self, source: Path | None = None, **parts: Any) -> None:
        """Start all replicas, of another version where one is named."""
        for replica in self.replicas:
            replica.configure(self.config(replica, **parts))
        await asyncio.gather(*(replica.start(source) for replica in self.replicas))

    @asynccontextmanager
    async def calling(self, program: Path, rate: float) -> AsyncIterator[Caller]:
        """Call all the replicas by turns."""
        addresses = [replica.address for replica in self.replicas]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            program, "-rate", str(rate), *addresses, stdin=pipe, stdout=pipe, limit=2**24
        )
        try:
            yield Caller(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def recorded(self) -> list[Recorded]:
        """The ledger."""
        query = "SELECT labels::json->>'call' AS number, decision_id, status, total_nano_usd FROM records"
        engine = create_engine(self._ledger_url)
        with engine.connect() as connection:
            rows = connection.execute(text(query)).all()
        engine.dispose()
        return [Recorded(int(row.number), row.decision_id, row.status, row.total_nano_usd) for row in rows]

    async def counted_nano_usd(self) -> int:
        """What the budget's counter has come to, once replicas have given back what they had aside."""
        client = Redis.from_url(self._redis_url)
        try:
            found = [key async for key in client.scan_iter(f"*{self.prefix}:limits*/nano_usd")]
            return sum([int(await client.get(key) or 0) for key in found])
        finally:
            await client.aclose()

    def asked(self) -> Counter[int]:
        """How often the upstream was asked for each call."""
        return Counter(_number(request.body) for request in self.upstream.requests)


def _number(body: Mapping[str, Any]) -> int:
    found = _NUMBER.search(json.dumps(body["messages"]))
    assert found is not None
    return int(found[1])


def _script(request: SeenRequest) -> Script:
    tokens = tokens_of(_number(request.body))
    return Script(tokens=("word ",) * tokens, input_tokens=INPUT_TOKENS, interval_seconds=0.1)


@asynccontextmanager
async def world(postgres: PostgresServer, redis_url: str, folder: Path) -> AsyncIterator[World]:
    """Replicas that are not started yet, with a database of their own."""
    name = f"replicas_{uuid4().hex[:8]}"
    admin = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(FaultyUpstream(_script))
        replicas = []
        for index, port in enumerate(free_ports(COUNT)):
            proxy = await stack.enter_async_context(cuttable(redis_url.removeprefix("unix://")))
            replicas.append(Replica(f"127.0.0.1:{port}", folder / f"replica-{index}", proxy))
            stack.push_async_callback(replicas[-1].stop)
        yield World(upstream, replicas, postgres.url.replace("/postgres?", f"/{name}?"), redis_url)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on at the moment."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def build_caller(folder: Path) -> Path | None:
    """The Go program; None where there is no Go."""
    if shutil.which("go") is None:
        return None
    program = folder / "caller"
    subprocess.run(["go", "build", "-o", program, "."], cwd=CALLER, check=True, timeout=600)
    return program
