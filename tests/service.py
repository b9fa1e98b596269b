"""The whole service for a test: real server, real client, real HTTP upstream, configuration as a mapping."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from frontdesk import Client
from frontdesk_server.assembly.app import App, open_server
from frontdesk_server.config.loading import load_config


def pool_config(base_url: str, **parts: Any) -> dict[str, Any]:
    """Models small, mid and frontier on one OpenAI-compatible upstream; small falls back to mid. `parts` replace."""
    prices = {"small": (0.1, 0.5), "mid": (0.6, 3), "frontier": (3, 15)}
    return {
        "backends": {"upstream": {"kind": "openai", "base_url": base_url}},
        "models": {
            name: {
                "backend": "upstream",
                "prices": {"input": input_usd, "output": output_usd},
                "capabilities": ["tools", "json_object", "json_schema", "logprobs"],
            }
            for name, (input_usd, output_usd) in prices.items()
        },
        "routers": {
            "default": {
                "default_model": "small",
                "fallbacks": ["mid"],
                "strategy": {"kind": "model", "model": "small"},
            }
        },
        "execution": {"retry": {"max_retries": 0}},
        "ledger": {"url": ""},
        "telemetry": {"log_level": "error"},
    } | parts


@asynccontextmanager
async def service(config: Mapping[str, Any], folder: Path) -> AsyncIterator[tuple[Client, App]]:
    """Serve this configuration; yields a client and the app behind it."""
    path = folder / "frontdesk.yaml"
    path.write_text(yaml.safe_dump(dict(config)))
    async with service_of(path) as running:
        yield running


@asynccontextmanager
async def service_of(path: Path) -> AsyncIterator[tuple[Client, App]]:
    """Serve the configuration in this file; yields a client and the app behind it."""
    loaded = load_config(path, {})
    async with open_server(loaded, address="127.0.0.1:0") as (app, server), Client(server.address) as client:
        yield client, app
