"""Faults of usage end with 2, once, in our words, and before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk_server.cli import app
from typer.testing import CliRunner

from tests.commands import unframed

GOOD = """
backends: {up: {kind: openai, base_url: "https://api.example.com/v1", api_key: KEY}}
models: {small: {backend: up, prices: {input: 1, output: 1}}}
routers: {default: {default_model: small, strategy: {kind: model, model: small}}}
ledger: {url: ""}
"""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("route --quality-floor abc hi", "'--quality-floor': is no number"),
        ("route --quality-floor 2 hi", "'--quality-floor': must be at most 1"),
        ("route --quality-floor nan hi", "'--quality-floor': must be at "),
        ("complete --quality-floor -1 hi", "'--quality-floor': must be at least 0"),
        ("train --out a", "give --data, --from-ledger, or both"),
        ("report --data a.csv --decisions b.csv", "give --data or --decisions, not both"),
        ("demo --pool olama", "'--pool': is no choice here; did you mean ollama?"),
        ("serve --workers x", "'--workers': is no whole number"),
        ("serve --workers 0", "'--workers': must be at least 1"),
        ("check nofile.yaml", "nofile.yaml: cannot be read: No such file or directory"),
        ("route --ca nofile --address 127.0.0.1:1 hi", "unusable: nofile: No such file or directory"),
        ("demo --pool embedded --ledger /nonexistent/x.db", "--ledger: sqlite:////nonexistent/x.db cannot be used"),
        ("log --ledger sqlite:////nonexistent/x.db", "--ledger: there is no file /nonexistent/x.db"),
        ("stats --ledger nonsense", "--ledger: not a database URL"),
        ("key anonymous", "CALLER: anonymous is the name of callers without credentials"),
    ],
)
def test_a_fault_of_usage_is_told_in_our_words(arguments: str, told: str) -> None:
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(app, arguments.split())
    assert result.exit_code == 2
    assert told in unframed(result.stderr)
    assert "Errno" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("caller", ["", " "])
def test_nobody_gets_no_key(caller: str) -> None:
    assert CliRunner().invoke(app, ["key", caller]).exit_code == 2


@pytest.mark.parametrize(("key", "warned"), [("sk-1234567890abcdef", True), ("${KEY}", False), ("unused", False)])
def test_a_secret_that_stands_in_the_file_is_warned_of(tmp_path: Path, key: str, warned: bool) -> None:
    (tmp_path / "f.yaml").write_text(GOOD.replace("KEY", f'"{key}"', 1))
    result = CliRunner(env={"KEY": "sk-1234567890abcdef"}).invoke(app, ["check", str(tmp_path / "f.yaml")])
    assert result.exit_code == 0, result.output
    assert ("backends.up.api_key: stands in the file" in result.stderr) is warned
    assert key == "unused" or key not in result.stderr
