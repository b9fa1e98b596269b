"""Faults are told in the words of the file, with what would be right."""

from __future__ import annotations

import re

import pytest
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError

GOOD = """
backends: {up: {kind: openai, base_url: "https://api.example.com/v1"}}
models: {small: {backend: up, capabilities: [tools]}}
routers: {default: {default_model: small, strategy: {kind: model, model: small}}}
"""


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("ledger: {flush_ms: soon}", "ledger.flush_ms: is no number"),
        ("ledger: {max_batch: 1.5}", "ledger.max_batch: is no whole number (is 1.5)"),
        ("ledger: {max_batch: 0}", "ledger.max_batch: must be at least 1 (is 0)"),
        ("ledger: {store_prompts: maybe}", "ledger.store_prompts: is neither true nor false"),
        ("ledger: {durability: grup}", "ledger.durability: is no choice here; did you mean group?"),
        ("ledger: {durability: x}", "ledger.durability: is no choice here; known: group, sync"),
        ("ledger: {redact: x}", "ledger.redact: is no list"),
        ("ledger: 5", "ledger: is no mapping of keys to values"),
        ("ledger: {retention_day: 5}", "ledger.retention_day: is no key here; did you mean retention_days?"),
        ("redis: {}", "redis.url: is missing"),
        ("security: {keys: [{caller: a, id: x, sha256: y}]}", "security.keys[0].id: must be 8 hexadecimal digits, as"),
        ("security: {keys: [{caller: ' ', id: x, sha256: y}]}", "security.keys[0].caller: is empty"),
        ("embedder: {pooling: cls}", "embedder: pooling is no key of kind static, but of onnx"),
        ("embedder: {kind: onnx, path: a, model: b}", "embedder: model is no key of kind onnx, but of openai"),
    ],
)
def test_a_fault_says_what_would_be_right(part: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(GOOD + part, "f.yaml", {})
    assert message in str(raised.value)
    assert not re.search("Input should|Value error|String should", str(raised.value))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"https://api.example.com/v1"', "nowhere", "backends.up.base_url: is no URL such as"),
        ("[tools]", "[toolz]", "capabilities[0]: is no choice here; did you mean tools?"),
    ],
)
def test_a_fault_within_says_so_too(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml:") as raised:
        parse_config(GOOD.replace(old, new), "f.yaml", {})
    assert message in str(raised.value)
