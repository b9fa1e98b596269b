"""Loading: every fault at once, each with its place; secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk_server.config.loading import default_config_path, load_config, parse_config
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.errors import ConfigError

GOOD = """\
backends:
  up: {kind: openai, base_url: "https://api.example.com/v1", api_key: "${KEY}"}
models:
  small: {backend: up}
routers:
  default:
    default_model: small
    strategy: {kind: model, model: small}
"""


def faults_of(text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as error:
        parse_config(text, "f.yaml", {"KEY": "sk-1234"} if environment is None else environment)
    return error.value.lines()


def test_the_configuration_that_ships_loads() -> None:
    assert "default" in load_config(default_config_path(), {}).config.routers


def test_a_secret_comes_from_the_environment_and_is_never_printed() -> None:
    loaded = parse_config(GOOD, "f.yaml", {"KEY": "sk-1234"})
    backend = loaded.config.backends["up"]
    assert isinstance(backend, OpenAIBackendConfig)
    assert backend.api_key is not None
    assert backend.api_key.get_secret_value() == "sk-1234"
    assert "sk-1234" not in repr(loaded)
    assert "sk-1234" not in loaded.config.model_dump_json()


def test_the_version_follows_the_content_and_no_secret() -> None:
    first = parse_config(GOOD, "f.yaml", {"KEY": "a"})
    assert parse_config("# a comment\n" + GOOD, "g.yaml", {"KEY": "a"}).version == first.version
    assert parse_config(GOOD, "f.yaml", {"KEY": "b"}).version == first.version
    named = GOOD.replace("backend: up", "backend: up, upstream_model: '$" + "{MODEL}'")
    versions = {parse_config(named, "f.yaml", {"KEY": "a", "MODEL": model}).version for model in ("one", "two")}
    assert len(versions | {first.version}) == 3
    assert len(first.version) == 12


def test_a_default_stands_in_for_a_variable_that_is_not_set() -> None:
    text = GOOD.replace("${KEY}", "${KEY:-none}")
    backend = parse_config(text, "f.yaml", {}).config.backends["up"]
    assert isinstance(backend, OpenAIBackendConfig)
    assert backend.api_key is not None
    assert backend.api_key.get_secret_value() == "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "f.yaml:2:1: is no YAML: did not find"),
        ("", "f.yaml: backends: is missing"),
        (GOOD.replace("backend: up", "backend: down"), "f.yaml:4:20: models.small.backend: no backend is named 'down'"),
        (GOOD.replace("backend: up", "backend: up, tempo: 3"), "f.yaml:4:31: models.small.tempo: is no key here"),
        (GOOD.replace("backend: up", "bakend: up"), "models.small.bakend: is no key here; did you mean backend?"),
        (GOOD.replace("kind: openai", "kind: opnai"), "backends.up.kind: is no kind; did you mean openai?"),
        (GOOD.replace("kind: openai", "kind: mainframe"), "is no kind; known: anthropic, azure_openai,"),
        (
            GOOD + "    hedge: {after: 3}\n",
            "routers.default.hedge.after: is no key here; did you mean after_",
        ),
        (GOOD.replace("small: {backend: up}", "small: {backend: up, context_window: 0}"), "(is 0)"),
        (GOOD.replace("  small:", "  small: {backend: up}\n  small:"), "f.yaml:5:3: models.small: is given twice"),
        (GOOD + "x: &a [*a]\n", "f.yaml:9:4: x: an alias contains itself"),
        (GOOD + "d: 2026-99-99\n", "d: cannot be read"),
    ],
)
def test_faults_name_their_place(text: str, expected: str) -> None:
    assert any(expected in line for line in faults_of(text)), faults_of(text)


RULES = """
backends: {up: {kind: simulated}}
models: {small: {backend: up}}
routers:
  default:
    default_model: small
    strategy: {kind: chain, strategies: [{kind: rules, rules: [{name: a, when: {keyword: [a]}, model: small}]}]}
"""


def test_a_misspelt_key_deep_in_a_tree_of_strategies_is_one_fault_with_the_key_that_was_meant() -> None:
    (fault,) = faults_of(RULES)
    assert "strategies[0].rules[0].when.keyword: is no key here; did you mean keywords?" in fault


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize("field", ["cost_weight", "latency_weight", "timeout_seconds", "strategy_timeout_ms"])
def test_a_number_that_is_not_finite_is_a_fault(field: str, number: str) -> None:
    (fault,) = faults_of(f"{GOOD}    {field}: {number}\n")

    assert f"routers.default.{field}" in fault


def test_all_faults_come_together_in_the_order_of_the_file() -> None:
    text = GOOD.replace("https://api.example.com/v1", "no url").replace("backend: up", "context_window: x")
    lines = faults_of(text, {})
    assert len(lines) >= 3
    assert lines == sorted(lines, key=lambda line: [int(part) for part in line.split(":")[1:3]])
    assert any("environment variable KEY is not set" in line for line in lines)


def test_a_faulty_secret_is_not_shown() -> None:
    lines = faults_of(GOOD.replace('"${KEY}"', "{nested: hunter2}"))
    assert lines
    assert not any("hunter2" in line for line in lines)


def test_merge_keys_and_anchors_work() -> None:
    text = GOOD.replace("small: {backend: up}", "small: &m {backend: up, context_window: 99}\n  other: {<<: *m}")
    assert parse_config(text, "f.yaml", {"KEY": "x"}).config.models["other"].context_window == 99


def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "missing.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(binary)


@pytest.mark.parametrize("field", ["apikey", "api_key_"])
def test_what_stands_in_a_misspelt_field_is_not_shown(field: str) -> None:
    lines = faults_of(GOOD.replace("api_key:", f"{field}:"), {"KEY": "sk-LEAK"})
    assert any(field in line for line in lines)
    assert not any("sk-LEAK" in line for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"https://api.example.com/v1"', '"${KEY}"'),
        GOOD.replace('"https://api.example.com/v1"', '"https://user:sk-1234@host/"'),
        GOOD.replace("small: {backend: up}", 'small: {backend: up, context_window: "${KEY}"}'),
        GOOD.replace("api_key:", "api_kee:"),
        GOOD.replace('api_key: "${KEY}"', "api_kee: sk-1234"),
    ],
)
def test_a_secret_in_a_wrong_place_is_a_fault_that_does_not_repeat_it(text: str) -> None:
    assert "sk-1234" not in "\n".join(faults_of(text))
