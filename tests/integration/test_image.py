"""The image's steps, taken in a plain folder where no container engine is, and the service that comes of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from frontdesk_server.config.loading import load_config

from tests.prometheus import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy/Dockerfile"
LOCK = ROOT / "deploy/requirements.lock"
_INSTALL_SECONDS = 900
BASE = re.findall(r"^FROM python:(\d+\.\d+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)[0]
PYTHON = shutil.which(f"python{BASE}") or sys.executable
"""The base image's, where it is installed; else that which the tests run with."""
USER = 10001
_PLACES = re.compile(r"(?<![\w./-])/(opt|source|var/lib)(?=/)")
"""Folders of the image's root that its steps name."""


@dataclass
class Stage:
    """One stage of the file: its instructions in order."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def only(self, instruction: str) -> str:
        """What the one instruction of this kind says."""
        (found,) = [text for kind, text in self.steps if kind == instruction]
        return found


def stages() -> list[Stage]:
    """The Dockerfile, read as Docker reads it: a line that ends in a backslash goes on, comments are none."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        kind, _, text = line.partition(" ")
        if kind == "FROM":
            found.append(Stage(text.partition(" AS ")[2]))
        elif kind:
            found[-1].steps.append((kind, text))
    return found


def sent_to_the_builder(source: str) -> list[Path]:
    """The files below a path that .dockerignore lets through, of those that git knows."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", source],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [Path(line) for line in listed.stdout.splitlines()]
    return [file for file in files if any(file.match(rule) or Path(rule) in file.parents for rule in allowed)]


def build(root: Path) -> None:
    """Take the steps of the stage that builds, with the folder in place of the root, and `PYTHON` as its own."""
    (root / "opt").mkdir(parents=True)
    work = root
    tools = root / "usr/bin"
    tools.mkdir(parents=True)
    (tools / "python").symlink_to(PYTHON)
    (root / "usr/lib").symlink_to(Path(PYTHON).resolve().parents[1] / "lib")  # found beside it, whoever looks
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(root), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "http"))}
    for kind, text in stages()[0].steps:
        if kind == "WORKDIR":
            work = root / text.lstrip("/")
            work.mkdir()
        elif kind == "COPY":
            *sources, target = text.split()
            for source in sources:
                _copy(source, work / target)
        else:
            assert kind == "RUN"
            step = _PLACES.sub(lambda place: f"{root}/{place[1]}", text)
            ran = subprocess.run(["bash", "-ec", step], cwd=work, env=environment, capture_output=True, text=True)
            if ran.returncode and "--requirement" in step and os.environ.get("CI") != "true":
                pytest.skip(f"packages cannot be installed here: {ran.stderr[-200:]}")
            assert ran.returncode == 0, f"{step}\n{ran.stdout}{ran.stderr}"


def _copy(source: str, target: Path) -> None:
    """As COPY does: a folder's content into the target, a file into a target that ends with a slash, or is a folder."""
    whole = ROOT / source
    files = sent_to_the_builder(source)
    assert files, f"{source} is not sent to the builder"
    for file in files:
        to = target / ((ROOT / file).relative_to(whole) if whole.is_dir() else file.name)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, to)


def the_user(python: Path) -> int | None:
    """That of the image, where these tests run as root and a Python that everybody may run; else None."""
    if os.geteuid() != 0:
        return None
    try:
        ran = subprocess.run([python, "-c", ""], user=USER, group=USER, extra_groups=(), cwd="/", capture_output=True)
    except PermissionError:
        return None
    return None if ran.returncode else USER


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The folder in which the steps were taken, readable by all."""
    root = Path(tempfile.mkdtemp(prefix="frontdesk-image-", dir="/tmp"))
    root.chmod(0o755)
    try:
        build(root)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.timeout(_INSTALL_SECONDS)
class TestBuilt:
    """What needs the packages, from wherever pip has them."""

    def test_the_service_starts_from_it_says_that_it_is_healthy_and_ends_in_order(self, image: Path) -> None:
        data = image / "data"
        data.mkdir()
        frontdesk, address = image / "opt/frontdesk/bin/frontdesk", f"127.0.0.1:{free_port()}"
        config = (ROOT / "deploy/frontdesk.yaml").read_text().replace("/var/lib/frontdesk", str(data))
        (data / "frontdesk.yaml").write_text(config.replace("0.0.0.0:9464", f"127.0.0.1:{free_port()}"))
        environment = {"PATH": "/usr/bin:/bin"}
        command: list[str | Path] = [frontdesk, "serve", "--config", data / "frontdesk.yaml", "--address", address]
        user = the_user(frontdesk.with_name("python"))
        if user is not None:
            os.chown(data, user, user)
        with (image / "log").open("wb") as log:
            served = subprocess.Popen(command, cwd=data, env=environment, stdout=log, stderr=log, user=user, group=user)
        probe = [frontdesk, *json.loads(stages()[1].only("HEALTHCHECK").partition("CMD ")[2])[1:], "--address", address]
        try:
            deadline = time.monotonic() + 120
            while subprocess.run(probe, env=environment, capture_output=True, cwd=data).returncode:
                assert served.poll() is None, (image / "log").read_text()
                assert time.monotonic() < deadline, (image / "log").read_text()
            asked: list[str | Path] = [frontdesk, "complete", "--address", address, "What is 2 + 2?"]
            answered = subprocess.run(asked, env=environment, capture_output=True, text=True, cwd=data)
            assert answered.returncode == 0, answered.stderr
            kept = (data / "frontdesk.db").stat()
            assert kept.st_uid == (os.geteuid() if user is None else USER)
        finally:
            served.send_signal(signal.SIGTERM)
            assert served.wait(60) == 0
        gone = subprocess.run(probe, env=environment, capture_output=True, text=True, cwd=data)
        assert (gone.returncode, gone.stdout) == (1, "UNAVAILABLE\n")

    def test_every_extra_that_a_configuration_may_need_can_be_imported(self, image: Path) -> None:
        modules = ["azure.identity", "botocore", "connectrpc", "genai_prices", "google.auth", "jwt", "onnxruntime"]
        modules += ["psycopg", "redis", "uvicorn"]
        python = image / "opt/frontdesk/bin/python"
        subprocess.run([python, "-c", f"import {', '.join(modules)}"], check=True, capture_output=True, cwd=image)

    def test_what_builds_it_is_not_left_in_it(self, image: Path) -> None:
        packages = {file.name.partition("-")[0] for file in image.glob("opt/frontdesk/lib/*/site-packages/*.dist-info")}
        assert {"frontdesk", "frontdesk_server", "grpcio"} <= packages
        assert not packages & {"pip", "hatchling", "cyclonedx_bom", "pytest"}
        assert find_spec("pip") is not None

    def test_its_bill_of_materials_names_every_package_with_its_version(self, image: Path) -> None:
        bill = json.loads((image / "opt/frontdesk/sbom.cdx.json").read_text())
        assert bill["bomFormat"] == "CycloneDX"
        named = {
            (component["name"].replace("-", "_").lower(), component["version"]) for component in bill["components"]
        }
        installed = {
            tuple(file.name.removesuffix(".dist-info").lower().rsplit("-", 1))
            for file in image.glob("opt/frontdesk/lib/*/site-packages/*.dist-info")
        }
        assert {(name.replace(".", "_"), version) for name, version in installed} <= {
            (name.replace(".", "_"), version) for name, version in named
        }


def locked() -> dict[str, str]:
    """Versions by package."""
    pairs = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_the_lock_is_of_the_versions_that_the_tests_run_with() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / ".ci/constraints.txt").read_text(), re.MULTILINE))
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    versions = locked()
    other = {name: version for name, version in versions.items() if version != pins.get(name, version)}
    assert not other, "run make lock"


def test_the_lock_has_whatever_a_configuration_may_need() -> None:
    """All but training, which is large and no part of serving."""
    server = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    client = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    extras = server["optional-dependencies"]
    lists = [server["dependencies"], client["dependencies"], *(extras[name] for name in extras if name != "learn")]
    wanted = {re.split(r"[\[<>=;! ]", requirement)[0].lower() for each in lists for requirement in each}
    assert wanted - {"frontdesk"} <= locked().keys(), "run make lock"


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-build.lock"])
def test_every_package_is_locked_by_hashes_and_to_no_place(file: str) -> None:
    text = (ROOT / "deploy" / file).read_text()
    packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text
    assert "--index" not in text


def test_the_image_runs_as_nobody_that_matters_and_tells_its_health() -> None:
    last = stages()[-1]
    assert last.only("USER") == f"{USER}:{USER}"
    assert json.loads(last.only("ENTRYPOINT"))[0] == json.loads(last.only("HEALTHCHECK").partition("CMD ")[2])[0]
    assert f"--uid {USER}" in last.only("RUN")
    assert all("--require-hashes" in text for _, text in stages()[0].steps if "--requirement" in text)


def test_the_ports_are_those_of_the_configuration_that_is_shipped() -> None:
    assert (load_config(ROOT / "deploy/frontdesk.yaml").config.telemetry.prometheus_address or "").endswith(":9464")
    assert stages()[-1].only("EXPOSE").split() == ["50051", "8080", "9464"]


@pytest.mark.timeout(_INSTALL_SECONDS)
def test_hadolint_finds_nothing_to_complain_of() -> None:
    made = subprocess.run(
        ["make", "--silent", ".tools/hadolint/bin/hadolint"], cwd=ROOT, capture_output=True, text=True
    )
    if made.returncode and os.environ.get("CI") != "true":
        pytest.skip("hadolint cannot be installed here")
    assert made.returncode == 0, made.stderr
    checked = subprocess.run(
        [ROOT / ".tools/hadolint/bin/hadolint", DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
