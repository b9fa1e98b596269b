"""Marked secrets go in by every way there is; whatever a run leaves behind is searched for them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from frontdesk import Client, FrontdeskError
from frontdesk_server.assembly.app import open_server
from frontdesk_server.cli.check import check
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError, LedgerUnavailable
from frontdesk_server.security import NewKey, new_key
from typer import Exit

from tests.otlp_collector import running_collector
from tests.service import pool_config
from tests.upstream import FaultyUpstream, Script
from tests.upstream.script import Fault

UPSTREAM_KEY = "sk-upstream-93f1"
TEAM_HEADER = "team-4be7-header"
PASSWORD = "hunter2-ledger-77aa"
PROMPT = "the-prompt-is-private-5c1d"
ANSWER = "the-answer-is-private-e210"
ENVIRONMENT = {"UPSTREAM": UPSTREAM_KEY, "TEAM": TEAM_HEADER, "PASSWORD": PASSWORD}
QUOTING = f"no such thing as {PROMPT} for {UPSTREAM_KEY} of {TEAM_HEADER}"


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with FaultyUpstream() as running:
        yield running


def config_of(upstream: FaultyUpstream, folder: Path, key: NewKey) -> dict[str, Any]:
    config = pool_config(
        upstream.openai_url,
        security={
            "keys": [{"caller": "ours", "id": key.id, "sha256": key.sha256}],
            "jwt": {"jwks_file": "jwks.json", "audience": "frontdesk"},
        },
        ledger={"url": f"sqlite:///{folder}/ledger.db"},
        telemetry={"log_level": "debug", "log_format": "json"},
    )
    config["routers"]["default"]["fallbacks"] = []
    config["execution"]["breaker"] = {"min_calls": 20}
    config["backends"]["upstream"] |= {"api_key": "${UPSTREAM}", "headers": {"x-team": "${TEAM}"}}
    return config


def make_token(folder: Path) -> str:
    private = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [public | {"kid": "k", "alg": "ES256"}]}))
    claims = {"sub": "bot", "aud": "frontdesk", "exp": time.time() + 300}
    return jwt.encode(claims, private, algorithm="ES256", headers={"kid": "k"})


async def failure_of(client: Client) -> str:
    """All that the caller learns of a completion that fails."""
    with pytest.raises(FrontdeskError) as failure:
        await client.complete(PROMPT)
    error = failure.value
    return f"{error!r} {error.__dict__} {error.__cause__!r}"


async def test_no_secret_and_no_prompt_leaves_a_trace(
    upstream: FaultyUpstream, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs, spans, errors, representations and the ledger's files, of calls that end well, fail, and are refused."""
    key, token = new_key(), make_token(tmp_path)
    text = yaml.safe_dump(config_of(upstream, tmp_path, key))
    loaded = parse_config(text, str(tmp_path / "frontdesk.yaml"), ENVIRONMENT)
    kept = [repr(loaded), repr(loaded.config), loaded.config.model_dump_json()]
    quoting = [Script(fault=Fault.STATUS, status=status, error_message=QUOTING) for status in (400, 401, 404, 500)]
    upstream.enqueue(Script(tokens=(ANSWER,)), *quoting, Script(fault=Fault.ERROR_OBJECT, error_message=QUOTING))
    with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        async with open_server(loaded, address="127.0.0.1:0") as (_, server):
            async with Client(server.address, token=key.key) as client:
                assert (await client.complete(PROMPT)).message.parts[0].text == ANSWER
                learned = [await failure_of(client) for _ in range(len(quoting) + 1)]
            async with Client(server.address, token=token) as client:
                await client.route(PROMPT)
            for wrong in (key.key + "x", token[:-4] + "AAAA"):
                async with Client(server.address, token=wrong) as client:
                    kept.append(await failure_of(client))
    assert len(upstream.requests) == len(quoting) + 2
    assert upstream.requests[0].headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert upstream.requests[0].headers["x-team"] == TEAM_HEADER
    printed = "".join(capfd.readouterr())
    assert "call.ended" in printed
    assert any(span.name.startswith("chat ") for span in collector.spans)
    kept += [printed, str(collector.traces), str(collector.pushed)]
    kept += [path.read_bytes().decode("latin-1") for path in tmp_path.glob("ledger.db*")]
    assert any(PROMPT in text and "***" in text for text in learned), "callers hear what the upstream says"
    credentials = (UPSTREAM_KEY, TEAM_HEADER, key.key.split("_", 2)[2], token.rpartition(".")[2][:-4], token)
    for secret in (*credentials, PROMPT, ANSWER):
        assert not [text for text in kept if secret in text], secret
    for secret in credentials:
        assert not [text for text in learned if secret in text], secret


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        ({"ledger": {"url": "postgresql+psycopg://u:${PASSWORD}@127.0.0.1:1/x", "durability": "never"}}, "durability"),
        ({"ledger": {"uri": "postgresql+psycopg://u:${PASSWORD}@h/x"}}, "ledger.uri"),
        ({"redis": {"url": "${PASSWORD}", "prefix": 3}}, "redis"),
        ({"security": {"keys": [{"caller": "a", "id": "${PASSWORD}", "sha256": "${PASSWORD}"}]}}, "sha256"),
        ({"backends": {"upstream": {"kind": "openai", "base_url": "https://u:${PASSWORD}@h/"}}}, "base_url"),
    ],
)
def test_checking_a_configuration_repeats_no_secret(
    change: dict[str, Any],
    fault: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    make_token(tmp_path)
    file = tmp_path / "frontdesk.yaml"
    good = config_of(FaultyUpstream(), tmp_path, new_key())
    good["backends"]["upstream"]["base_url"] = "http://127.0.0.1:9/v1"
    file.write_text(yaml.safe_dump(good | change))
    if fault:
        with pytest.raises(Exit):
            check(file)
    else:
        check(file)
    printed = "".join(capfd.readouterr())
    assert fault in printed
    assert not [secret for secret in ENVIRONMENT.values() if secret in printed]


async def test_a_ledger_that_cannot_be_reached_does_not_tell_its_password(
    upstream: FaultyUpstream, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("psycopg")
    url = "postgresql+psycopg://u:${PASSWORD}@127.0.0.1:1/x"
    text = yaml.safe_dump(pool_config(upstream.openai_url, ledger={"url": url}))
    loaded = parse_config(text, str(tmp_path / "frontdesk.yaml"), ENVIRONMENT)
    with pytest.raises((ConfigError, LedgerUnavailable)) as error:
        async with open_server(loaded, address="127.0.0.1:0"):
            pass
    assert PASSWORD not in repr(error.value) + str(error.value) + "".join(capfd.readouterr()) + repr(loaded)
