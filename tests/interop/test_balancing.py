"""Clients in Go and Java send a replica that is busy less than one that is not, as their answers tell it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from collections.abc import Sequence
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
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies"
QUERY = chat_pb2.Query(
    messages=[chat_pb2.Message(role=chat_pb2.ROLE_USER, parts=[chat_pb2.ContentPart(text="What is 2 + 2?")])]
)


@pytest.mark.timeout(BUILD_SECONDS + 60)
@pytest.mark.parametrize("language", ["go", "java"])
async def test_weighted_round_robin_spares_the_busy_replica(tmp_path: Path, language: str) -> None:
    program = await (go_program(tmp_path) if language == "go" else java_program(tmp_path))
    busy, idle = FakeDesk(events=[HANG]), FakeDesk()
    settings: dict[str, Any] = {"load_reports": "always", "max_concurrent_calls": PLACES}
    async with (
        serving(busy, **settings) as first,
        serving(idle, **settings) as second,
        grpc.aio.insecure_channel(first.address) as channel,
    ):
        stream: Any = channel.unary_stream(
            "/frontdesk.v1.RouterService/StreamComplete",
            request_serializer=router_service_pb2.StreamCompleteRequest.SerializeToString,
        )
        waiting = [stream(router_service_pb2.StreamCompleteRequest(query=QUERY)) for _ in range(BUSY)]
        while len(busy.asked) < BUSY:
            await asyncio.sleep(0.01)
        counts = json.loads(await run(*program, first.address, second.address))
        for call in waiting:
            call.cancel()
    assert counts[second.address] > 3 * counts.get(first.address, 0)


async def go_program(folder: Path) -> Sequence[str]:
    needs("Go", "go")
    program = str(folder / "balancing")
    await run("go", "build", "-o", program, ".", cwd=FOLDER / "go")
    return [program]


async def java_program(folder: Path) -> Sequence[str]:
    needs("Java", "java", "mvn")
    source = FOLDER / "java"
    await run("mvn", "-q", "-B", "-f", str(source / "pom.xml"), COPY, f"-DoutputDirectory={folder}")
    request = router_service_pb2.RouteRequest(query=QUERY).SerializeToString()
    classes = f"{folder}/*"
    return ["java", "-cp", classes, str(source / "Balancing.java"), base64.b64encode(request).decode()]


def needs(toolchain: str, *programs: str) -> None:
    """Skip where a program is missing, which fails where CI must have it."""
    if all(map(shutil.which, programs)):
        return
    message = f"no {toolchain} toolchain ({' and '.join(programs)})"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{message}, which CI must have")
    pytest.skip(message)


async def run(*command: str, cwd: Path | None = None) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, command
    return output
