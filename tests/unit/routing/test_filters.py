from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.decision import ExclusionReason
from frontdesk_server.domain.fitting import Fitting
from frontdesk_server.domain.model import Capability, Deployment, Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.profile import Profile, Range, Thinking
from frontdesk_server.domain.provider import ProviderBlock, ProviderOptions
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    ProviderPart,
    Query,
    ReasoningEffort,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    text_query,
)
from frontdesk_server.domain.tokens import expected_output_tokens
from frontdesk_server.domain.usage import Usage
from frontdesk_server.routing.costs import predicted_cost_nano_usd
from frontdesk_server.routing.filters import Demands, demands_of, needed_capabilities
from frontdesk_server.routing.selection import Outlook
from frontdesk_server.routing.signals import compute_signals
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import a_model
from tests.profiles import ANTHROPIC, COMPATIBLE

_UNDEMANDING = Fitting.of(text_query("hi"), 10)


def _exclusion(
    model: Model,
    policy: RoutingPolicy | None = None,
    *,
    outlook: Outlook | None = None,
    input_tokens: int = 100,
    max_output_tokens: int | None = None,
    needed: frozenset[Capability] = frozenset(),
    caller: Caller | None = None,
) -> ExclusionReason | None:
    demands = Demands(
        input_tokens, max_output_tokens, needed, policy or RoutingPolicy(), caller or Caller(), _UNDEMANDING
    )
    exclusion = demands.exclusion(model, outlook or Outlook(500, 0.5))
    return None if exclusion is None else exclusion.reason


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (RoutingPolicy(), None),
        (RoutingPolicy(allowed_models=frozenset({"m"})), None),
        (RoutingPolicy(allowed_models=frozenset({"other"})), ExclusionReason.NOT_ALLOWED),
        (RoutingPolicy(excluded_models=frozenset({"m"})), ExclusionReason.EXCLUDED),
        (RoutingPolicy(max_cost_nano_usd=500), None),
        (RoutingPolicy(max_cost_nano_usd=499), ExclusionReason.MAX_COST),
        (RoutingPolicy(max_time_to_first_token_seconds=0.5), None),
        (RoutingPolicy(max_time_to_first_token_seconds=0.4), ExclusionReason.MAX_TIME_TO_FIRST_TOKEN),
    ],
)
def test_policies_exclude_models(policy: RoutingPolicy, reason: ExclusionReason | None) -> None:
    assert _exclusion(a_model("m"), policy) is reason


def test_a_cost_cap_excludes_unknown_prices_and_a_time_cap_does_not_exclude_unknown_times() -> None:
    unknown = Outlook(None, None)

    assert _exclusion(a_model("m"), RoutingPolicy(max_cost_nano_usd=10**9), outlook=unknown) is ExclusionReason.MAX_COST
    assert _exclusion(a_model("m"), RoutingPolicy(max_time_to_first_token_seconds=0.1), outlook=unknown) is None


@pytest.mark.parametrize(
    ("input_tokens", "max_output_tokens", "reason"),
    [
        (8191, None, None),
        (8192, None, ExclusionReason.CONTEXT_WINDOW),
        (8000, 192, None),
        (8000, 193, ExclusionReason.CONTEXT_WINDOW),
        (10, 1000, None),
        (10, 1001, ExclusionReason.CONTEXT_WINDOW),
    ],
)
def test_a_query_must_fit_window_and_output_limit(
    input_tokens: int, max_output_tokens: int | None, reason: ExclusionReason | None
) -> None:
    model = replace(a_model("m"), max_output_tokens=1000)

    assert _exclusion(model, input_tokens=input_tokens, max_output_tokens=max_output_tokens) is reason


def test_a_caller_is_held_to_its_own_models() -> None:
    assert _exclusion(a_model("m"), caller=Caller("app", models=frozenset({"x"}))) is ExclusionReason.NOT_ALLOWED
    assert _exclusion(a_model("m"), caller=Caller("app", models=frozenset({"m"}))) is None


def _with(generation: GenerationConfig) -> Query:
    return text_query("hi", generation)


def _holding(*parts: object) -> Query:
    return Query((Message(Role.USER, (TextPart("hi"), *parts)),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "needed"),
    [
        (text_query("hi"), set()),
        (_with(GenerationConfig(max_output_tokens=5, temperature=0.1, top_p=0.5, stop_sequences=("x",))), set()),
        (replace(text_query("hi"), tools=(Tool("t"),)), {Capability.TOOLS}),
        (_holding(ToolCall("1", "t")), {Capability.TOOLS}),
        (_holding(ToolResult("1", "r")), {Capability.TOOLS}),
        (_holding(MediaPart("image/png", b"")), {Capability.IMAGE_INPUT}),
        (_holding(MediaPart("AUDIO/wav", b"")), {Capability.AUDIO_INPUT}),
        (_holding(MediaPart("application/pdf", b"")), {Capability.DOCUMENT_INPUT}),
        (_with(GenerationConfig(response_format=JsonObjectFormat())), {Capability.JSON_OBJECT}),
        (_with(GenerationConfig(response_format=JsonSchemaFormat("s", "{}"))), {Capability.JSON_SCHEMA}),
        (_with(GenerationConfig(logprobs=True)), {Capability.LOGPROBS}),
        (_with(GenerationConfig(top_logprobs=2)), {Capability.LOGPROBS}),
        (_with(GenerationConfig(seed=0)), {Capability.SEED}),
        (_with(GenerationConfig(frequency_penalty=0.0)), {Capability.PENALTIES}),
        (_with(GenerationConfig(presence_penalty=1.0)), {Capability.PENALTIES}),
        (_with(GenerationConfig(reasoning_effort=ReasoningEffort.LOW)), {Capability.REASONING}),
        (_with(GenerationConfig(reasoning_effort=ReasoningEffort.NONE)), set()),
        (_with(GenerationConfig(reasoning_budget_tokens=2000)), {Capability.REASONING}),
        (_with(GenerationConfig(top_k=4)), {Capability.TOP_K}),
        (Query((*text_query("2 + 2?").messages, Message(Role.ASSISTANT, (TextPart("It is"),)))), {Capability.PREFILL}),
        (_holding(ToolResult("1", "", parts=(TextPart("a"),))), {Capability.TOOLS}),
        (
            _holding(ToolResult("1", "", parts=(MediaPart("image/png", b""),))),
            {Capability.TOOLS, Capability.IMAGE_INPUT, Capability.TOOL_RESULT_MEDIA},
        ),
    ],
)
def test_nothing_of_a_query_is_dropped_silently(query: Query, needed: set[Capability]) -> None:
    assert needed_capabilities(query, RoutingPolicy()) == needed
    able = replace(a_model("m"), capabilities=frozenset(needed))
    assert _exclusion(able, needed=frozenset(needed)) is None
    for capability in needed:
        unable = replace(able, capabilities=frozenset(needed - {capability}))
        assert _exclusion(unable, needed=frozenset(needed)) is ExclusionReason.CAPABILITY


_MINE = ProviderOptions("anthropic", "{}", required=True)
_BLOCK = ProviderBlock("anthropic", "{}")
_ANSWERED = (Message(Role.ASSISTANT, (ProviderPart(_BLOCK),)), *text_query("go on").messages)


@pytest.mark.parametrize(
    ("query", "excluded"),
    [
        (text_query("hi"), False),
        (replace(text_query("hi"), provider_options=(replace(_MINE, required=False),)), False),
        (Query((*text_query("hi").messages, *_ANSWERED)), False),
        (replace(text_query("hi"), provider_options=(_MINE,)), True),
        (_holding(TextPart("ho", provider_options=(_MINE,))), True),
        (replace(text_query("hi"), tools=(Tool("f", provider_options=(_MINE,)),)), True),
        (replace(text_query("hi"), tools=(Tool("", provider_tool=_BLOCK),)), True),
        (_holding(ProviderPart(_BLOCK)), True),
        (_holding(ToolResult("1", "", parts=(ProviderPart(_BLOCK),))), True),
    ],
)
def test_what_only_one_dialect_understands_excludes_others_where_it_is_demanded(query: Query, excluded: bool) -> None:
    demands = Demands(10, None, frozenset(), RoutingPolicy(), Caller(), Fitting.of(query, 10))
    for names, alien in ((frozenset({"anthropic", "vertex"}), False), (frozenset({"openai"}), True)):
        model = replace(a_model("m"), deployments=(Deployment("b", "m", dialects=names),))
        exclusion = demands.exclusion(model, Outlook(500, 0.5))
        expected = ExclusionReason.DIALECT if alien and excluded else None
        assert (exclusion.reason if exclusion else None) is expected


def test_the_policy_can_require_more() -> None:
    policy = RoutingPolicy(required_capabilities=frozenset({Capability.REASONING}))

    assert needed_capabilities(text_query("hi"), policy) == {Capability.REASONING}


@given(st.text(max_size=200), st.none() | st.integers(1, 5000))
def test_expected_output_is_positive_and_within_the_querys_limit(text: str, limit: int | None) -> None:
    query = text_query(text, GenerationConfig(max_output_tokens=limit))
    tokens = expected_output_tokens(query, compute_signals(query))

    assert 1 <= tokens <= (limit or 10_000)


def test_harder_queries_are_expected_to_cost_more_and_unknown_prices_cost_unknown() -> None:
    easy, hard = text_query("What is 2 + 2?"), text_query("Prove the Riemann hypothesis")
    tokens = [expected_output_tokens(query, compute_signals(query)) for query in (easy, hard)]

    assert tokens[1] > 10 * tokens[0]
    assert predicted(a_model("m", output_usd=10), Usage(1000, 100)) == 1000 * 2_000 + 100 * 10_000
    assert predicted(replace(a_model("m"), prices=None), Usage(1000, 100)) is None
    assert predicted(replace(a_model("m", output_usd=10), max_output_tokens=1), Usage(0, 100)) == 10_000


def predicted(model: Model, usage: Usage) -> int | None:
    return predicted_cost_nano_usd(model, text_query("hi"), usage, datetime.now(UTC))


def _served(*profiles: Profile) -> Model:
    places = tuple(Deployment(str(place), "m", profile=profile) for place, profile in enumerate(profiles))
    return replace(a_model("m"), deployments=places)


REASONING = text_query("hi", GenerationConfig(reasoning_effort=ReasoningEffort.HIGH))


def _by_dialect(query: Query, model: Model) -> str | None:
    demands = demands_of(query, RoutingPolicy(), Caller(), 100)
    exclusion = demands.exclusion(model, Outlook(500, 0.5))
    if exclusion is None:
        return None
    assert exclusion.reason is ExclusionReason.CAPABILITY
    return exclusion.detail


@pytest.mark.parametrize(
    ("query", "profiles", "detail"),
    [
        (text_query("hi", GenerationConfig(temperature=1.5)), [ANTHROPIC], "temperature is at most 1"),
        (text_query("hi", GenerationConfig(temperature=1.5)), [COMPATIBLE, ANTHROPIC], None),
        (text_query("hi", GenerationConfig(temperature=1.5)), [COMPATIBLE], None),
        (text_query("hi", GenerationConfig(temperature=0.5)), [ANTHROPIC], None),
    ],
)
def test_a_model_whose_api_cannot_honour_a_setting_is_excluded_with_the_reason(
    query: Query, profiles: list[Profile], detail: str | None
) -> None:
    found = _by_dialect(query, _served(*profiles))
    assert (found is None) if detail is None else (detail in (found or ""))


@pytest.mark.parametrize(
    ("own_limit", "asked", "excluded"),
    [(32_000, None, False), (1025, None, False), (1024, None, True), (None, None, False), (None, 1024, True)],
)
def test_reasoning_needs_room_in_the_answer(own_limit: int | None, asked: int | None, excluded: bool) -> None:
    model = replace(_served(ANTHROPIC), max_output_tokens=own_limit, context_window=200_000)
    query = replace(REASONING, generation=replace(REASONING.generation, max_output_tokens=asked))
    detail = _by_dialect(query, model)
    assert (detail is not None and "reasoning needs more than 1024" in detail) == excluded


def test_profiles_of_deployments_are_those_of_their_backends_and_models() -> None:
    text = """
backends:
  a: {kind: anthropic, base_url: "https://a.example"}
  o: {kind: openai, base_url: "https://o.example/v1", profile: {temperature: [0, 1]}}
models:
  claude: {backend: a}
  both:
    upstream_model: claude-opus-4-7
    profile: {top_k: yes}
    deployments: [{backend: a}, {backend: o, profile: {temperature: no}}]
routers: {default: {default_model: claude, strategy: {kind: model, model: claude}}}
"""
    pool = build_pool(parse_config(text, "test.yaml", {}).config)
    assert [d.profile.thinking for d in pool["claude"].deployments] == [Thinking.BUDGET]
    first, second = (deployment.profile for deployment in pool["both"].deployments)
    assert (first.thinking, first.at_rest.top_k, first.at_rest.temperature) == (Thinking.ADAPTIVE, True, Range(1, 1))
    assert (second.thinking, second.at_rest.temperature) == (Thinking.EFFORT, None)
