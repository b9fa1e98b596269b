"""A replica: a server of its own process, and what stands between it and what the replicas share."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cuttable import Cuttable

_START_SECONDS = 240
_STOP_SECONDS = 60


class Replica:
    """`frontdesk serve` at one address, started and ended as often as a test wants."""

    def __init__(self, address: str, folder: Path, redis: Cuttable) -> None:
        self.address = address
        self.redis = redis
        self.killed_at: list[float] = []
        self._folder = folder
        self._path = folder / "frontdesk.yaml"
        self._process: asyncio.subprocess.Process | None = None
        folder.mkdir()

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write its configuration; one that runs reads it when it is told to `reload`."""
        self._path.write_text(yaml.safe_dump(dict(config)))

    async def start(self, source: Path | None = None) -> None:
        """Start it, from another version's folder where one is named, and wait until it listens."""
        environment = dict(os.environ)
        if source is not None:
            environment["PYTHONPATH"] = os.pathsep.join(str(source / part) for part in ("server", "clients/python"))
        command = [sys.executable, "-m", "frontdesk_server", "serve", "-c", str(self._path), "--address", self.address]
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, cwd=self._folder, env=environment
            )
        await self._listening()

    def reload(self) -> None:
        """Have it read its configuration again."""
        self._signal(signal.SIGHUP)

    async def drain(self) -> None:
        """An orderly end: calls that run finish."""
        self._signal(signal.SIGTERM)
        await self._ended()

    async def kill(self) -> None:
        """Take its process away."""
        self._signal(signal.SIGKILL)
        await self._ended()

    async def stop(self) -> None:
        """An orderly end, if it runs still."""
        if self._process is not None and self._process.returncode is None:
            await self.drain()

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self._folder / "log").read_text(errors="replace")

    async def _listening(self) -> None:
        host, port = self.address.split(":")
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    assert self._process is not None
                    if self._process.returncode is not None:
                        raise RuntimeError(f"it ended:\n{self.log[-3000:]}")
                    try:
                        _, writer = await asyncio.open_connection(host, int(port))
                    except OSError:
                        await asyncio.sleep(0.05)
                    else:
                        writer.close()
                        return
        except TimeoutError as error:
            raise RuntimeError(f"it does not listen:\n{self.log[-3000:]}") from error

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def _ended(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(_STOP_SECONDS):
            await self._process.wait()
