"""Which of the caller's settings stands behind a field that an upstream refuses by name, in every dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.backends.refused_fields import refused_fields
from frontdesk_server.backends.refused_settings import attributed
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.domain.adjusting import own_question
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.lessons import learned
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.provider import ProviderOptions
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    Query,
    ReasoningEffort,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    text_query,
)
from frontdesk_server.domain.settings import settings_of, without
from frontdesk_server.execution.lessons import Lessons

from tests.fakes import FakeClock
from tests.profiles import ANTHROPIC, BEDROCK, BEDROCK_CLAUDE, COMPATIBLE, RESPONSES, profile_at

Build = Callable[[BackendCall], dict[str, Any]]


def _anthropic(call: BackendCall) -> dict[str, Any]:
    return messages_body(call, 4096)


def _nova(call: BackendCall) -> dict[str, Any]:
    return converse_body(call, "nova")


def _claude_at_bedrock(call: BackendCall) -> dict[str, Any]:
    return converse_body(call, "claude")


_DIALECTS: dict[str, tuple[Build, Profile]] = {
    "openai": (chat_completion_body, COMPATIBLE),
    "openrouter": (chat_completion_body, profile_at("openai", "openrouter.ai", "m")),
    "qwen": (chat_completion_body, profile_at("openai", "dashscope.aliyuncs.com", "qwen3-max")),
    "anthropic": (_anthropic, ANTHROPIC),
    "openai_responses": (response_body, RESPONSES),
    "bedrock": (_nova, BEDROCK),
    "claude": (_claude_at_bedrock, BEDROCK_CLAUDE),
}
_WEATHER = Tool("weather", parameters_json='{"type": "object", "properties": {"seed": {"type": "string"}}}')
_SCHEMA = JsonSchemaFormat("answer", '{"type": "object", "properties": {"stop": {"type": "string"}}}')


def _set(*, tools: tuple[Tool, ...] = (), choice: ToolChoice | None = None, user: str = "", **generation: Any) -> Query:
    query = text_query("hi", GenerationConfig(**generation))
    return replace(query, tools=tools, tool_choice=choice, user_id=user)


def _with_option(dialect: str, options_json: str) -> Query:
    return replace(_set(), provider_options=(ProviderOptions(dialect, options_json),))


_FORM = _set(response_format=_SCHEMA)
_JSON = _set(response_format=JsonObjectFormat())
_REQUIRED = _set(tools=(_WEATHER,), choice=ToolChoice(ToolChoiceMode.REQUIRED))
_NAMED = _set(tools=(_WEATHER,), choice=ToolChoice(tool_name="weather"))
_AUTO = _set(tools=(_WEATHER,), choice=ToolChoice())
_ONE = _set(tools=(_WEATHER,), choice=ToolChoice(ToolChoiceMode.REQUIRED), parallel_tool_calls=False)
_STRICT = _set(tools=(replace(_WEATHER, strict=True),))
_LOW = _set(reasoning_effort=ReasoningEffort.LOW)
_BUDGET = _set(reasoning_budget_tokens=2048)
_ALL = _set(
    tools=(_WEATHER,),
    choice=ToolChoice(ToolChoiceMode.AUTO),
    user="somebody",
    temperature=0.5,
    top_p=0.9,
    stop_sequences=("END",),
)

_REFUSALS: list[tuple[str, Query, str, set[str]]] = [
    ("openai", _FORM, "Unknown parameter: 'response_format'.", {"response_format json_schema"}),
    (
        "openai",
        _FORM,
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        {"response_format json_schema"},
    ),
    ("openai", _JSON, "This response_format type is unavailable now", {"response_format json_object"}),
    ("openai", _FORM, "This model does not support response format `json_schema`.", {"response_format json_schema"}),
    ("openai", _REQUIRED, "`tool_choice` is not supported with this model", {"tool_choice required"}),
    ("openai", _REQUIRED, "m does not support this tool_choice", {"tool_choice required"}),
    (
        "openai",
        _NAMED,
        "No endpoints found that support the provided 'tool_choice' value.",
        {"tool_choice tool"},
    ),
    ("openai", _AUTO, "Unsupported parameter: 'tool_choice'", {"tool_choice auto"}),
    ("openai", _REQUIRED, "No endpoints found that support tool use", {"tools"}),
    ("openai", _REQUIRED, "library/m does not support tools", {"tools"}),
    ("openai", _ONE, "Unsupported parameter: 'parallel_tool_calls'", {"parallel_tool_calls"}),
    ("openai", _STRICT, "Unknown name \"strict\" at 'tools[0].function': Cannot find field.", {"tools.strict"}),
    ("openai", _STRICT, "Unknown parameter: 'tools[0].function.strict'.", {"tools.strict"}),
    ("openai", _set(user="somebody"), "Unknown parameter: 'user'.", {"user_id"}),
    ("openai", _set(logprobs=True), "logprobs are not supported", {"logprobs"}),
    ("openai", _set(stop_sequences=("a",)), "Argument not supported on this model: stop", {"stop_sequences"}),
    ("openai", _set(presence_penalty=0.5), "Model m does not support parameter presencePenalty.", {"presence_penalty"}),
    ("openai", _LOW, "Unrecognized request argument supplied: reasoning_effort", {"reasoning_effort"}),
    (
        "openai",
        _with_option("openai", '{"service_tier": "flex"}'),
        "Unknown parameter: 'service_tier'.",
        {"provider_options openai.service_tier"},
    ),
    ("openrouter", _LOW, "reasoning: Extra inputs are not permitted", {"reasoning_effort"}),
    ("qwen", _BUDGET, "Unknown parameter: 'thinking_budget'", {"reasoning_budget_tokens"}),
    ("anthropic", _FORM, "output_config.format: Extra inputs are not permitted", {"response_format json_schema"}),
    ("anthropic", _FORM, "output_config: Extra inputs are not permitted", {"response_format json_schema"}),
    ("anthropic", _BUDGET, "thinking: Extra inputs are not permitted", {"reasoning_budget_tokens"}),
    ("anthropic", _STRICT, "tools.0.custom.strict: Extra inputs are not permitted", {"tools.strict"}),
    ("anthropic", _set(user="somebody"), "metadata: Extra inputs are not permitted", {"user_id"}),
    ("anthropic", _set(stop_sequences=("a",)), "`stop_sequences` is not supported for this model", {"stop_sequences"}),
    (
        "anthropic",
        _ONE,
        "tool_choice.disable_parallel_tool_use: Extra inputs are not permitted",
        {"parallel_tool_calls"},
    ),
    (
        "openai_responses",
        _FORM,
        "Unsupported parameter: 'text.format' is not supported",
        {"response_format json_schema"},
    ),
    ("openai_responses", _LOW, "Unsupported parameter: 'reasoning.effort' is not supported", {"reasoning_effort"}),
    ("openai_responses", _set(user="somebody"), "Unknown parameter: 'safety_identifier'.", {"user_id"}),
    ("openai_responses", _REQUIRED, "Unsupported parameter: 'tool_choice'", {"tool_choice required"}),
    ("bedrock", _set(stop_sequences=("a",)), "This model doesn't support the stopSequences field.", {"stop_sequences"}),
    ("bedrock", _REQUIRED, "This model doesn't support the toolConfig.toolChoice.any field.", {"tool_choice required"}),
    ("bedrock", _REQUIRED, "This model doesn't support tool use.", {"tools"}),
    ("bedrock", _FORM, "outputConfig.textFormat is not supported by this model", {"response_format json_schema"}),
    ("claude", _set(top_k=4), "Malformed input request: #: extraneous key [top_k] is not permitted", {"top_k"}),
    ("openai", _ALL, "Unsupported parameter: 'temperature' is not supported with this model.", {"temperature"}),
    ("openai", _ALL, "`temperature` and `stop` cannot both be specified", {"temperature", "stop_sequences"}),
]


def _call(dialect: str, query: Query) -> tuple[Build, BackendCall]:
    build, profile = _DIALECTS[dialect]
    return build, BackendCall("m", query, stream=True, dialects=frozenset({dialect, "openai"}), profile=profile)


@pytest.mark.parametrize(("dialect", "query", "message", "settings"), _REFUSALS)
def test_the_setting_behind_a_refused_field_is_found_and_learnt(
    dialect: str, query: Query, message: str, settings: set[str]
) -> None:
    build, call = _call(dialect, query)
    build(call)
    named = refused_fields(message)
    assert named is not None
    refusal = attributed(named, build, call)
    assert refusal is not None
    assert refusal.fields == settings
    wiser = learned(call.profile, refusal)
    assert wiser != call.profile
    if "user_id" not in settings:  # which is left out, and said to be
        assert objection(wiser, query) is not None
    assert objection(wiser, text_query("hi")) is None
    assert learned(wiser, refusal) == wiser


@pytest.mark.parametrize(
    ("dialect", "query", "message"),
    [
        ("openai", _FORM, "Invalid schema for response_format 'answer': In context=(), 'stop' is not permitted."),
        ("openai", _REQUIRED, "Invalid schema for function 'weather': 'seed' is not supported."),
        ("openai", _FORM, "Unsupported value: 'response_format.json_schema.schema' is not supported"),
        ("anthropic", _FORM, "output_config.format.schema: property 'stop' is not supported"),
        ("anthropic", _REQUIRED, "tools.0.custom.input_schema.properties: Extra inputs are not permitted"),
        ("anthropic", _REQUIRED, "tools.0.custom.name: 'web' is not allowed"),
        ("anthropic", _set(user="a b"), "metadata.user_id: characters that are not allowed: ' '"),
        ("openai", _FORM, "'type' is not supported in the answer"),
        ("openai", _REQUIRED, "'weather' is not supported"),
        ("openai", _REQUIRED, "'model' is not supported"),
        ("openai", _REQUIRED, "'messages' is not supported"),
        ("openai", _REQUIRED, "Unsupported parameter: 'seed'"),
        ("openai", _with_option("cohere", '{"service_tier": "flex"}'), "Unknown parameter: 'service_tier'."),
        ("openai", _ALL, "`temperature` and `seed` cannot both be specified"),
    ],
)
def test_what_a_caller_says_within_a_field_or_did_not_set_teaches_nothing(
    dialect: str, query: Query, message: str
) -> None:
    build, call = _call(dialect, query)
    named = refused_fields(message)
    refusal = named and attributed(named, build, call)
    assert refusal is None


_QUOTED = "Unsupported parameter: 'temperature' is not supported"
_WARM = GenerationConfig(temperature=0.5)


def _saying(text: str, *, tool: str = "") -> Query:
    tools = (Tool(tool),) if tool else ()
    return replace(text_query(text, _WARM), tools=tools)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (_saying(_QUOTED), f'Could not parse message "{_QUOTED}"'),
        (_saying(_QUOTED), f'Invalid prompt: "{_QUOTED.removesuffix(" is not supported")}"'),
        (_saying(f"Why do I read {_QUOTED}?"), "Could not parse <UNSUPPORTED parameter: 'temperature'>"),
        (_saying("Hi", tool="temperature"), "Tool 'temperature' is not supported by this model"),
        (_saying("temperature"), "The text 'temperature' is not supported"),
        (_saying("Unsupported parameter: stream_options"), "Bad message: Unsupported parameter: stream_options"),
        (replace(_saying("Hi"), tools=(Tool("f", _QUOTED),)), f"Bad description: {_QUOTED}"),
    ],
)
def test_what_an_upstream_quotes_of_the_query_teaches_nothing(query: Query, message: str) -> None:
    build, call = _call("openai", query)
    named = refused_fields(message)
    assert named is not None
    assert attributed(named, build, call) is None
    build, call = _call("openai", text_query("Hi", _WARM))
    said = attributed(named, build, call)
    assert said is None or said.fields <= {"temperature", "stream_options"}


@pytest.mark.parametrize(
    "query",
    [_saying(f"What does {_QUOTED} mean?"), _saying("It is not supported by this model."), _saying("parameter")],
)
def test_what_an_upstream_says_itself_is_learnt_whatever_the_query_says(query: Query) -> None:
    build, call = _call("openai", query)
    named = refused_fields("This model has deprecated `temperature`.")
    assert named is not None
    assert attributed(named, build, call) == replace(named, fields=frozenset({"temperature"}))


@pytest.mark.parametrize(
    ("dialect", "message", "is_sent"),
    [
        ("openai", "stream_options is not supported", True),
        ("openai", "max_tokens is not supported", True),
        ("openai", "`name` is not supported", False),
        ("openai", "This model does not support assistant message prefill.", False),
        ("openai", "Unknown parameter: 'prompt_cache_key'", False),
        ("openai", "`thinking.type.enabled` is not supported", False),
        ("openai_responses", "Unknown parameter: 'include'", True),
        ("bedrock", "This model does not support prompt caching", False),
    ],
)
def test_fields_of_our_own_are_learnt_only_if_they_were_sent(dialect: str, message: str, *, is_sent: bool) -> None:
    build, call = _call(dialect, text_query("hi"))
    named = refused_fields(message)
    assert named is not None
    refusal = attributed(named, build, replace(call, max_output_tokens=100))
    assert (refusal is not None) is is_sent


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        (
            '{"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"],'
            ' "msg": "Extra inputs are not permitted"}]}',
            {"response_format json_schema"},
        ),
        (
            '{"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"],'
            ' "msg": "Extra inputs are not permitted", "input": {"type": "json_schema"}}]}}',
            {"response_format json_schema"},
        ),
        ('{"error": {"message": "Unsupported.", "param": "response_format"}}', {"response_format json_schema"}),
        (
            '{"error": {"message": "Invalid schema: \'stop\' is not permitted.", "param": "response_format"}}',
            None,
        ),
        (
            '{"error": {"message": "In context: \'stop\' is not permitted.", "param": "text.format.schema"}}',
            None,
        ),
    ],
)
def test_errors_that_tell_the_place_beside_the_words(body: str, settings: set[str] | None) -> None:
    error = status_error(422, {}, body.encode())
    assert isinstance(error, UpstreamRequestRefused)
    build, call = _call("openai", _FORM)
    refusal = error.refusal and attributed(error.refusal, build, call)
    assert (refusal.fields if refusal else None) == settings


def test_the_forms_of_a_setting_are_refused_one_by_one() -> None:
    build, call = _call("openai", _FORM)
    named = refused_fields("Unknown parameter: 'response_format'.")
    refusal = named and attributed(named, build, call)
    assert refusal is not None
    wiser = learned(Profile(), refusal)
    assert objection(wiser, _FORM) == "it takes no schema of its answer"
    assert objection(wiser, _JSON) is None


def test_an_option_that_passes_through_is_refused_by_its_name_alone() -> None:
    query = _with_option("openai", '{"service_tier": "flex", "verbosity": "low"}')
    build, call = _call("openai", query)
    named = refused_fields("Unknown parameter: 'service_tier'.")
    refusal = named and attributed(named, build, call)
    assert refusal is not None
    assert refusal.kind == "provider_options"
    wiser = learned(Profile(), refusal)
    assert objection(wiser, query) == "it takes no provider_options openai.service_tier"
    assert objection(wiser, _with_option("openai", '{"verbosity": "low"}')) is None


def test_what_is_refused_of_what_callers_make_up_is_bounded() -> None:
    lessons, place = Lessons(FakeClock()), Deployment("b", "m")
    for number in range(200):
        query = _with_option("openai", f'{{"made_up_{number}": 1}}')
        build, call = _call("openai", query)
        named = refused_fields(f"Unknown parameter: 'made_up_{number}'.")
        refusal = named and attributed(named, build, call)
        assert refusal is not None
        assert lessons.learn(place, refusal) is (number < 100)


def test_a_question_of_our_own_is_asked_without_what_was_refused() -> None:
    query = replace(_AUTO, user_id="somebody")
    stern = Profile(refused=frozenset({frozenset({"tool_choice auto"}), frozenset({"user_id", "seed"})}))
    assert own_question(query, stern) == replace(query, tool_choice=None)


@pytest.mark.parametrize("query", [case[1] for case in _REFUSALS])
def test_without_its_settings_a_query_sets_nothing(query: Query) -> None:
    for setting in settings_of(query):
        assert setting not in settings_of(without(query, setting))
    for setting in settings_of(query):
        query = without(query, setting)
    assert settings_of(query) == frozenset()
