"""The README's lines of HTTP, against the server that its `make run` starts."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.envoy import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server of `make run` speaks HTTP, on ports that are free."""
    recipe = re.search(r"^run:.*\n\t@\$\(BIN\)/frontdesk (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    http = f"127.0.0.1:{free_port()}"
    options = [*shlex.split(recipe[1].replace("127.0.0.1:8080", http)), "--address", f"127.0.0.1:{free_port()}"]
    assert http in options
    folder = tmp_path_factory.mktemp("run")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk_server", *options], cwd=folder, stdout=log, stderr=log
        )
        try:
            wait_until_ready(f"http://{http}/v1/models", process, folder / "server.log")
            yield http
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()
                process.wait()


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = build_opener(ProxyHandler({}))
    give_up_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            with opener.open(url, timeout=5):
                return
        except URLError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


def ran(command: list[str]) -> str:
    done = subprocess.run(
        command, env=os.environ | {"NO_PROXY": "*"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_curl_line_is_answered(address: str) -> None:
    if shutil.which("curl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no curl, which CI must have")
        pytest.skip("no curl")
    head, _, body = ran(["bash", "-c", block("sh").replace("localhost:8080", address)]).partition("\n\n")
    assert head.splitlines()[0].split()[1] == "200", head
    answer = json.loads(body)
    assert answer["model"] == "small-llm"
    assert answer["choices"][0]["message"]["content"].startswith("[simulated small-llm]")


def test_openais_own_client_is_answered(address: str) -> None:
    told = ran([sys.executable, "-c", block("py").replace("localhost:8080", address)])
    assert told.startswith("small-llm [simulated small-llm]")
