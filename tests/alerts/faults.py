"""What can go wrong with a service, how to bring it about, and which alerts tell of it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from frontdesk import Client
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality.drift import WINDOW
from frontdesk_server.config import strategy_kinds
from frontdesk_server.learning.data.dataset import build_dataset
from frontdesk_server.learning.training.settings import TrainingSettings
from frontdesk_server.learning.training.train import train
from redis.asyncio import Redis

from tests.integration.test_workers import Service
from tests.prometheus import free_port
from tests.redis_server import find_redis, listening_redis

Config = dict[str, Any]
REFUSING = "http://127.0.0.1:9/v1"
"""Where nobody listens."""

_BREAKER = {"open_seconds": 1, "max_open_seconds": 2}
_FAULTY_STRATEGY = """
from typing import Literal

from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy


class FaultyConfig(StrategyConfig):
    kind: Literal["faulty"]


class Faulty:
    kind = "faulty"

    def __init__(self, path: str) -> None:
        self.path = path

    async def rank(self, context: RoutingContext) -> Ranking:
        raise KeyError("a fault of its author")


@builds(FaultyConfig)
def build(config: FaultyConfig, site: Site) -> Strategy:
    return Faulty(site.path)
"""


def pool(folder: Path) -> Config:
    """A healthy service of two quick models."""
    quick = {"backend": "embedded", "time_to_first_token_ms": 1, "output_tokens_per_second": 100_000}
    return {
        "backends": {"embedded": {"kind": "simulated"}},
        "models": {
            "small": {**quick, "quality": 0.5, "prices": {"input": 0.1, "output": 0.5}},
            "large": {**quick, "quality": 0.9, "prices": {"input": 3, "output": 15}},
        },
        "routers": {"default": {"default_model": "small", "strategy": {"kind": "model", "model": "small"}}},
        "execution": {"retry": {"max_retries": 0}, "breaker": _BREAKER},
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "telemetry": {"log_levels": {"call.ended": "off", "call.failed": "off"}},
    }


def _small_fails(folder: Path) -> Config:
    config = pool(folder)
    config["backends"]["dead"] = {"kind": "openai", "base_url": REFUSING, "api_key": "unused"}
    config["models"]["small"] = {"backend": "dead", "prices": {"input": 0.1, "output": 0.5}}
    return config


def _all_fail(folder: Path) -> Config:
    config = _small_fails(folder)
    config["routers"]["default"]["models"] = ["small"]
    return config


def _small_falls_back(folder: Path) -> Config:
    config = _small_fails(folder)
    config["routers"]["default"]["fallbacks"] = ["large"]
    return config


def _one_deployment_fails(folder: Path) -> Config:
    config = _small_fails(folder)
    config["models"]["small"] = {"deployments": [{"backend": "dead"}, {"backend": "embedded"}]}
    return config


def _short_queue(folder: Path) -> Config:
    config = pool(folder)
    config["ledger"]["max_queue"] = 10
    return config


def _full(folder: Path) -> Config:
    config = pool(folder)
    config["models"]["small"]["time_to_first_token_ms"] = 2_000
    config["execution"]["admission"] = {"max_running": 1, "max_waiting": 0}
    return config


def _shared_limits(folder: Path) -> Config:
    config = pool(folder)
    config["redis"] = {"url": f"redis://127.0.0.1:{free_port()}"}
    rule = {"name": "everyone", "window": "month", "usd": 1_000}
    config["limits"] = {"store": "redis", "when_unavailable": "share", "rules": [rule]}
    config["affinity"] = {"store": "redis"}
    return config


@contextmanager
def _redis(config: Config) -> Iterator[None]:
    """The Redis that the configuration names."""
    program = find_redis()
    assert program is not None, "there is no redis-server"
    port = config["redis"]["url"].rpartition(":")[2]
    with listening_redis(program, int(port), "--port", port):
        yield


def _faulty_strategy(folder: Path) -> Config:
    (folder / "faulty_strategy.py").write_text(_FAULTY_STRATEGY)
    info = folder / "faulty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{strategy_kinds.PLUGGED}]\nfaulty = faulty_strategy\n")
    config = pool(folder)
    config["routers"]["default"]["strategy"] = {"kind": "faulty"}
    return config


def _trained_elsewhere(folder: Path) -> Config:
    """A classifier that has learned from other texts than the one that comes all the time."""
    outcomes = [
        {"query_id": str(n), "prompt": f"{'prime number' if n % 3 else 'weather'} {n * 7919}", "model": "small"}
        | {"quality": float(n % 3 > 0)}
        for n in range(320)
    ]
    train(build_dataset(outcomes), load_default(), TrainingSettings(features=("words",))).save(folder / "mine")
    config = pool(folder)
    config["routers"]["default"]["strategy"] = {"kind": "classifier", "artefact": "mine"}
    return config


@asynccontextmanager
async def _nothing(service: Service, client: Client, folder: Path) -> AsyncIterator[None]:
    """The configuration is the fault."""
    yield


@asynccontextmanager
async def _killed(service: Service, client: Client, folder: Path) -> AsyncIterator[None]:
    service.process.kill()
    yield


@asynccontextmanager
async def _locked(service: Service, client: Client, folder: Path) -> AsyncIterator[None]:
    """Another program holds the ledger's file."""
    with closing(sqlite3.connect(folder / "ledger.db", timeout=30, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def _redis_ends(service: Service, client: Client, folder: Path) -> AsyncIterator[None]:
    url = yaml.safe_load((folder / "frontdesk.yaml").read_text())["redis"]["url"]
    async with Redis.from_url(url) as redis:
        await redis.shutdown(nosave=True)
    yield


@asynccontextmanager
async def _many_alike(service: Service, client: Client, folder: Path) -> AsyncIterator[None]:
    for _ in range(WINDOW // 50):
        await client.route_batch(["Is the weather nice?"] * 50, timeout=60)
    yield


@dataclass(frozen=True)
class Fault:
    """A fault: the configuration that is served, what is done to the service, and the alerts that fire, no others.

    `beside` is what stands beside the service from before its start.
    """

    name: str
    alerts: frozenset[str] = frozenset()
    config: Callable[[Path], Config] = pool
    bring_about: Callable[[Service, Client, Path], AbstractAsyncContextManager[None]] = field(default=_nothing)
    beside: Callable[[Config], AbstractContextManager[None]] = lambda _: nullcontext()


FAULTS = (
    Fault("none: a healthy service under load"),
    Fault("the process is killed", frozenset({"FrontdeskDown"}), bring_about=_killed),
    Fault(
        "the only model's upstream refuses connections",
        frozenset({"CallsFail", "BreakerOpen", "DeploymentSuspended"}),
        _all_fail,
    ),
    Fault(
        "one model's upstream refuses connections, another model answers",
        frozenset({"BreakerOpen", "DeploymentSuspended"}),
        _small_falls_back,
    ),
    Fault(
        "one of a model's two upstreams refuses connections",
        frozenset({"DeploymentSuspended"}),
        _one_deployment_fails,
    ),
    Fault("more calls come than are admitted", frozenset({"CallsRefused"}), _full),
    Fault(
        "another program holds the ledger's file, and the queue is full",
        frozenset({"LedgerDropsRecords", "LedgerFallsBehind"}),
        _short_queue,
        _locked,
    ),
    Fault(
        "Redis ends, and limits are shares",
        frozenset({"RedisGone"}),
        _shared_limits,
        _redis_ends,
        _redis,
    ),
    Fault("a plugged-in strategy raises what nobody foresaw", frozenset({"Defect"}), _faulty_strategy),
    Fault("queries are others than in training", frozenset({"ScoresDrift"}), _trained_elsewhere, _many_alike),
)


def as_table(faults: Mapping[Fault, frozenset[str]]) -> str:
    """The rows of the page: what fired in which fault."""
    lines = ["| fault | alerts that fired |", "|---|---|"]
    lines += [
        f"| {fault.name} | {', '.join(map(_linked, sorted(fired))) or 'none'} |" for fault, fired in faults.items()
    ]
    return "\n".join(lines)


def _linked(alert: str) -> str:
    return f"[{alert}](#{alert.lower()})"
