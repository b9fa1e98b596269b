"""`frontdesk health` says what the server says, and ends as containers' health checks want it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from tests.commands import frontdesk
from tests.integration.test_workers import serving
from tests.service import pool_config


async def test_a_server_is_healthy_until_it_drains_and_then_is_gone(tmp_path: Path) -> None:
    config = pool_config("http://127.0.0.1:9/v1", server={"drain_seconds": 60}, telemetry={})

    async def health(address: str) -> tuple[int, str]:
        ran = await asyncio.to_thread(frontdesk, "health", "--address", address, folder=tmp_path)
        return ran.returncode, ran.stdout

    async with serving(tmp_path, text=yaml.safe_dump(config)) as service:
        await service.wait_for("server.listening")
        assert await health(service.address) == (0, "SERVING\n")
        service.process.terminate()
        await service.wait_for("server.stopping")
        assert await health(service.address) == (1, "NOT_SERVING\n")
        service.process.kill()
        await service.finished()
        assert await health(service.address) == (1, "UNAVAILABLE\n")
