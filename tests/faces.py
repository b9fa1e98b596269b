"""The whole service with its HTTP faces, for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from frontdesk_server.assembly.app import Fronts, open_fronts
from frontdesk_server.assembly.fronts import listening_at
from frontdesk_server.config.loading import load_config


@asynccontextmanager
async def faces(config: Mapping[str, Any], folder: Path) -> AsyncIterator[Fronts]:
    """Serve this configuration over gRPC and HTTP, on free ports of loopback."""
    path = folder / "frontdesk.yaml"
    path.write_text(yaml.safe_dump(dict(config)))
    loaded = listening_at(load_config(path, {}), "127.0.0.1:0", "127.0.0.1:0")
    async with open_fronts(loaded) as fronts:
        yield fronts


def url_of(fronts: Fronts) -> str:
    """Where the HTTP faces are reached."""
    assert fronts.http is not None
    return fronts.http.url
