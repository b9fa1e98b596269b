"""Starts the servers that the clients are tested against, as processes of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 20.0


@contextmanager
def scripted_server(folder: Path) -> Iterator[dict[str, str]]:
    """The scripted server; yields the environment by which test suites find it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    _make_certificate(certificate, key)
    command = [sys.executable, str(Path(__file__).with_name("scripted_server.py")), "--tls", str(certificate), str(key)]
    with _process(command, folder, {}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        yield {
            "FRONTDESK_SCRIPTED_ADDRESS": addresses["first"],
            "FRONTDESK_SCRIPTED_ADDRESS_2": addresses["second"],
            "FRONTDESK_SCRIPTED_TLS_ADDRESS": addresses["tls"],
            "FRONTDESK_SCRIPTED_CERTIFICATE": str(certificate),
        }


@contextmanager
def real_server(folder: Path, collector: str, *options: str) -> Iterator[dict[str, str]]:
    """`frontdesk serve` on the embedded pool, its ledger in `folder`, its spans sent to `collector` (host:port).

    `options` are further ones of the command.

    Yields the environment as above.
    """
    address = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "frontdesk_server", "serve", "--address", address, *options]
    telemetry = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{collector}", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with _process(command, folder, telemetry) as process:
        with grpc.insecure_channel(address) as channel:
            ready = grpc.channel_ready_future(channel)
            for _ in range(int(START_SECONDS)):
                try:
                    ready.result(timeout=1.0)
                    break
                except grpc.FutureTimeoutError:
                    if process.poll() is not None:
                        raise RuntimeError(f"the server ended with {process.returncode}") from None
            else:
                raise RuntimeError(f"the server was not ready after {START_SECONDS:g} s")
        yield {"FRONTDESK_ADDRESS": address}


@contextmanager
def _process(
    command: list[str], folder: Path, environment: dict[str, str], stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join([str(ROOT / "server"), str(ROOT / "clients/python")])
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment | {"PYTHONPATH": path}, stdout=stdout or log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()


def _make_certificate(certificate: Path, key: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    extensions = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *extensions, *files], check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
