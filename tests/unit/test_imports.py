"""What is loaded when: nobody waits for a library before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOADED = (
    "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules} | set(sys.modules))))"
)

HELP = """
import sys
from frontdesk_server.__main__ import main
sys.argv = ["frontdesk", "--help"]
try:
    main()
except SystemExit:
    print()
"""

PROBE = "import frontdesk_server.cli.health"

SERVING = """
import asyncio
from pathlib import Path
import frontdesk_server.cli.serve
from frontdesk_server.assembly.app import open_server
from frontdesk_server.config.loading import default_config_path, parse_config
async def serve():
    text = default_config_path().read_text()
    async with open_server(parse_config(text, "frontdesk.yaml", {}), address="127.0.0.1:0"):
        pass
asyncio.run(serve())
"""

LEARNING = {"frontdesk_server.learning", "matplotlib", "pyarrow", "scipy", "sklearn"}
UPSTREAMS = {"aiohttp", "botocore", "httpcore", "httpx"}
EXPORTERS = {"opentelemetry.exporter", "opentelemetry.sdk.metrics", "frontdesk_server.telemetry.metric_export"}
STORES = {"asyncpg", "psycopg", "redis"}
SERVER = {"frontdesk_server", "numpy", "opentelemetry", "pydantic", "sqlalchemy", "structlog", "tokenizers", "yaml"}


@pytest.mark.parametrize(
    ("program", "needless"),
    [
        pytest.param("import frontdesk", SERVER | UPSTREAMS | LEARNING, id="the client"),
        pytest.param(HELP, (SERVER - {"frontdesk_server"}) | {"asyncio", "grpc"} | UPSTREAMS | LEARNING, id="help"),
        pytest.param(PROBE, (SERVER - {"frontdesk_server"}) | UPSTREAMS | LEARNING, id="asking for health"),
        pytest.param(SERVING, LEARNING | UPSTREAMS | EXPORTERS | STORES | {"cryptography"}, id="the embedded pool"),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(program: str, needless: set[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"{program}\n{LOADED}"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert sorted(needless.intersection(json.loads(ran.stdout.splitlines()[-1]))) == []
