"""The clients of all languages start from the same defaults; what they do by them is proven by tests/interop."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from frontdesk.channel import DEFAULT_OPTIONS, DEFAULT_TARGET

CLIENTS = Path(__file__).parents[3] / "clients"
JAVA = "java/src/main/java/dev/frontdesk"
SOURCES = {
    "Go": (
        ("go/options.go", "go/target.go"),
        ("KeepaliveTime = 30 * time.Second", "KeepaliveTimeout = 10 * time.Second", "PermitWithoutStream: true"),
    ),
    "Java": (
        (f"{JAVA}/ChannelDefaults.java", f"{JAVA}/Targets.java"),
        ("KEEPALIVE_SECONDS = 30;", "KEEPALIVE_TIMEOUT_SECONDS = 10;", "keepAliveWithoutCalls(true)"),
    ),
    "TypeScript": (
        ("typescript/src/options.ts", "typescript/src/target.ts"),
        (
            '"grpc.keepalive_time_ms": 30_000',
            '"grpc.keepalive_timeout_ms": 10_000',
            '"grpc.keepalive_permit_without_calls": 1',
        ),
    ),
}
RETRY = json.loads(str(DEFAULT_OPTIONS["grpc.service_config"]))["methodConfig"][0]["retryPolicy"]


def test_pythons_are_what_the_others_are_held_to() -> None:
    assert DEFAULT_OPTIONS["grpc.max_receive_message_length"] == 64 * 1024 * 1024
    assert DEFAULT_OPTIONS["grpc.max_send_message_length"] == 64 * 1024 * 1024
    assert DEFAULT_OPTIONS["grpc.keepalive_time_ms"] == 30_000
    assert DEFAULT_OPTIONS["grpc.keepalive_timeout_ms"] == 10_000
    assert DEFAULT_OPTIONS["grpc.keepalive_permit_without_calls"] == 1


@pytest.mark.parametrize("language", SOURCES)
def test_limits_keepalive_retries_and_target_are_the_same(language: str) -> None:
    files, keepalive = SOURCES[language]
    source = "\n".join((CLIENTS / name).read_text(encoding="utf-8") for name in files)
    for said in ("64 * 1024 * 1024", f'"{DEFAULT_TARGET}"', *keepalive):
        assert said in source
    for name, value in RETRY.items():
        found = re.search(rf"\"?{name}\"?[:,] ?(?:List\.of\(|\[)?\"?([\w.]+)", source)
        assert found is not None, name
        assert found[1].removesuffix(".0") == str(value[0] if isinstance(value, list) else value)
