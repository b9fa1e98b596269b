"""`frontdesk check --models` shows what is known of each model, and whence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from frontdesk_server.cli.check import check
from frontdesk_server.config.profile import ProfileConfig
from typer.testing import CliRunner

CONFIGURATION = """
backends:
  claude: {kind: anthropic, base_url: "https://api.anthropic.com"}
  gpt: {kind: openai, base_url: "https://api.openai.com/v1", profile: {seed: no}}
models:
  opus: {backend: claude, upstream_model: claude-opus-4-6}
  both:
    deployments: [{backend: gpt, upstream_model: gpt-5.1}, {backend: gpt, upstream_model: mine, profile: {like: o3}}]
routers: {default: {default_model: opus, strategy: {kind: model, model: opus}}}
ledger: {url: "sqlite:///ledger.db"}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    path = tmp_path / "frontdesk.yaml"
    path.write_text(CONFIGURATION)
    return path


def shown(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_names_the_entries_and_what_differs(file: Path) -> None:
    output = shown(str(file), "--models")
    for words in ("Claude 4.6", "thinking: adaptive", "while reasoning temperature: 1", "[a-zA-Z0-9_-]{1,64}"):
        assert words in output
    assert "GPT-5.1 · configuration" in output


def test_json_has_every_fact_under_the_names_of_the_configuration(file: Path) -> None:
    rows = json.loads(shown(str(file), "--models", "--json"))["models"]
    assert [(row["model"], row["upstream_model"]) for row in rows] == [
        ("opus", "claude-opus-4-6"),
        ("both", "gpt-5.1"),
        ("both", "mine"),
    ]
    opus, gpt, mine = (row["profile"] for row in rows)
    assert (opus["temperature"], opus["while_reasoning"]["temperature"]) == ([0, 1], 1)
    assert (gpt["seed"], gpt["efforts"]) == (False, ["none", "low", "medium", "high"])
    assert mine["reasons_unasked"] is True
    for profile in (opus, gpt, mine):
        ProfileConfig.model_validate(profile)


def test_what_is_shown_can_be_configured_and_means_the_same(file: Path) -> None:
    rows = json.loads(shown(str(file), "--models", "--json"))["models"]
    name = rows[0]["upstream_model"]
    spelled = json.dumps(rows[0]["profile"])
    file.write_text(CONFIGURATION.replace(f"upstream_model: {name}", f"upstream_model: other, profile: {spelled}"))
    assert json.loads(shown(str(file), "--models", "--json"))["models"][0]["profile"] == rows[0]["profile"]
