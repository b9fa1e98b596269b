"""Frontdesk as the external processor of a real Envoy, in front of scripted upstreams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from frontdesk_server.assembly.app import App, open_server
from frontdesk_server.config.loading import load_config
from frontdesk_server.domain.attempt import Attempt
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.rpc.server import RpcServer

from tests.envoy import Envoy, envoy_config, ext_proc_filter, routes_of, running_envoy
from tests.upstream.server import FaultyUpstream


def gateway_config(cheap: FaultyUpstream, dear: FaultyUpstream, folder: Path, **ext_proc: Any) -> dict[str, Any]:
    """Four models on two upstreams, each at a backend of its own, and rules that tell the four demo queries apart."""
    models = {"tiny": ("a", 0.1), "mid": ("b", 0.5), "coder": ("c", 1.0), "frontier": ("d", 3.0)}
    urls = {"a": cheap, "b": cheap, "c": dear, "d": dear}
    return {
        "server": {"ext_proc": ext_proc, "grace_seconds": 0.2},
        "backends": {name: {"kind": "openai", "base_url": one.openai_url} for name, one in urls.items()},
        "models": {
            name: {
                "backend": backend,
                "upstream_model": f"{name}-2026",
                "prices": {"input": usd, "output": 5 * usd},
                "context_window": 10_000_000,
            }
            for name, (backend, usd) in models.items()
        },
        "routers": {
            "default": {
                "default_model": "tiny",
                "strategy": {
                    "kind": "rules",
                    "rules": [
                        {"name": "code", "when": {"code": True}, "model": "coder"},
                        {"name": "summary", "when": {"task": ["summarise"]}, "model": "mid"},
                        {"name": "hard", "when": {"difficulty": {"min": 0.6}}, "model": "frontier"},
                        {"name": "rest", "model": "tiny"},
                    ],
                },
            }
        },
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "telemetry": {"log_level": "error"},
    }


@asynccontextmanager
async def processor(config: Mapping[str, Any], folder: Path) -> AsyncIterator[tuple[App, RpcServer]]:
    """Serve this configuration."""
    path = folder / "frontdesk.yaml"
    path.write_text(yaml.safe_dump(dict(config)))
    async with open_server(load_config(path, {}), address="127.0.0.1:0") as running:
        yield running


@dataclass(frozen=True, slots=True)
class Behind:
    """What runs behind Envoy, the means to end it, and a client of Envoy's."""

    app: App
    frontdesk: AsyncExitStack
    envoy: Envoy
    client: httpx.AsyncClient


@asynccontextmanager
async def behind_envoy(
    program: Path, config: Mapping[str, Any], folder: Path, clusters: Mapping[str, int], **fields: Any
) -> AsyncIterator[Behind]:
    """Serve this configuration behind Envoy; `fields` replace those of the shipped external processing filter.

    Where that lets queries pass undecided, they have the route that is shipped as a comment.
    """
    async with AsyncExitStack() as stack:
        frontdesk = await stack.enter_async_context(AsyncExitStack())
        app, server = await frontdesk.enter_async_context(processor(config, folder))
        gateway = envoy_config(server.address, clusters)
        ext_proc_filter(gateway).update(fields)
        if fields.get("failure_mode_allow"):
            routes = routes_of(gateway)
            routes.append({"match": {"path": "/v1/chat/completions"}, "route": routes[-1]["route"]})
        envoy = stack.enter_context(running_envoy(program, gateway))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=envoy.url, timeout=20))
        yield Behind(app, frontdesk, envoy, client)


async def settled(app: App, decision_id: str) -> Attempt:
    """The attempt with which a forwarded query was settled, as soon as it is."""
    while True:
        record = await app.desk.decision(decision_id, LocalCall())
        if record.settlement is not None:
            assert record.labels["forwarded_by"] == "gateway"
            return record.settlement.attempts[0]
        await asyncio.sleep(0.01)
