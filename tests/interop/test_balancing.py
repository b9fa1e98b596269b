"""A client in Go sends a replica that is busy less than one that is not, as their answers tell it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import grpc
import pytest
from frontdesk.v1 import chat_pb2, router_service_pb2

from tests.fake_desk import HANG, FakeDesk
from tests.serving import serving

FOLDER = Path(__file__).with_name("balancing")
BUILD_SECONDS = 600
PLACES = 40
BUSY = 20


@pytest.mark.timeout(BUILD_SECONDS + 60)
async def test_weighted_round_robin_spares_the_busy_replica(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        message = "no Go toolchain (go)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{message}, which CI must have")
        pytest.skip(message)
    program = tmp_path / "balancing"
    await run("go", "build", "-o", str(program), ".", cwd=FOLDER)
    busy, idle = FakeDesk(events=[HANG]), FakeDesk()
    settings: dict[str, Any] = {"load_reports": "always", "max_concurrent_calls": PLACES}
    part = chat_pb2.ContentPart(text="What is 2 + 2?")
    query = chat_pb2.Query(messages=[chat_pb2.Message(role=chat_pb2.ROLE_USER, parts=[part])])
    async with (
        serving(busy, **settings) as first,
        serving(idle, **settings) as second,
        grpc.aio.insecure_channel(first.address) as channel,
    ):
        stream: Any = channel.unary_stream(
            "/frontdesk.v1.RouterService/StreamComplete",
            request_serializer=router_service_pb2.StreamCompleteRequest.SerializeToString,
        )
        waiting = [stream(router_service_pb2.StreamCompleteRequest(query=query)) for _ in range(BUSY)]
        while len(busy.asked) < BUSY:
            await asyncio.sleep(0.01)
        counts = json.loads(await run(str(program), first.address, second.address))
        for call in waiting:
            call.cancel()
    assert counts[second.address] > 3 * counts.get(first.address, 0)


async def run(*command: str, cwd: Path | None = None) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, command
    return output
