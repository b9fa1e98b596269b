"""A TCP proxy that can be cut: for what one replica sees of a store that others still reach."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

Mode = Literal["through", "silent", "deaf", "closed"]
"""All passes; nothing passes, as when packets are lost; requests pass and answers do not; nobody is connected."""


class Cuttable:
    """Forwards connections to a Unix socket's path, or to host:port, as its mode says."""

    def __init__(self, target: str) -> None:
        self.mode: Mode = "through"
        self.address = ""
        self._target = target
        self._changed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def turn(self, mode: Mode) -> None:
        """From now on so. What was held back before is lost, as are connections."""
        self.mode = mode
        for writer in self._writers:
            if mode != "deaf":
                writer.transport.abort()
        self._changed.set()
        self._changed = asyncio.Event()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def aclose(self) -> None:
        """Cut what there is, for good."""
        self.turn("closed")
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "closed":
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            if self.mode == "silent":
                await self._changed.wait()
                return
            upstream, onwards = await self._connect()
            self._writers.add(onwards)
            try:
                await asyncio.gather(self._pump(reader, onwards, answers=False), self._pump(upstream, writer))
            finally:
                self._writers.discard(onwards)
                onwards.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, colon, port = self._target.rpartition(":")
        if self._target.startswith("/") or not colon:
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(host, int(port))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = True) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                if self.mode == "deaf" and answers:
                    continue
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def cuttable(target: str) -> AsyncIterator[Cuttable]:
    """A proxy on a free port of loopback."""
    proxy = Cuttable(target)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.aclose()
        await server.wait_closed()
