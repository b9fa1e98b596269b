"""The two wheels: the caller's, which holds client and stubs alone, and the server's, which needs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from frontdesk import __version__

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


@dataclass(frozen=True, slots=True)
class Wheels:
    """The two distributions."""

    client: Path
    server: Path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    sources = (ROOT / "clients" / "python", ROOT)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, *sources, folder=folder)
    client, server = folder.glob("frontdesk-*.whl"), folder.glob("frontdesk_server-*.whl")
    return Wheels(next(client), next(server))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The folder of executables of a fresh virtual environment."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    return tmp_path / "venv" / "bin"


def install(environment: Path, *requirements: Path, folder: Path) -> None:
    constraints = ROOT / ".ci" / "constraints.txt"
    run(environment / "pip", "install", "--quiet", "--constraint", constraints, *requirements, folder=folder)


def metadata(wheel: Path) -> Message:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(archive.read(name))


def required(wheel: Path) -> dict[str, str]:
    """What a wheel needs without extras, by name, with the accepted versions."""
    lines = metadata(wheel).get_all("Requires-Dist") or []
    parts = (re.fullmatch(r"([\w-]+)(?:\[\w+\])?([^;]*)(.*)", line) for line in lines)
    return {part[1]: part[2] for part in parts if part is not None and "extra ==" not in part[3]}


def test_the_clients_wheel_is_small_and_holds_the_client_alone(wheels: Wheels) -> None:
    assert wheels.client.stat().st_size <= 1_000_000
    names = zipfile.ZipFile(wheels.client).namelist()
    assert {"frontdesk/py.typed", "frontdesk/v1/router_service_pb2_grpc.py"} <= set(names)
    assert {name.partition("/")[0] for name in names} == {"frontdesk", f"frontdesk-{__version__}.dist-info"}
    assert required(wheels.client).keys() == {"googleapis-common-protos", "grpcio", "grpcio-status", "protobuf"}


def test_the_servers_wheel_needs_the_client_and_holds_neither_it_nor_tests(wheels: Wheels) -> None:
    names = zipfile.ZipFile(wheels.server).namelist()
    for needed in (
        "frontdesk_server/config/default.yaml",
        "frontdesk_server/routing/asides.yaml",
        "frontdesk_server/routing/cues.yaml",
        "frontdesk_server/artefacts/embedders/data/model.safetensors",
        "frontdesk_server/faces/console/templates/base.html",
        "frontdesk_server/faces/console/static/console.css",
        "frontdesk_server/faces/console/static/uplot/uPlot.iife.min.js",
        "frontdesk_server/faces/console/static/uplot/LICENSE",
    ):
        assert needed in names
    packages = {name.partition("/")[0] for name in names}
    assert packages == {"frontdesk_server", f"frontdesk_server-{__version__}.dist-info"}
    assert required(wheels.server)["frontdesk"] == f"=={__version__}"


def test_both_have_the_same_version(wheels: Wheels) -> None:
    assert {metadata(wheel)["Version"] for wheel in (wheels.client, wheels.server)} == {__version__}


def test_the_client_installs_alone(wheels: Wheels, environment: Path, tmp_path: Path) -> None:
    install(environment, wheels.client, folder=tmp_path)
    program = "import frontdesk; print(frontdesk.Client, frontdesk.__version__)"
    assert __version__ in run(environment / "python", "-c", program, folder=tmp_path)
    assert not (environment / "frontdesk").exists()


def test_the_server_installs_and_answers(wheels: Wheels, environment: Path, tmp_path: Path) -> None:
    install(environment, wheels.client, wheels.server, folder=tmp_path)
    answer = json.loads(run(environment / "frontdesk", "complete", "--json", "What is 2 + 2?", folder=tmp_path))
    assert answer["model"] == "small-llm"
