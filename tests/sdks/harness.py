"""The service that clients are tried against: the upstream behaves as the last word of the user asks it to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faces import faces, url_of
from tests.service import pool_config
from tests.upstream import Fault, FaultyUpstream, Script, SeenRequest

ROOT = Path(__file__).parents[2]
_SCRIPTS: Mapping[str, Script] = {
    "chat": Script(),
    "tool": Script(tool_name="get_weather", tokens=('{"city":', '"Paris"}')),
    "json": Script(tokens=('{"answer"', ":4}")),
    "think": Script(reasoning="Two and two."),
    "cut": Script(Fault.CUT),
    "slow": Script(tokens=("slow ",) * 200, interval_seconds=0.1),
    "hang": Script(Fault.HANG_BEFORE_HEADERS),
}
_CAPABILITIES = ["tools", "json_object", "json_schema", "logprobs", "image_input", "reasoning"]


def script_of(request: SeenRequest) -> Script:
    """How the upstream behaves."""
    last = request.body["messages"][-1]
    content = last["content"]
    words = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return _SCRIPTS.get(words, Script()) if last["role"] == "user" else Script()


@asynccontextmanager
async def tried(folder: Path) -> AsyncIterator[tuple[str, FaultyUpstream]]:
    """The address of a service whose model `limited` answers once a second."""
    async with FaultyUpstream(script_of) as upstream:
        config = pool_config(upstream.openai_url)
        for model in config["models"].values():
            model["capabilities"] = _CAPABILITIES
        config["models"]["limited"] = config["models"]["small"]
        config["routers"]["default"]["fallbacks"] = []
        config["limits"] = {
            "store": "memory",
            "rules": [{"name": "limited", "models": ["limited"], "window": "second", "requests": 1}],
        }
        async with faces(config, folder) as fronts:
            yield url_of(fronts), upstream


async def outcomes(command: Sequence[str], url: str, *features: str) -> dict[str, str]:
    """What a client's script says of the features, or of all."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        *command,
        url,
        *features,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await asyncio.wait_for(process.communicate(), 110)
    told: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines() if line.startswith(b'{"feature"')]
    assert told, complaints.decode()
    return {one["feature"]: one["outcome"] for one in told}


async def main() -> None:
    """Serve until interrupted, to try a script by hand."""
    async with tried(Path(sys.argv[1])) as (url, _):
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
