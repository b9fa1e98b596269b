"""Runs the test suite of each client against the same servers. A missing toolchain is skipped, and fails in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.servers import ROOT
from tests.interop.table import read_cells, required

SUITE_SECONDS = 840


@dataclass(frozen=True, slots=True)
class Suite:
    """How the tests of one client are run, from its folder."""

    language: str
    program: str
    folder: str
    commands: tuple[str, ...]
    example: str

    def require(self) -> None:
        """Skip, or fail in CI, when the toolchain is missing."""
        if shutil.which(self.program) is None:
            message = f"no {self.language} toolchain ({self.program})"
            if os.environ.get("CI") == "true":
                pytest.fail(f"{message}, which CI must have")
            pytest.skip(message)

    def run(self, command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            command.split(),
            cwd=ROOT / "clients" / self.folder,
            env={"GOFLAGS": "-p=2", "MAVEN_OPTS": "-Xmx1g"} | os.environ | environment,
            capture_output=True,
            text=True,
            timeout=SUITE_SECONDS,
            check=False,
        )


SUITES = [
    Suite("Go", "go", "go", ("go vet ./...", "go test -count=1 ./..."), "go run ./example"),
    Suite("Java", "mvn", "java", ("mvn --quiet --batch-mode test",), "mvn --quiet --batch-mode exec:java"),
    Suite("TypeScript", "npm", "typescript", ("npm ci --silent", "npm test --silent"), "npm run --silent example"),
]


@pytest.mark.timeout(SUITE_SECONDS + 60)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.folder)
def test_the_client_passes_every_case(suite: Suite, environment: dict[str, str]) -> None:
    suite.require()
    for command in suite.commands:
        done = suite.run(command, environment)
        assert done.returncode == 0, f"{command}\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}"
    cells = read_cells(Path(environment["FRONTDESK_INTEROP_RESULTS"]))
    passed = {(cell.rpc, cell.feature) for cell in cells if cell.language == suite.language and cell.passed}
    assert set(required()) - passed == set()


@pytest.mark.timeout(SUITE_SECONDS + 60)
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.folder)
def test_the_example_runs_against_the_real_server(suite: Suite, environment: dict[str, str]) -> None:
    suite.require()
    done = suite.run(suite.example, environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    for expected in ("small-llm: ", "candidates:", "decided for ", "cancelled midway", "recorded"):
        assert expected in done.stdout
