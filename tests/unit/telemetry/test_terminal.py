"""What `frontdesk serve` shows in a terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.telemetry.logging import build_logger

CALL: dict[str, Any] = {
    "method": "/frontdesk.v1.RouterService/Complete",
    "code": "OK",
    "error_reason": "",
    "duration_ms": 412.4,
    "router": "default",
    "decision_id": "01JD3ZK6Q8W0M5T1N2R4V7X9YB",
    "cost_nano_usd": 14_300,
    "attempts": [
        {"model": "small", "purpose": "answer"},
        {"model": "judge", "purpose": "check"},
        {"model": "large", "purpose": "answer"},
    ],
}


def shown(event: str, form: str = "pretty", **values: Any) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
    config = TelemetryConfig.model_validate({"log_format": form})
    build_logger(config, stream).info(event, **values)
    stream.seek(0)
    return stream.read()


def test_a_call_is_one_readable_line() -> None:
    line = shown("call.ended", **CALL)
    assert line.count("\n") == 1
    assert line.split()[2:] == [
        "Complete", "412", "ms", "ok", "small", "→", "large", "$0.000014", "default", CALL["decision_id"],
    ]  # fmt: skip
    assert len(line) <= 120


def test_a_call_that_failed_says_why() -> None:
    values = {**CALL, "code": "NOT_FOUND", "error_reason": "UNKNOWN_ROUTER", "attempts": [], "cost_nano_usd": None}
    assert "UNKNOWN_ROUTER" in shown("call.failed", **values)


def test_a_start_says_where_it_listens_what_it_has_and_what_to_try() -> None:
    start: dict[str, Any] = {
        "address": "127.0.0.1:50051",
        "http": "http://127.0.0.1:8080",
        "console": "http://127.0.0.1:8080/console",
        "config": "frontdesk.yaml",
        "version": "abc",
        "models": ["small", "large"],
        "routers": ["default", "careful"],
    }
    lines = shown("server.listening", **start)
    console = "http://127.0.0.1:8080/console"
    for words in ("127.0.0.1:50051", console, "small, large", "default, careful", "frontdesk complete"):
        assert words in lines
    assert json.loads(shown("server.listening", "json", **start))["models"] == ["small", "large"]


@pytest.mark.parametrize("event", ["config.reloaded", "ledger.failing"])
def test_other_events_keep_their_names_and_values(event: str) -> None:
    assert f"{event}" in shown(event, version="abc")
    assert "version=abc" in shown(event, version="abc")


def test_what_others_wrote_moves_and_colours_nothing() -> None:
    line = shown("plugin.failed", message="a\x1b[2J\u202eb", router="r\x07")

    assert "a\\u001b[2J\\u202eb" in line
    assert not {"\x1b", "\u202e", "\x07"}.intersection(line)
