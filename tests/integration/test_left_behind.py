"""A server stops in its time, whatever strategies of plug-ins go on doing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from frontdesk import Client

from tests.integration.test_workers import serving
from tests.records import endings

MODULE = """
import asyncio
import time
from dataclasses import dataclass
from typing import Literal

from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.routing.site import builds


class DeafConfig(StrategyConfig):
    kind: Literal["deaf"]
    how: str


@dataclass
class Deaf:
    path: str
    how: str
    kind: str = "deaf"

    async def rank(self, context):
        if self.how == "thread":
            await asyncio.to_thread(time.sleep, 60)
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                pass


@builds(DeafConfig)
def build(config, site):
    return Deaf(site.path, config.how)
"""

CONFIG = """
server: {grace_seconds: 3, drain_seconds: 0}
backends: {sim: {kind: simulated}}
models: {cheap: {backend: sim}, mid: {backend: sim}}
ledger: {url: "sqlite:///FOLDER/ledger.db"}
routers:
  default:
    default_model: mid
    strategy: {kind: chain, strategies: [{kind: deaf, how: HOW}, {kind: model, model: cheap}]}
"""


@pytest.mark.parametrize(
    ("how", "named"),
    [("loop", "task strategy default/chain.0/deaf"), ("thread", "thread frontdesk_0")],
)
async def test_a_strategy_that_goes_on_keeps_no_server_from_stopping(how: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "deaf_strategy.py").write_text(MODULE)
    info = tmp_path / "deaf-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deaf\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[frontdesk.strategies]\ndeaf = deaf_strategy\n")
    config = CONFIG.replace("HOW", how).replace("FOLDER", str(tmp_path))
    async with serving(tmp_path, text=config) as service:
        await service.wait_for(r"server\.listening")
        async with Client(service.address) as client:
            answered = await client.complete("Hello", timeout=10)
        assert answered.model == "cheap"
        asked = time.monotonic()
        assert await service.stop() == 0
        assert time.monotonic() - asked < 3 + 3

    assert len(endings(tmp_path / "ledger.db")) == 1
    (line,) = (json.loads(line) for line in service.lines if "server.left_behind" in line)
    assert line["left"][0].startswith(named)
    (served,) = (json.loads(line) for line in service.lines if "call.ended" in line)
    assert served["router_ms"] < 1000
