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
  mute: {backend: open, max_output_tokens: 1}
  tiny: {backend: open, context_window: 16}
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


def _ruled(difficulty: str) -> str:
    return f"kind: rules, rules: [{{name: a, when: {{difficulty: {difficulty}}}, model: small}}]"


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


def _cascade(model: str, check: str) -> str:
    return f"{{kind: cascade, steps: [{{model: {model}, check: {check}}}, {{model: small}}]}}"


@pytest.mark.parametrize(
    ("strategy", "place", "message"),
    [
        (_cascade("small", "{kind: verifier, model: mute}"), "check.model", "mute writes at most 1 tokens"),
        (_cascade("small", "{kind: verifier, model: tiny}"), "check.model", "the context window of tiny holds 16"),
        (_cascade("mute", "{kind: self_rating}"), "check", "mute writes at most 1 tokens"),
        (_cascade("terse", "{kind: heuristic, min_characters: 900}"), "check.min_characters", "never 900 characters"),
        (
            _cascade("small", "{kind: verifier, model: small, prompt: '{quer} {answer}'}"),
            "check.prompt",
            "{quer} of the template stands for nothing (did you mean {query}?)",
        ),
        (LLM % ", prompt: '{options} {query} {fense}'", "strategy.prompt", "did you mean {fence}?"),
        ("{kind: rules, rules: [{name: a, when: {language: [german]}, model: small}]}", "when.language[0]", "'german'"),
        (
            "{kind: rules, rules: [{name: a, when: {all: [{language: [DE]}]}, model: small}]}",
            "all[0].language[0]",
            "'DE'",
        ),
        ("{kind: rules, rules: [{name: a, when: {language: [de, zz]}, model: small}]}", "when.language[1]", "'zz'"),
        (
            "{kind: rules, rules: [{name: a, only: [small]}, {name: b, only: [plain, opus]}]}",
            "rules[1].only",
            "leaves no model",
        ),
    ],
    ids=str,
)
async def test_what_no_query_could_pass_is_a_fault(strategy: str, place: str, message: str) -> None:
    (fault,) = await _faults(_strategy(strategy))

    assert fault.path.endswith(place)
    assert message in fault.message


@pytest.mark.parametrize(
    "strategy",
    [
        _cascade("small", "{kind: verifier, model: terse}"),
        _cascade("terse", "{kind: heuristic, min_characters: 20}"),
        _cascade("small", """{kind: verifier, model: small, prompt: '{answer} {"score": 1} {verdict}'}"""),
        "{kind: rules, rules: [{name: a, when: {language: [de, '']}, model: small}]}",
        "{kind: rules, rules: [{name: a, only: [small, plain]}, {name: b, only: [plain, opus]}]}",
        "{kind: rules, rules: [{name: a, only: [small], when: {code: true}}, {name: b, only: [plain]}]}",
        "{kind: rules, rules: [{name: a, only: [small], model: small}, {name: b, only: [plain]}]}",
    ],
)
async def test_what_a_query_could_pass_is_none(strategy: str) -> None:
    assert not await _faults(_strategy(strategy))


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

    assert outcome.exit_code == 2
    assert ":1:" in outcome.output
    assert "backends.up.api_key" in outcome.output
    assert "FRONTDESK_TEST_KEY" in outcome.output
    assert "sk-1234" not in outcome.output


# Values.


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("http://127.0.0.1:9", "https:///v1", "names no host"),
        ("http://127.0.0.1:9", "http://:80/v1", "names no host"),
        ("http://127.0.0.1:9", "http://api..test", "its host is no name"),
        ("http://127.0.0.1:9", f"http://{'a' * 70}.test", "its host is no name"),
        ("http://127.0.0.1:9", "http://127.0.0.1:0/v1", "nothing can answer at port 0"),
        ('api_key: "k"', "max_response_bytes: 1", "must be at least"),
        ('api_key: "k"', "headers: {Content-Type: text/plain}", "describes the message"),
        ('api_key: "k"', "headers: {accept-encoding: br}", "describes the message"),
        ("backend: up", 'backend: up, upstream_model: ""', "upstream_model"),
        ("backend: up", r'backend: up, upstream_model: "a\nb"', "upstream_model"),
        ("backend: up", "backend: up, context_window: 1", "must be at least 16"),
        (
            "backend: up",
            "backend: up, context_window: 100, max_output_tokens: 101",
            "max_output_tokens (101) is above context_window (100)",
        ),
        (
            "backend: up",
            "backend: up, timeouts: {first_token_seconds: 9, total_seconds: 5}",
            "first_token_seconds (9) is above total_seconds (5)",
        ),
        ("", "server: {max_message_bytes: 1}", "must be at least"),
        ("", "execution: {breaker: {window: 3}}", "min_calls (5) is above window (3)"),
        ("", "execution: {breaker: {open_seconds: 90}}", "open_seconds (90) is above max_open_seconds (60)"),
        ("", "execution: {retry: {base_ms: 200, max_ms: 100}}", "base_ms (200) is above max_ms (100)"),
        ("", "telemetry: {log_levels: {attempt.endet: debug}}", "(did you mean 'attempt.ended'?)"),
        ("", "limits: {rules: [{name: a, window: day, usd: 1}]}", "none of the models that it holds for has prices"),
        ("", 'security: {jwt: {jwks_file: f, audience: ""}}', "is empty"),
        ("", "security: {jwt: {jwks_file: f, audience: a, algorithms: []}}", "needs 1 at least"),
        ("kind: model, model: small", _ruled("{min: 0.9, max: 0.1}"), "min (0.9) is above max (0.1)"),
        ("kind: model, model: small", _ruled("{min: 62}"), "must be at most 1"),
    ],
    ids=str,
)
async def test_values_with_which_nothing_works_are_faults(old: str, new: str, message: str) -> None:
    good = KEY % ("openai", 'api_key: "k"')
    assert not await _faults(good)
    faults = await _faults(good.replace(old, new) if old else f"{good}{new}\n")

    assert any(message in f"{fault.path}: {fault.message}" for fault in faults), faults
    assert all(fault.line for fault in faults)


@pytest.mark.parametrize(
    "timeouts", ["total_seconds: 5", "first_token_seconds: 400", "first_token_seconds: 5, total_seconds: 5"]
)
async def test_a_timer_that_was_not_set_contradicts_none(timeouts: str) -> None:
    text = (KEY % ("openai", 'api_key: "k"')).replace("backend: up", f"backend: up, timeouts: {{{timeouts}}}")
    assert not await _faults(text)
