"""A Frontdesk for the recordings: its configuration, and its process."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from frontdesk import Client

from benchmarks.recordings.corpus import Recording

_LIMIT_BYTES = 2**26
_START_SECONDS = 60.0
_CAPABILITIES = {
    "openai": "tools json_object json_schema image_input audio_input document_input reasoning seed penalties logprobs "
    "top_k prefill tool_result_media",
    "anthropic": "tools json_schema image_input document_input reasoning top_k prefill tool_result_media",
}


def model_name(recording: Recording, *, named: bool) -> str:
    """The name of the model, and of the router, that answers for this recording."""
    if not named:
        return recording.kind
    asked = str((recording.request or {}).get("model") or "unnamed")
    return re.sub(r"[^a-zA-Z0-9._-]+", "_", f"{recording.kind}.{recording.provider}.{asked}")[:100]


def configuration(recordings: Iterable[Recording], port: int, *, named: bool) -> dict[str, Any]:
    """One model for each kind of API, or one for each that was recorded."""
    backends: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for recording in recordings:
        kind = recording.kind
        backend = f"{kind}.{recording.provider}" if named else kind
        path = "/v1" if kind == "openai" else ""
        backends[backend] = {
            "kind": kind,
            "base_url": f"http://127.0.0.1:{port}{path}",
            "api_key": "sk-none-0000000000",
            **({"provider": recording.provider} if named and kind == "openai" else {}),
        }
        models[model_name(recording, named=named)] = {
            "backend": backend,
            "upstream_model": str((recording.request or {}).get("model") or "unnamed") if named else f"up-{kind}",
            "prices": {"input": 1.0, "output": 10.0, "cache_read": 0.1, "cache_write": 1.25},
            "context_window": 10_000_000,
            "capabilities": _CAPABILITIES[kind].split(),
        }
    return {
        "server": {"address": "127.0.0.1:0", "max_message_bytes": _LIMIT_BYTES},
        "backends": backends,
        "models": models,
        "routers": {
            name: {"default_model": name, "strategy": {"kind": "model", "model": name}, "timeout_seconds": 20}
            for name in models
        },
        "execution": {
            "retry": {"max_retries": 0},
            "breaker": {"window": 1000, "min_calls": 1000, "failure_share": 1.0},
        },
        "telemetry": {"log_level": "info"},
    }


@asynccontextmanager
async def frontdesk(config: dict[str, Any], folder: Path) -> AsyncIterator[Client]:
    """A client of a Frontdesk that serves this configuration while the context lasts."""
    file = folder / "frontdesk.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "frontdesk_server", "serve", "--config", file.name]
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=log, stderr=log)
    try:
        address = await asyncio.wait_for(_address(process, folder / "server.log"), _START_SECONDS)
        options = {"grpc.max_send_message_length": _LIMIT_BYTES, "grpc.max_receive_message_length": _LIMIT_BYTES}
        async with Client(address, options=options) as client:
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    while process.returncode is None:
        told = await asyncio.to_thread(log.read_text)
        if found := re.search(r"127\.0\.0\.1:\d{2,}", told):
            return found[0]
        await asyncio.sleep(0.1)
    raise RuntimeError(await asyncio.to_thread(log.read_text))
