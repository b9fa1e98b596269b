"""A server, and a command that asks strategies in its own process, ends in time, whatever strategies go on doing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
        if self.how == "interrupt":
            self.task = asyncio.create_task(self.interrupt())
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                pass

    async def interrupt(self):
        await asyncio.sleep(1)
        raise KeyboardInterrupt


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


def _plugged_in(how: str, folder: Path) -> str:
    """Install the strategy into a folder; the configuration that uses it."""
    (folder / "deaf_strategy.py").write_text(MODULE)
    info = folder / "deaf-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deaf\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[frontdesk.strategies]\ndeaf = deaf_strategy\n")
    return CONFIG.replace("HOW", how).replace("FOLDER", str(folder))


@pytest.mark.parametrize(
    ("how", "named"),
    [("loop", "task strategy default/chain.0/deaf"), ("thread", "thread frontdesk_")],
)
async def test_a_strategy_that_goes_on_keeps_no_server_from_stopping(how: str, named: str, tmp_path: Path) -> None:
    async with serving(tmp_path, text=_plugged_in(how, tmp_path)) as service:
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


async def test_a_task_of_others_that_ends_the_loop_leaves_no_process_behind(tmp_path: Path) -> None:
    async with serving(tmp_path, text=_plugged_in("interrupt", tmp_path)) as service:
        await service.wait_for(r"server\.listening")
        async with Client(service.address) as client:
            assert (await client.complete("Hello", timeout=10)).model == "cheap"
        await service.wait_for(r"server\.left_behind")
        assert await service.finished() == 1

    assert len(endings(tmp_path / "ledger.db")) == 1
    assert any('"part":"task","error_type":"KeyboardInterrupt"' in line for line in service.lines)


def _run(folder: Path, *arguments: str, patience_ms: int = 300) -> subprocess.CompletedProcess[str]:
    """A command, with the folder's plug-ins; recorded queries are routed with less patience than is usual."""
    program = (
        "from frontdesk_server.learning.recorded import engine\n"
        "from frontdesk_server.cli import main\n"
        f"engine._PATIENCE_MS = {patience_ms}\n"
        "main()\n"
    )
    path = os.pathsep.join([str(folder), *sys.path])
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )


@pytest.mark.parametrize(
    ("how", "named"),
    [("loop", "task strategy default/chain.0/deaf"), ("thread", "thread frontdesk_")],
)
def test_a_strategy_that_goes_on_keeps_no_command_from_ending(how: str, named: str, tmp_path: Path) -> None:
    (config := tmp_path / "frontdesk.yaml").write_text(_plugged_in(how, tmp_path))
    done = _run(tmp_path, "route", "--config", str(config), "Hello")
    assert (done.returncode, done.stdout[:5]) == (0, "cheap")
    assert f"left behind, as it goes on when it is cancelled: {named}" in done.stderr


def test_a_task_of_others_that_ends_the_loop_keeps_no_command_from_ending(tmp_path: Path) -> None:
    (config := tmp_path / "frontdesk.yaml").write_text(_plugged_in("interrupt", tmp_path))
    (tmp_path / "deaf_strategy.py").write_text(MODULE.replace("asyncio.sleep(1)", "asyncio.sleep(0)"))
    done = _run(tmp_path, "route", "--config", str(config), "Hello")
    assert done.returncode == 130
    assert "left behind" in done.stderr


@pytest.mark.parametrize("command", ["replay", "diff-policy"])
def test_a_strategy_that_goes_on_ends_what_routes_recorded_queries(command: str, tmp_path: Path) -> None:
    """What decides in its place would be taken for what the configuration does."""
    text = _plugged_in("loop", tmp_path).replace('ledger.db"', 'ledger.db", store_prompts: true')
    (config := tmp_path / "frontdesk.yaml").write_text(text)
    (plain := tmp_path / "plain.yaml").write_text(text.replace("{kind: deaf, how: loop}, ", ""))
    assert _run(tmp_path, "route", "--config", str(plain), "Hello").returncode == 0
    done = _run(tmp_path, command, "--policy", str(config), "--config", str(plain))
    assert done.returncode == 1
    assert "strategy 'default/chain.0/deaf' did not decide in time" in done.stderr
    assert "left behind" in done.stderr
