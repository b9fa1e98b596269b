"""What can be meant and mostly is not: `frontdesk check` warns, and finds the configuration good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from frontdesk_server.cli import app
from frontdesk_server.config.loading import default_config_path, parse_config
from frontdesk_server.config.suspicions import suspicions
from typer.testing import CliRunner

GOOD = """
backends: {up: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: "${KEY}"}}
models: {small: {backend: up}}
routers: {default: {default_model: small, strategy: {kind: model, model: small}}}
ledger: {url: ""}
"""


def suspected(text: str, key: str = "k3y") -> list[tuple[str, str]]:
    found = suspicions(parse_config(text, "f.yaml", {"KEY": key}).config)
    return [(".".join(map(str, place)), message) for place, message in found]


def test_what_is_usual_is_not_suspected() -> None:
    assert not suspected(GOOD)
    assert not suspected(default_config_path().read_text())


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("default:", "team:", "routers", "none is named 'default'"),
        ("models: {", "models: {default: {backend: up}, ", "models.default", "is a router's name over HTTP"),
        ("models: {", "models: {frontdesk/a: {backend: up}, ", "models.frontdesk/a", "is a router's name over HTTP"),
        ("models: {", "models: {'a,b': {backend: up}, ", "models.a,b", "holds a comma"),
        (
            "routers: {",
            "routers: {frontdesk/a: {default_model: small, strategy: {kind: model, model: small}}, ",
            "routers.frontdesk/a",
            "is frontdesk/frontdesk/a over HTTP",
        ),
        ("default_model:", "fallbacks: [small, small], default_model:", "routers.default.fallbacks.1", "listed twice"),
        ("default_model:", "models: [small, small], default_model:", "routers.default.models.1", "listed twice"),
        ("kind: openai", "kind: openai, max_connections: 4", "backends.up.max_connections", "fewer than the 512"),
        ("/v1", "/v1/chat/completions", "backends.up.base_url", "ends in a method"),
        ("/v1", "/v1/chat/completions/?a=b", "backends.up.base_url", "ends in a method"),
        ("kind: openai", "kind: openai, headers: {host: a}", "backends.up.headers", "Host names another"),
        ("kind: openai", "kind: openai, headers: {x-a: ''}", "backends.up.headers.x-a", "is empty"),
        ("kind: openai", "kind: openai, headers: {x-a: $TOKEN}", "backends.up.headers.x-a", "write ${NAME}"),
        ("backend: up", "backend: up, upstream_model: $MODEL", "models.small.upstream_model", "write ${NAME}"),
        ('url: ""', 'url: "postgresql+psycopg://me:$PASSWORD@host/db"', "ledger.url", "write ${NAME}"),
        ("backend: up", "backend: up, context_window: 500", "models.small.context_window", "hold hardly any query"),
        (
            "backend: up",
            "backend: up, time_to_first_token_ms: 40000",
            "models.small.time_to_first_token_ms",
            "exceeds its own timeouts.first_token_seconds (30 s)",
        ),
        (
            "backend: up",
            "backend: up, time_to_first_token_ms: 200000, timeouts: {first_token_seconds: 250}",
            "models.small.time_to_first_token_ms",
            "exceeds the timeout_seconds of every router (120 s)",
        ),
        (
            "ledger:",
            "limits: {rules: [{name: a, window: day, tokens: 100}]}\nledger:",
            "limits.rules.0.tokens",
            "fewer than the longest answer of any of its models (8,192)",
        ),
    ],
    ids=str,
)
def test_what_is_suspected_has_its_place(old: str, new: str, place: str, message: str) -> None:
    ((where, told),) = suspected(GOOD.replace(old, new, 1))
    assert where == place
    assert message in told


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "is empty"),
        ("$OPENAI_API_KEY", "names no variable"),
        ("Bearer sk-1234", "begins with Bearer"),
        ('"sk-1234"', "stands in quotes"),
        ("'sk-1234'", "stands in quotes"),
    ],
)
def test_a_key_that_is_none_is_suspected_and_not_told(key: str, message: str) -> None:
    in_sign_on = GOOD.replace('api_key: "${KEY}"', "sign_on: {kind: key, key: '${KEY}'}")
    for text, place in ((GOOD, "backends.up.api_key"), (in_sign_on, "backends.up.sign_on.key")):
        assert [where for where, _ in suspected(text, key)] == [place]
        assert message in suspected(text, key)[0][1]
        assert "1234" not in str(suspected(text, key))


def test_the_command_warns_and_finds_the_configuration_good(tmp_path: Path) -> None:
    file = tmp_path / "frontdesk.yaml"
    file.write_text(GOOD.replace("/v1", "/v1/chat/completions"))
    outcome = CliRunner().invoke(app, ["check", str(file)], env={"KEY": "Bearer sk-1234"})

    assert outcome.exit_code == 0
    warnings = [line for line in outcome.stderr.splitlines() if line.startswith(f"warning: {file}:2:")]
    assert len(warnings) == 2
    assert "good: version" in outcome.stdout
    assert "1234" not in outcome.output


def test_the_command_warns_of_prices_that_cannot_be_found(tmp_path: Path) -> None:
    file = tmp_path / "frontdesk.yaml"
    file.write_text(GOOD.replace("backend: up", "backend: up, upstream_model: nobody-knows-it, prices: auto"))
    outcome = CliRunner().invoke(app, ["check", str(file), "--json"], env={"KEY": "k"})
    assert outcome.exit_code == 0
    (warning,) = json.loads(outcome.stdout)["warnings"]
    assert (warning["path"], "costs will be unknown" in warning["message"]) == ("models.small.prices", True)
