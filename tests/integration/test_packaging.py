"""The wheel, as `pip install frontdesk` gets it: the client alone, and with the server."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_INSTALL_SECONDS = 400

pytestmark = pytest.mark.timeout(900)


def run(*command: str | Path, folder: Path) -> str:
    """Run a command that must succeed; returns its output."""
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)
    (built,) = folder.glob("frontdesk-*.whl")
    return built


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The folder of executables of a fresh virtual environment."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    return tmp_path / "venv" / "bin"


def install(environment: Path, requirement: str, folder: Path) -> None:
    constraints = ROOT / ".ci" / "constraints.txt"
    run(environment / "pip", "install", "--quiet", "--constraint", constraints, requirement, folder=folder)


def test_the_wheel_holds_what_it_needs_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "frontdesk/v1/router_service_pb2_grpc.py",
        "frontdesk/py.typed",
        "frontdesk_server/config/default.yaml",
        "frontdesk_server/routing/cues.yaml",
        "frontdesk_server/artefacts/embedders/data/model.safetensors",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_client_installs_alone_and_says_what_the_server_lacks(
    wheel: Path, environment: Path, tmp_path: Path
) -> None:
    install(environment, str(wheel), tmp_path)
    assert "Client" in run(environment / "python", "-c", "import frontdesk; print(frontdesk.Client)", folder=tmp_path)
    lacking = subprocess.run(
        [environment / "frontdesk", "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert lacking.returncode != 0
    assert "frontdesk[server]" in lacking.stderr
    assert "Traceback" not in lacking.stderr


def test_the_server_installs_and_answers(wheel: Path, environment: Path, tmp_path: Path) -> None:
    install(environment, f"{wheel}[server]", tmp_path)
    answer = json.loads(run(environment / "frontdesk", "complete", "--json", "What is 2 + 2?", folder=tmp_path))
    assert answer["model"] == "small-llm"
