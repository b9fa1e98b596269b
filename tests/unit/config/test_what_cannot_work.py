"""What would fail every call, or hold for none, is a fault of the configuration, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk_server.assembly.app import open_runtime
from frontdesk_server.cli import app
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from typer.testing import CliRunner

MODELS = """
backends:
  open: {kind: openai, base_url: "http://127.0.0.1:9/v1"}
  claude: {kind: anthropic, base_url: "http://127.0.0.1:9"}
models:
  small: {backend: open, capabilities: [logprobs, json_schema]}
  plain: {backend: open}
  terse: {backend: open, max_output_tokens: 2, capabilities: [json_schema]}
  narrow: {backend: open, context_window: 512, capabilities: [json_schema]}
  opus: {backend: claude, capabilities: [tools]}
ledger: {url: ""}
"""
CLOSED = 'security: {keys: [{caller: search, id: "01234567", sha256: "' + "0" * 64 + '"}]}\n'
ROUTER = "routers: {default: {default_model: small, strategy: {kind: model, model: small}}}\n"


async def _faults(text: str, environment: dict[str, str] | None = None) -> list[ConfigFault]:
    try:
        async with open_runtime(parse_config(text, "f.yaml", environment or {})):
            return []
    except ConfigError as error:
        return list(error.faults)


def _strategy(strategy: str, more: str = "") -> str:
    return f"{MODELS}routers: {{default: {{default_model: small, strategy: {strategy}{more}}}}}\n"


# Callers.


@pytest.mark.parametrize(
    ("security", "caller", "fault"),
    [
        (CLOSED, "serach", "no caller is named 'serach' (did you mean 'search'?); there are search"),
        (CLOSED, "search", None),
        (CLOSED, "anonymous", "no caller is named 'anonymous'; there are search"),
        (CLOSED.replace("keys:", "anonymous: true, keys:"), "anonymous", None),
        ("", "anonymous", None),
        ("", "search", "no caller is named 'search'; there are anonymous"),
        ("security: {jwt: {jwks_file: keys.json, audience: us}}\n", "serach", None),
    ],
)
def test_a_limit_for_a_caller_who_cannot_be_is_a_fault(security: str, caller: str, fault: str | None) -> None:
    text = f"{MODELS}{ROUTER}{security}limits:\n  rules:\n    - {{name: a, callers: [{caller}], window: day, usd: 1}}\n"
    if fault is None:
        parse_config(text, "f.yaml", {})
        return
    with pytest.raises(ConfigError) as error:
        parse_config(text, "f.yaml", {})
    (found,) = error.value.faults
    assert (found.path, found.message) == ("limits.rules[0].callers", fault)
    assert found.line == text[: text.index("- {name: a")].count("\n") + 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{default_model: smal, strategy: {kind: model, model: small}}", "did you mean 'small'?"),
        ("{default_model: small, strategy: {kind: router, router: defualt}}", "did you mean 'default'?"),
    ],
)
async def test_other_names_are_guessed_too(given: str, message: str) -> None:
    assert any(message in fault.message for fault in await _faults(f"{MODELS}routers: {{default: {given}}}\n"))


# Headers.

KEY = 'backends: {up: {kind: %s, base_url: "http://127.0.0.1:9", %s}}\nmodels: {small: {backend: up}}\n' + ROUTER


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("field", ["api_key", "headers.X-Team"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("sk-1234\n", "ends in a line end"),
        ("sk-1234\r\n", "ends in a line end"),
        ("sk-12\n34", "holds U+000A"),
        ("sk-12\x0034", "holds U+0000"),
        ("sk-12\x7f34", "holds U+007F"),
        ("\u201csk-1234\u201d", "holds U+201C"),
        ("sk-1234\u200b", "holds U+200B"),
        (" sk-1234", "begins or ends with white space"),
        ("sk-1234\t", "begins or ends with white space"),
    ],
)
async def test_a_value_that_no_header_can_hold_is_a_fault_that_names_its_variable(
    kind: str, field: str, value: str, message: str
) -> None:
    setting = 'api_key: "${SECRET}"' if field == "api_key" else 'headers: {X-Team: "${SECRET}"}'
    (fault,) = await _faults(KEY % (kind, setting), {"SECRET": value})

    assert fault.path == f"backends.up.{field}"
    assert message in fault.message
    assert "(from the environment: SECRET)" in fault.message
    assert fault.line == 1
    assert "1234" not in str(fault)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('headers: {"X Team": a}', "is no name of a header"),
        ('headers: {"X-Team:": a}', "is no name of a header"),
        ('headers: {"": a}', "is no name of a header"),
        ("headers: {Content-Length: '5'}", "describes the message"),
        ("headers: {transfer-encoding: chunked}", "describes the message"),
        ('version: "2023\\n"', "ends in a line end"),
    ],
)
async def test_headers_that_cannot_be_sent_are_faults(settings: str, message: str) -> None:
    (fault,) = await _faults(KEY % ("anthropic", settings))

    assert message in fault.message


@pytest.mark.parametrize("value", ["sk-1234", "", "Bearer a b~!", "a\tb"])
async def test_other_values_are_good(value: str) -> None:
    assert not await _faults(
        KEY % ("openai", 'api_key: "${SECRET}", headers: {X-Team: "${SECRET}"}'), {"SECRET": value}
    )


# Time budgets.

LLM = "{kind: llm, model: small%s}"
LONG = LLM % ", timeout_ms: 600"
ARMS = f"[{{name: a, weight: 1, strategy: {LLM % ''}}}, {{name: b, weight: 1, strategy: {LONG}}}]"


@pytest.mark.parametrize(
    ("strategy", "budget", "good"),
    [
        (LLM % ", timeout_ms: 6000", ", strategy_timeout_ms: 250", False),
        (LLM % ", timeout_ms: 6000", ", strategy_timeout_ms: 6000", True),
        (LLM % ", timeout_ms: 6000", "", True),
        (LLM % "", ", strategy_timeout_ms: 100", True),
        (f"{{kind: chain, strategies: [{LONG}]}}", ", strategy_timeout_ms: 500", False),
        (f"{{kind: rules, rules: [{{name: a, then: {LONG}}}]}}", ", strategy_timeout_ms: 500", False),
        (LLM % f", then: {{small: {LONG}}}", ", strategy_timeout_ms: 500", False),
        (f"{{kind: split, arms: {ARMS}}}", ", strategy_timeout_ms: 500", False),
    ],
)
async def test_a_router_llm_that_the_routers_budget_would_cut_short_is_a_fault(
    strategy: str, budget: str, good: bool
) -> None:
    faults = await _faults(_strategy(strategy, budget))

    assert not faults if good else [fault.path for fault in faults] == ["routers.default.strategy_timeout_ms"]


# Checks.


@pytest.mark.parametrize(
    ("check", "model", "place", "message"),
    [
        ("{kind: logprob, threshold: 0.5}", "opus", "", "opus lacks the capability logprobs"),
        ("{kind: logprob, threshold: 0.5}", "plain", "", "plain lacks the capability logprobs"),
        (
            "{kind: all, checks: [{kind: heuristic}, {kind: any, checks: [{kind: logprob, threshold: 0.5}]}]}",
            "opus",
            ".checks[1].checks[0]",
            "opus lacks the capability logprobs",
        ),
        ("{kind: weighted, checks: [{kind: logprob, threshold: 0}]}", "plain", ".checks[0]", "plain lacks"),
        ("{kind: verifier, model: small, prompt: 'Good?'}", "small", ".prompt", "lacks {answer}"),
        ("{kind: self_rating, prompt: '{query}?'}", "small", ".prompt", "lacks {answer}"),
    ],
)
@pytest.mark.parametrize(
    "above", ["%s", "{kind: chain, strategies: [%s]}", "{kind: rules, rules: [{name: a, then: %s}]}"]
)
async def test_a_check_that_could_never_pass_is_a_fault_wherever_it_stands(
    check: str, model: str, place: str, message: str, above: str
) -> None:
    cascade = f"{{kind: cascade, steps: [{{model: {model}, check: {check}}}, {{model: small}}]}}"
    (fault,) = await _faults(_strategy(above % cascade))

    assert fault.path.endswith(f"steps[0].check{place}")
    assert message in fault.message


@pytest.mark.parametrize(
    ("settings", "place", "message"),
    [
        ("model: terse", "model", "terse writes at most 2 tokens, of about"),
        ("model: narrow", "max_query_tokens", "the context window of narrow holds 512"),
    ],
)
async def test_a_router_llm_without_room_is_a_fault(settings: str, place: str, message: str) -> None:
    (fault,) = await _faults(_strategy(f"{{kind: llm, {settings}}}"))

    assert fault.path == f"routers.default.strategy.{place}"
    assert message in fault.message


async def test_weights_that_come_to_nothing_are_a_fault() -> None:
    check = "{kind: weighted, checks: [{kind: heuristic}], weights: [0]}"
    (fault,) = await _faults(_strategy(f"{{kind: cascade, steps: [{{model: small, check: {check}}}]}}"))

    assert "one of the weights must be above 0" in fault.message


@pytest.mark.parametrize("capability", ["logprobs", "seed", "penalties", "json_object", "audio_input"])
async def test_a_model_cannot_do_what_the_api_of_its_backend_cannot(capability: str) -> None:
    text = MODELS.replace(
        "opus: {backend: claude, capabilities: [tools]}", f"opus: {{backend: claude, capabilities: [{capability}]}}"
    )
    (fault,) = await _faults(text + ROUTER)

    assert fault.path == "models.opus.capabilities"
    assert fault.message == f"backend 'claude' cannot serve {capability}"


def test_the_command_tells_the_fault_and_its_place(tmp_path: Path) -> None:
    file = tmp_path / "frontdesk.yaml"
    file.write_text(KEY % ("openai", 'api_key: "${FRONTDESK_TEST_KEY}"'))
    outcome = CliRunner().invoke(app, ["check", str(file)], env={"FRONTDESK_TEST_KEY": "sk-1234\n"})

    assert outcome.exit_code == 1
    assert ":1:" in outcome.output
    assert "backends.up.api_key" in outcome.output
    assert "FRONTDESK_TEST_KEY" in outcome.output
    assert "sk-1234" not in outcome.output
