"""Calls without stubs work through reflection: runs the commands of docs/calling-without-a-client.md as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tests.interop.servers import ROOT

PAGE = ROOT / "docs" / "calling-without-a-client.md"
BLOCKS = re.findall(r"^```(sh|sh-fails)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
INSTALL_SECONDS = 600


@pytest.fixture(scope="module")
def tools() -> str:
    """A folder with grpcurl, built once where Go is present."""
    if shutil.which("go") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Go toolchain (go), which CI must have")
        pytest.skip("no Go toolchain (go)")
    subprocess.run(["make", "--silent", ".tools/bin/grpcurl"], cwd=ROOT, check=True, timeout=INSTALL_SECONDS)
    return str(ROOT / ".tools" / "bin")


@pytest.mark.timeout(INSTALL_SECONDS + 60)
@pytest.mark.parametrize(("kind", "block"), BLOCKS, ids=[str(index) for index in range(len(BLOCKS))])
def test_the_page_tells_the_truth(kind: str, block: str, tools: str, environment: dict[str, str]) -> None:
    script = "set -euo pipefail\n" + block.replace("localhost:50051", environment["FRONTDESK_ADDRESS"])
    path = os.pathsep.join([tools, os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60
    )
    if kind == "sh":
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        assert done.returncode == 64 + 5, "NOT_FOUND"
        assert "UNKNOWN_ROUTER" in done.stderr
        assert "policy.router" in done.stderr


def test_the_page_shows_every_rpc() -> None:
    commands = "".join(block for _, block in BLOCKS)
    for rpc in ("Route", "Complete", "StreamComplete", "ReportOutcome", "GetDecision", "ListModels"):
        assert f"frontdesk.v1.RouterService/{rpc}" in commands
