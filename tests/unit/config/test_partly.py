"""Every fault of every class is told at once, and none that only follows from another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from frontdesk_server.cli import app
from typer.testing import CliRunner

GOOD = """\
server: {address: "127.0.0.1:50051"}
backends:
  up: {kind: openai, base_url: "https://api.example.com/v1"}
  claude: {kind: anthropic, base_url: "https://api.example.com"}
models:
  small: {backend: up, capabilities: [logprobs]}
  opus: {backend: claude}
  gpt-4.1: {backend: up}
routers:
  default: {default_model: small, strategy: {kind: model, model: small}}
  careful:
    default_model: opus
    strategy: {kind: cascade, steps: [{model: small, check: {kind: logprob, threshold: 0.5}}, {model: opus}]}
limits: {path: limits.db, rules: [{name: a, window: day, requests: 1}]}
security: {keys: [{caller: search, id: "01234567", sha256: "%s"}]}
ledger: {url: ""}
telemetry: {log_levels: {attempt.ended: debug}}
""" % ("0" * 64)

CLASSES = {
    "an address": ("127.0.0.1:50051", "127.0.0.1", "server.address"),
    "a variable that is not set": ('v1"}', 'v1", api_key: "${NOT_SET}"}', "backends.up.api_key"),
    "a value": ("path: limits.db", "path: 7", "limits.path"),
    "a key": ("gpt-4.1: {backend: up", "gpt-4.1: {backend: up, tempo: 3", "models.gpt-4.1.tempo"),
    "a name": ("opus: {backend: claude", "opus: {backend: clyde", "models.opus.backend"),
    "what an API cannot do": (
        "{backend: claude",
        "{backend: claude, capabilities: [logprobs]",
        "models.opus.capabilities",
    ),
    "a router": ("default_model: opus", "default_model: opsu", "routers.careful.default_model"),
    "a kind of strategy": ("{kind: model, model: small}", "{kind: modl}", "routers.default.strategy.kind"),
    "a budget of unknown prices": ("requests: 1", "usd: 1", "limits.rules[0].usd"),
    "a caller": ("window: day", "window: day, callers: [nobody]", "limits.rules[0].callers"),
    "a ledger": ('ledger: {url: ""}', 'ledger: {url: "mysql://h/d"}', "ledger.url"),
    "an event": ("attempt.ended", "attempt.endet", "telemetry.log_levels.attempt.endet"),
    "a certificate": ("security: {", "security: {tls: {certificate: a.pem, key: a.key}, ", "security.tls"),
    "a key set": ("security: {", "security: {jwt: {jwks_file: a.json, audience: us}, ", "security.jwt.jwks_file"),
    "an embedder": ("ledger:", "embedder: {kind: static, path: nowhere}\nledger:", "embedder"),
}
APART = {
    "what an API cannot do": {"a name"},
    "a caller": {"a key set"},
}
"""What cannot be told beside others in this configuration: they may be why, or it needs what they spoil."""


def _faults(text: str, folder: Path) -> dict[str, str]:
    (folder / "f.yaml").write_text(text)
    ran = CliRunner().invoke(app, ["check", str(folder / "f.yaml"), "--json"])
    return {fault["path"]: fault["message"] for fault in json.loads(ran.stdout)["faults"]}


def test_a_good_configuration_has_no_fault(tmp_path: Path) -> None:
    assert not _faults(GOOD, tmp_path)


@pytest.mark.parametrize(("old", "new", "path"), CLASSES.values(), ids=CLASSES)
def test_one_fault_is_one_fault(old: str, new: str, path: str, tmp_path: Path) -> None:
    assert old in GOOD
    assert list(_faults(GOOD.replace(old, new, 1), tmp_path)) == [path]


@pytest.mark.parametrize("left_out", [set(APART), set().union(*APART.values())], ids=["the others", "these"])
def test_faults_of_all_classes_are_told_at_once(left_out: set[str], tmp_path: Path) -> None:
    text, expected = GOOD, set()
    for old, new, path in (each for name, each in CLASSES.items() if name not in left_out):
        text = text.replace(old, new, 1)
        expected.add(path)
    assert set(_faults(text, tmp_path)) == expected


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (
            'keys: [{caller: search, id: "01234567"',
            "tls: {certificate: a.pem, key: a.key}, keys: [{caller: '', models: [huge], id: x",
            {"security.tls", "security.keys[0].caller", "security.keys[0].models", "security.keys[0].id"},
        ),
        (
            "opus: {backend: claude",
            "opus: {backend: clyde, prices: {input: -1, output: 1}",
            {"models.opus.backend", "models.opus.prices.input"},
        ),
        (
            "default: {default_model: small, strategy: {kind: model, model: small}}",
            "default: {default_model: small, quality_floor: 7, strategy: {kind: router, router: default}}",
            {"routers.default.quality_floor", "routers.default.strategy.router"},
        ),
        (
            "window: day, requests: 1",
            "window: week, callers: [nobody], usd: 0",
            {"limits.rules[0].window", "limits.rules[0].callers", "limits.rules[0].usd"},
        ),
        (
            'ledger: {url: ""}',
            'ledger: {url: "mysql://h/d", flush_ms: 0}',
            {"ledger.url", "ledger.flush_ms"},
        ),
    ],
    ids=["callers", "a model", "a router", "limits", "a ledger"],
)
def test_a_fault_hides_no_other_of_the_same_part(old: str, new: str, paths: set[str], tmp_path: Path) -> None:
    assert old in GOOD
    assert set(_faults(GOOD.replace(old, new, 1), tmp_path)) == paths


TREE = """{kind: chain, strategies: [
  {kind: rules, rules: [
    {name: both, model: small, then: {kind: model, model: opus}},
    {name: lacking, modle: small, when: {keywords: ['']}},
    {name: good, model: small},
    {name: good, model: nobody, when: {difficulty: {min: 3}, language: [english, xx], pattern: '(?<=a)b'}},
    {name: alone, only: [small]}, {name: few, when: {task: [coding]}, only: [opus]}]},
  {kind: split, arms: [{name: a, weight: 0, strategy: {kind: modl}}, {name: b, strategy: {kind: model, model: none}}]},
  {kind: cascade, steps: [
    {model: smal, check: {kind: logprob}}, {model: opus, check: {kind: agreement, model: nil}}, 7]},
  {kind: embedding, references: {small: [], opus: 3}, thresholds: {gone: 0.5}, threshold: 9},
  {kind: classifier, artefact: ./nowhere, quality_floor: 2}]}"""
IN_TREE = {
    "[0].rules[0]",
    "[0].rules[1].modle",
    "[0].rules[1].when.keywords[0]",
    "[0].rules[3].name",
    "[0].rules[3].model",
    "[0].rules[3].when.difficulty.min",
    "[0].rules[3].when.language[0]",
    "[0].rules[3].when.language[1]",
    "[0].rules[3].when.pattern",
    "[0].rules[5].when.task[0]",
    "[1].arms[0].weight",
    "[1].arms[0].strategy.kind",
    "[1].arms[1].weight",
    "[1].arms[1].strategy.model",
    "[2].steps[0].model",
    "[2].steps[0].check.threshold",
    "[2].steps[1].check.model",
    "[2].steps[2]",
    "[3].references.small",
    "[3].references.opus",
    "[3].threshold",
    "[4].artefact",
    "[4].quality_floor",
}
"""Not the threshold of a label that is not there: it may be that which cannot be read."""


def test_a_fault_in_a_tree_hides_none_that_building_the_rest_of_it_would_find(tmp_path: Path) -> None:
    text = GOOD.replace(
        "{default_model: small, strategy: {kind: model, model: small}}", f"{{default_model: small, strategy: {TREE}}}"
    )
    place = "routers.default.strategy.strategies"
    assert {fault.removeprefix(place) for fault in _faults(text, tmp_path)} == IN_TREE


def test_routers_are_looked_at_beside_an_embedder_that_cannot_be_loaded(tmp_path: Path) -> None:
    text = GOOD.replace("ledger:", "embedder: {path: nowhere}\nledger:")
    text = text.replace("{kind: model, model: small}", "{kind: classifier, models: {smal: small}}")
    assert set(_faults(text, tmp_path)) == {"embedder", "routers.default.strategy.models.smal"}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("[1, 2]", {""}),
        ("models: 7", {"backends", "models", "routers"}),
        (GOOD.replace("models:", "modles:"), {"models", "modles"}),
        (GOOD.replace("backends:", "backend:"), {"backends", "backend"}),
        (GOOD.replace("routers:", "routers: 7\nsome:"), {"routers", "some"}),
        (GOOD.replace("  small: {", "  small: 7\n  smaller: {"), {"models.small"}),
        (GOOD.replace("  small: {", "  small: 7\n  small: {"), {"models.small"}),
    ],
    ids=["a list", "no mapping", "no models", "no backends", "no routers", "no model", "given twice"],
)
def test_what_follows_from_a_fault_is_no_further_one(text: str, paths: set[str], tmp_path: Path) -> None:
    assert set(_faults(text, tmp_path)) == paths


def test_a_faulty_configuration_is_warned_of_what_is_left(tmp_path: Path) -> None:
    text = GOOD.replace("{backend: claude}", "{backend: claude, context_window: 99, prices: auto}")
    (tmp_path / "f.yaml").write_text(text.replace("default_model: opus", "default_model: opsu"))
    ran = CliRunner().invoke(app, ["check", str(tmp_path / "f.yaml")])
    assert ran.exit_code == 2
    assert "warning: " in ran.stderr
    assert "models.opus.context_window: 99 tokens" in ran.stderr
    assert "models.opus.prices: auto finds none" in ran.stderr
