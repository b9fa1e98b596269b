"""Fields that an upstream refuses by name, and what that teaches of its model."""

from __future__ import annotations

import pytest
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.backends.refused_fields import refused_fields
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.lessons import Refusal, RefusedHow, learned
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.profile import Profile, Range, Thinking
from frontdesk_server.domain.query import GenerationConfig, JsonObjectFormat, ReasoningEffort, text_query

from tests.profiles import ANTHROPIC, profile_at

_VALUE, _TOGETHER, _COUNT = RefusedHow.VALUE, RefusedHow.TOGETHER, RefusedHow.COUNT


def named(
    *fields: str, how: RefusedHow = RefusedHow.FIELD, only: float | None = None, value: str = "", taken: str = ""
) -> Refusal:
    return Refusal(frozenset(fields), how, only, value, frozenset(taken.split()))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Unsupported parameter: 'temperature' is not supported with this model.", named("temperature")),
        (
            "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
            named("max_tokens"),
        ),
        (
            "Unsupported value: 'temperature' does not support 0.4 with this model. Only the default (1) value is "
            "supported.",
            named("temperature", how=_VALUE, only=1),
        ),
        ("invalid top_p: only 0.95 is allowed for this model", named("top_p", how=_VALUE, only=0.95)),
        (
            "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: "
            "'none', 'low'.",
            named("reasoning_effort", how=_VALUE, value="minimal", taken="none low"),
        ),
        (
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            named("temperature", "top_p", how=_TOGETHER),
        ),
        ("temperature and top_p cannot both be specified", named("temperature", "top_p", how=_TOGETHER)),
        ("`top_p` cannot be used with `temperature`", named("temperature", "top_p", how=_TOGETHER)),
        ("`temperature` is deprecated for this model.", named("temperature")),
        ("temperature: Extra inputs are not permitted", named("temperature")),
        ("stream_options is not supported", named("stream_options")),
        ("Model grok-x does not support parameter presencePenalty.", named("presence_penalty")),
        ("Argument not supported on this model: presencePenalty", named("presence_penalty")),
        ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', named("seed")),
        ("property 'reasoning_content' is unsupported, did you mean 'reasoning'?", named("reasoning_content")),
        (
            "Function tools with reasoning_effort are not supported for m in /v1/chat/completions.",
            named("tools", "reasoning_effort", how=_TOGETHER),
        ),
        (
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5.",
            named("stop", how=_COUNT, only=4),
        ),
        ("len(stop) > 4 is not supported", named("stop", how=_COUNT, only=4)),
        (
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.',
            named("thinking.type.enabled"),
        ),
        ("This model does not support assistant message prefill.", named("prefill")),
        ("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens", None),
        ("Invalid value for 'content': expected a string, got null.", None),
        ("Invalid schema for function 'weather': 'format' is not permitted.", None),
        ("The model `m` does not exist", None),
        ("", None),
    ],
)
def test_what_is_refused_by_name(message: str, expected: Refusal | None) -> None:
    assert refused_fields(message) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, '{"error": {"message": "Unsupported parameter.", "param": "seed"}}', named("seed")),
        (422, '{"detail": [{"type": "extra_forbidden", "loc": ["body", "user"], "msg": "no"}]}', named("user")),
        (400, '[{"error": {"message": "Unknown name \\"top_k\\": Cannot find field."}}]', named("top_k")),
        (400, '{"type": "error", "error": {"message": "`top_k` is deprecated for this model."}}', named("top_k")),
        (
            400,
            '{"error": {"message": "Encrypted content is not supported with this model.", "param": "include"}}',
            named("include"),
        ),
        (
            400,
            '{"error": {"message": "Unsupported value: \'xhigh\' is not supported with the \'m\' model. Supported'
            " values are: 'low', 'medium', and 'high'.\", \"param\": \"reasoning_effort\"}}",
            named("reasoning_effort", how=_VALUE, value="xhigh", taken="low medium and high"),
        ),
        (
            400,
            '{"error": {"message": "Invalid value: \'max\'.", "param": "reasoning.effort"}}',
            named("reasoning.effort", how=_VALUE, value="max"),
        ),
        (
            400,
            '{"error": {"message": "This model does not support effort level \'max\'. Supported levels: high, low."}}',
            named("reasoning_effort", how=_VALUE, value="max", taken="high low"),
        ),
        (
            400,
            '{"error": {"message": "`reasoning_effort` must be one of `low`, or `high`"}}',
            named("reasoning_effort", how=_VALUE, taken="low or high"),
        ),
        (
            400,
            '{"error": {"message": "output_config.effort: Input should be \'low\' or \'high\'"}}',
            named("output_config.effort", how=_VALUE, taken="low or high"),
        ),
        (
            422,
            '{"detail": [{"type": "literal_error", "loc": ["body", "reasoning_effort"],'
            " \"msg\": \"Input should be 'low' or 'high'\"}]}",
            named("reasoning_effort", how=_VALUE, taken="low or high literal_error"),
        ),
        (400, '{"error": {"message": "`top_k` is not supported", "param": "messages"}}', named("messages")),
        (400, '{"error": {"message": "`a` and `b` cannot both be specified", "param": "messages"}}', None),
        (
            400,
            '{"error": {"message": "property \'name\' is unsupported", "param": "messages.1"}}',
            named("name"),
        ),
        (
            400,
            "{\"object\": \"error\", \"message\": \"[{'type': 'extra_forbidden', 'loc': ('body', 'user'), 'msg': 'no',"
            " 'input': '`top_k` is not supported'}]\"}",
            named("user"),
        ),
        (
            400,
            "{\"object\": \"error\", \"message\": \"2 validation errors:\\n  {'type': 'value_error', 'loc': ('body',),"
            " 'msg': 'bad', 'input': '`top_k` is not supported'}\\n  {'loc': ('body',), 'msg': 'bad', 'type': 'x'}\"}",
            None,
        ),
        (400, "{\"message\": \"[{'loc': ('body',), 'input': '`top_k` is not supp…\"}", None),
        (500, '{"error": {"message": "`top_k` is not supported"}}', None),
        (400, '{"error": {"message": "the prompt is too long"}}', None),
    ],
)
def test_the_error_of_a_response_says_what_is_refused(status: int, body: str, expected: Refusal | None) -> None:
    error = status_error(status, {}, body.encode())
    assert (error.refusal if isinstance(error, UpstreamRequestRefused) else None) == expected


_SETTINGS: list[tuple[Refusal, GenerationConfig]] = [
    (named("temperature"), GenerationConfig(temperature=0.5)),
    (named("temperature", how=_VALUE, only=1), GenerationConfig(temperature=0.5)),
    (named("temperature", "top_p", how=_TOGETHER), GenerationConfig(temperature=0.5, top_p=0.5)),
    (named("top_p"), GenerationConfig(top_p=0.5)),
    (named("top_k"), GenerationConfig(top_k=4)),
    (named("seed"), GenerationConfig(seed=4)),
    (named("presence_penalty"), GenerationConfig(presence_penalty=0.4)),
    (named("logprobs"), GenerationConfig(logprobs=True)),
    (named("stop_sequences"), GenerationConfig(stop_sequences=("a",))),
    (named("stop_sequences", how=_COUNT, only=1), GenerationConfig(stop_sequences=("a", "b"))),
    (named("reasoning_effort"), GenerationConfig(reasoning_effort=ReasoningEffort.LOW)),
    (
        named("reasoning_effort", how=_VALUE, value="minimal"),
        GenerationConfig(reasoning_effort=ReasoningEffort.MINIMAL),
    ),
    (named("reasoning_budget_tokens"), GenerationConfig(reasoning_budget_tokens=2048)),
    (named("response_format json_object"), GenerationConfig(response_format=JsonObjectFormat())),
    (named("parallel_tool_calls"), GenerationConfig(parallel_tool_calls=False)),
]


@pytest.mark.parametrize(("refusal", "generation"), _SETTINGS)
def test_a_model_that_refused_a_setting_is_known_not_to_take_it(refusal: Refusal, generation: GenerationConfig) -> None:
    query = text_query("hi", generation)
    plain = Profile(budgets=True)
    assert objection(plain, query) is None
    wiser = learned(plain, refusal)
    assert objection(wiser, query) is not None
    assert objection(wiser, text_query("hi")) is None
    assert learned(wiser, refusal) == wiser


@pytest.mark.parametrize(
    ("refusal", "left"),
    [
        (named("reasoning_effort", how=_VALUE, value="xhigh", taken="low medium and high"), "low medium high"),
        (named("reasoning_effort", how=_VALUE, value="xhigh"), "none minimal low medium high max"),
        (named("reasoning_effort", how=_VALUE, taken="low or high"), "low high"),
        (named("reasoning_effort", how=_VALUE, taken="one two"), "none minimal low medium high xhigh max"),
        (named("reasoning_effort"), ""),
    ],
)
def test_an_effort_that_is_refused_leaves_the_others(refusal: Refusal, left: str) -> None:
    every = Profile(efforts=frozenset(ReasoningEffort))
    assert {effort.value for effort in learned(every, refusal).efforts} == set(left.split())


def test_a_value_of_an_option_that_passes_through_is_the_callers_own() -> None:
    assert learned(Profile(), named("provider_options openai.service_tier", how=_VALUE, value="fast")) == Profile()


def test_a_value_that_is_the_only_one_stays_allowed() -> None:
    wiser = learned(Profile(), named("temperature", how=_VALUE, only=1))
    assert wiser.at_rest.temperature == wiser.reasoning.temperature == Range(1, 1)
    assert objection(wiser, text_query("hi", GenerationConfig(temperature=1.0))) is None


def test_what_only_we_sent_is_said_otherwise_or_left_out() -> None:
    assert learned(Profile(), named("stream_options")).stream_options is False
    assert learned(Profile(), named("include")).sealed_reasoning is False
    assert learned(Profile(), named("max_tokens")).output_limit_field == "max_completion_tokens"
    assert learned(Profile(), named("reasoning_content")).reasoning_field is None
    assert learned(Profile(), named("max_completion_tokens")) == Profile()
    newer = learned(ANTHROPIC, named("thinking.type.enabled"))
    assert (newer.thinking, newer.budgets) == (Thinking.ADAPTIVE, False)
    older = learned(profile_at("anthropic", "", "claude-opus-4-6"), named("thinking.type.adaptive"))
    assert older.thinking is Thinking.BUDGET
