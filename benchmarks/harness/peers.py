"""The gateways that stand beside Frontdesk in `make bench-peers`; benchmarks/peers/install puts them in place."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.config import PACE_MS
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import ROOT, Server, free_port, serving
from benchmarks.harness.queries import Asked, chat

FOLDER = ROOT / ".tools" / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """A running gateway and how it is asked."""

    server: Server
    complete: Asked
    stream: Asked
    paced: Asked
    """A stream whose chunks take their time."""


@contextmanager
def open_peers(cores: Cores, folder: Path, upstream_url: str) -> Iterator[list[Peer]]:
    """All peers, each with one worker."""
    if not (FOLDER / ".ready").exists():
        sys.exit("The peers are not installed: run benchmarks/peers/install, or make bench-peers.")
    opens: list[Callable[[ExitStack, Cores, Path, str], Peer]] = [_litellm, _portkey]
    with ExitStack() as stack:
        yield [open_one(stack, cores, folder, upstream_url) for open_one in opens]


def _litellm(stack: ExitStack, cores: Cores, folder: Path, upstream_url: str) -> Peer:
    """LiteLLM's proxy; a model's name says which upstream is called."""
    port, config = free_port(), folder / "litellm.json"
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": "openai/upstream-model",
                "api_base": f"{upstream_url}{path}",
                "api_key": "none",
            },
        }
        for name, path in (("instant", "/v1"), ("paced", f"/pace/{PACE_MS}/v1"))
    ]
    config.write_text(json.dumps({"model_list": models}))  # JSON is YAML
    program = FOLDER / "litellm" / "bin" / "litellm"
    command = [program, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # nothing is fetched
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # callers are not looked up: its fastest
    }
    log = folder / "litellm.log"
    server = serving("LiteLLM", command, port, cores=cores.server, log=log, environment=environment)
    return Peer(
        stack.enter_context(server),
        chat(model="instant"),
        chat(model="instant", stream=True),
        chat(model="paced", stream=True),
    )


def _portkey(stack: ExitStack, cores: Cores, folder: Path, upstream_url: str) -> Peer:
    """Portkey's gateway; a request's headers name the upstream."""
    port = free_port()
    program = FOLDER / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    command = ["node", program, f"--port={port}", "--headless"]
    server = serving("Portkey", command, port, cores=cores.server, log=folder / "portkey.log")

    def to(path: str) -> tuple[tuple[str, str], ...]:
        return (("x-portkey-provider", "openai"), ("x-portkey-custom-host", f"{upstream_url}{path}"))

    return Peer(
        stack.enter_context(server),
        chat(extra=to("/v1")),
        chat(extra=to("/v1"), stream=True),
        chat(extra=to(f"/pace/{PACE_MS}/v1"), stream=True),
    )
