"""What a start refuses, `frontdesk check` refuses with its place, and it leaves everything as it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from frontdesk_server.config.service import ServerConfig

from tests.certificates import GOOD_DAYS, Authority
from tests.integration.test_faults_of_surroundings import fault_of_check, place_of, written

RULES = [{"name": "a", "window": "day", "requests": 1}]
Days = tuple[float, float]
OVER, TO_COME = (-3.0, -1.0), (1.0, 3.0)


@pytest.mark.parametrize(
    ("parts", "key", "message"),
    [
        ({"telemetry": {"prometheus_address": "127.0.0.1:999999"}}, "telemetry.prometheus_address", "no address"),
        ({"telemetry": {"prometheus_address": "localhost"}}, "telemetry.prometheus_address", "no address"),
        ({"telemetry": {"prometheus_address": "unix:/tmp/x"}}, "telemetry.prometheus_address", "no address"),
        (
            {"telemetry": {"prometheus_address": "0.0.0.0:5001"}, "server": {"address": "0.0.0.0:5001"}},
            "telemetry.prometheus_address",
            "is the address of the service itself",
        ),
        ({"limits": {"path": "{folder}", "rules": RULES}}, "limits.path", "it is no file"),
        ({"limits": {"path": "{folder}/none/x.db", "rules": RULES}}, "limits.path", "there is no folder"),
        ({"limits": {"path": "{folder}/notes.txt", "rules": RULES}}, "limits.path", "not a database"),
        ({"ledger": {"url": "", "redact": ["ok", "("]}}, "ledger.redact[1]", "is no RE2 pattern: missing )"),
        ({"server": {"address": "unix:{folder}/none/s"}}, "server.address", "there is no folder"),
        ({"server": {"address": "unix:{folder}/" + "x" * 107}}, "server.address", "a socket's has at most 107"),
        ({"server": {"address": "unix:{folder}"}}, "server.address", "something else than a socket"),
        ({"server": {"address": "unix:{folder}/notes.txt"}}, "server.address", "something else than a socket"),
        (
            {"backends": {"upstream": {"kind": "openai", "base_url": "http://x", "ca_file": "{folder}/notes.txt"}}},
            "backends.upstream.ca_file",
            "holds no certificates in PEM",
        ),
        (
            {"backends": {"upstream": {"kind": "openai", "base_url": "http://x", "ca_file": "{folder}/pipe"}}},
            "backends.upstream.ca_file",
            "file",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_start_would_refuse_is_a_fault_of_check(
    parts: Mapping[str, Any], key: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("no certificate, no database, no socket; " * 30)
    os.mkfifo(tmp_path / "pipe")
    path = written(tmp_path, **_filled(parts, str(tmp_path)))
    before = sorted(tmp_path.iterdir())
    fault = fault_of_check(path, capsys)
    assert fault.startswith(place_of(path, key.split(".")[-1].partition("[")[0]))
    assert f"{key}: " in fault.replace("redact.1", "redact[1]")
    assert message in fault
    assert sorted(tmp_path.iterdir()) == before


def test_a_socket_that_is_served_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as serving:
        serving.bind(str(tmp_path / "s"))
        path = written(tmp_path, server=ServerConfig(address=f"unix:{tmp_path}/s").model_dump(include={"address"}))
        assert not fault_of_check(path, capsys)


@pytest.mark.parametrize(
    ("certificate", "authority", "client_ca", "message"),
    [
        (GOOD_DAYS, GOOD_DAYS, "authority", ""),
        (OVER, GOOD_DAYS, "authority", "server.pem expired at"),
        (TO_COME, GOOD_DAYS, "authority", "server.pem is not valid before"),
        (GOOD_DAYS, OVER, "authority", "authority.pem expired at"),
        (GOOD_DAYS, TO_COME, "authority", "authority.pem is not valid before"),
        (GOOD_DAYS, GOOD_DAYS, "server", "server.pem holds no authority"),
    ],
)
def test_certificates_with_which_every_handshake_fails_are_faults(
    certificate: Days,
    authority: Days,
    client_ca: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    signer = Authority(authority)
    pem = signer.issue_exactly("server", days=certificate)
    for name, content in (("server.pem", pem.certificate), ("key.pem", pem.key), ("authority.pem", signer.pem)):
        (tmp_path / name).write_bytes(content)
    tls = {"certificate": "server.pem", "key": "key.pem", "client_ca": f"{client_ca}.pem"}
    fault = fault_of_check(written(tmp_path, security={"tls": tls}), capsys)
    assert message in fault
    assert bool(fault) is bool(message)


def _filled(value: Any, folder: str) -> Any:
    match value:
        case str():
            return value.replace("{folder}", folder)
        case dict():
            return {name: _filled(part, folder) for name, part in value.items()}
        case list():
            return [_filled(part, folder) for part in value]
    return value
