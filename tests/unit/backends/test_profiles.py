"""What profiles.yaml says of which model, and the configuration instead."""

from __future__ import annotations

from typing import Any

import pytest
from frontdesk_server.backends.profiles import ProfileBook, default_profiles, profile_of
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.pool import AnthropicBackendConfig, OpenAIBackendConfig
from frontdesk_server.config.profile import ProfileConfig, ProfileEntry
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.profile import Caching, Profile, Range, Thinking
from frontdesk_server.domain.query import ReasoningEffort as Effort
from pydantic import ValidationError

from tests.profiles import profile_at, served

_OPENAI, _GEMINI, _XAI = "api.openai.com", "generativelanguage.googleapis.com", "api.x.ai"
_NAMES = [
    ("simulated", "", "m", "simulated"),
    ("anthropic", "", "m", "Anthropic's API"),
    ("openai", _OPENAI, "m", "OpenAI"),
    ("openai", "x.openai.azure.com", "m", "OpenAI"),
    ("openai", _GEMINI, "m", "Gemini's compatible API"),
    ("azure_openai", "x.openai.azure.com", "m", "OpenAI"),
    ("azure_openai", "x.openai.azure.com", "gpt-5.1", "GPT-5.1"),
    ("vertex_gemini", "aiplatform.googleapis.com", "m", "Vertex AI"),
    ("vertex_gemini", "aiplatform.googleapis.com", "google/gemini-2.5-pro", "Gemini 2.5, caches"),
    ("vertex_claude", "aiplatform.googleapis.com", "m", "Claude on Vertex AI"),
    (
        "vertex_claude",
        "aiplatform.googleapis.com",
        "claude-opus-4-6@20260205",
        "Claude Opus 4.5, 4.6, Haiku 4.5, caches",
    ),
    ("bedrock", "bedrock-runtime.eu-west-1.amazonaws.com", "meta.llama3-3-70b-instruct-v1:0", "Amazon Bedrock"),
    ("bedrock", "", "us.anthropic.claude-3-7-sonnet-20250219-v1:0", "Claude in other clouds"),
    ("bedrock", "", "amazon.nova-pro-v1:0", "Nova"),
    ("bedrock", "", "eu.amazon.nova-2-lite-v1:0", "Nova 2"),
    ("openai", "api.mistral.ai", "m", "Mistral"),
    ("openai", "api.groq.com", "m", "Groq"),
    ("openai", "api.cerebras.ai", "m", "Cerebras"),
    ("openai", "openrouter.ai", "m", "OpenRouter"),
    ("openai", "api.perplexity.ai", "m", "Perplexity"),
    ("openai", "api.together.xyz", "m", "Together"),
    ("openai", _XAI, "m", "xAI"),
    ("anthropic", "", "claude-opus-5-5", "Claude, newest"),
    ("anthropic", "", "claude-fable-5-1", "Claude, newest"),
    ("anthropic", "", "claude-opus-6", "Claude, newest"),
    ("anthropic", "", "claude-sonnet-5-5", "Claude Sonnet 5.5"),
    ("anthropic", "", "claude-opus-5", "Claude Opus 5, Sonnet 5, Haiku 5.5"),
    ("anthropic", "", "us.anthropic.claude-haiku-5-5-v1:0", "Claude Opus 5, Sonnet 5, Haiku 5.5"),
    ("anthropic", "", "anthropic/claude-opus-4-7@20260416", "Claude Opus 4.7, Haiku 3, caches"),
    ("anthropic", "", "claude-sonnet-4-6", "Claude 4.6"),
    ("anthropic", "", "claude-opus-4-1-20250805", "Claude 4.1, 4.5"),
    ("anthropic", "", "claude-sonnet-4-5-20250929", "Claude 4.1, 4.5"),
    ("anthropic", "", "claude-3-7-sonnet-20250219", "Claude before 4.1"),
    ("anthropic", "", "claude-3-5-haiku-latest", "Claude before 3.7"),
    ("openai", _OPENAI, "gpt-6", "GPT-5.2 and newer, tools by chat completions"),
    ("openai", _OPENAI, "gpt-5.6-luna", "GPT-5.2 and newer, tools by chat completions"),
    ("openai", _OPENAI, "gpt-5.4-mini-2026-03-17", "GPT-5.2 to 5.4"),
    ("openai", _OPENAI, "gpt-5.1-2025-11-13", "GPT-5.1"),
    ("openai", _OPENAI, "gpt-5-2025-08-07", "GPT-5"),
    ("openai", _OPENAI, "gpt-5-codex", "GPT-5 Codex"),
    ("openai", _OPENAI, "gpt-5-pro", "GPT Pro"),
    ("openai", _OPENAI, "gpt-5.5", "GPT-5.2 and newer, tools by chat completions"),
    ("openai", _OPENAI, "o3-mini", "o-series"),
    ("openai", _OPENAI, "o4-mini-2025-04-16", "o3, o4-mini"),
    ("openai", _OPENAI, "gpt-4.1-nano", "GPT without reasoning"),
    ("openai", _OPENAI, "gpt-5.1-chat-latest", "GPT without reasoning"),
    ("openai_responses", _OPENAI, "gpt-5.6", "OpenAI Responses"),
    ("openai_responses", "x.openai.azure.com", "m", "OpenAI Responses"),
    ("openai", _GEMINI, "models/gemini-3.5-flash", "Gemini, newest"),
    ("openai", _GEMINI, "gemini-2.5-flash-lite", "Gemini 2.5, caches"),
    ("openai", _GEMINI, "gemini-2.5-pro", "Gemini 2.5, caches"),
    ("openai", _GEMINI, "gemini-3.1-pro-preview", "Gemini, newest"),
    ("openai", _GEMINI, "gemini-2.0-flash-001", "Gemini before 2.5"),
    ("openai", "api.mistral.ai", "mistral-medium-latest", "Mistral, adjustable reasoning"),
    ("openai", "api.mistral.ai", "codestral-2508", "Mistral without efforts"),
    ("openai", "api.mistral.ai", "magistral-small-2509", "Magistral"),
    ("openai", _XAI, "grok-4.7", "Grok, newest"),
    ("openai", _XAI, "grok-3-mini-fast", "Grok 3 Mini"),
    ("openai", _XAI, "grok-4-0709", "Grok without efforts"),
    ("openai", _XAI, "grok-4-1-fast-non-reasoning", "Grok without reasoning"),
    ("openai", "api.deepseek.com", "deepseek-v4-pro", "DeepSeek"),
    ("openai", "api.deepseek.com", "deepseek-reasoner", "DeepSeek Reasoner"),
    ("openai", "api.deepseek.com", "deepseek-chat", "DeepSeek Chat"),
    ("openai", "api.moonshot.ai", "kimi-k2.6", "Kimi, newest"),
    ("openai", "api.moonshot.ai", "kimi-k2-0905-preview", "Kimi K2"),
    ("openai", "api.z.ai", "glm-5", "GLM"),
    ("openai", "dashscope-intl.aliyuncs.com", "qwen3.8-max", "Qwen at Alibaba"),
    ("openai", "api.cerebras.ai", "gpt-oss-120b", "GPT-OSS"),
    ("openai", "api.groq.com", "qwen/qwen3-32b", "Qwen at Groq"),
    ("openai", "api.groq.com", "llama-3.3-70b-versatile", "without reasoning at Groq and Cerebras"),
]


@pytest.mark.parametrize(("api", "host", "model", "last"), _NAMES)
def test_an_entry_holds_for_what_it_is_meant_for(api: str, host: str, model: str, last: str) -> None:
    assert profile_at(api, host, model).sources[-1] == last


def test_no_entry_and_no_name_of_one_matches_nothing() -> None:
    for entry in default_profiles().entries:
        examples = [
            (api, host, model)
            for api, host, model, _ in _NAMES
            if entry in default_profiles().matching(served(api, host, model))
        ]
        assert examples, entry.name
    assert len({entry.name for entry in default_profiles().entries}) == len(default_profiles().entries)


@pytest.mark.parametrize("pattern_of", ["models", "but"])
def test_every_pattern_of_a_name_matches_a_name_like_itself(pattern_of: str) -> None:
    for entry in default_profiles().entries:
        for pattern in getattr(entry, pattern_of):
            name = pattern.replace("*", "-x")
            bare = ProfileBook([ProfileEntry(name="e", models=(pattern,), facts=ProfileConfig(seed=False))])
            assert bare.matching(served("openai", "", name)), (entry.name, pattern)
            for around in (f"some-provider/{name}", f"us.maker.{name}", f"{name}-20261231", f"{name}-latest"):
                assert bare.matching(served("openai", "", around)), (entry.name, pattern, around)


@pytest.mark.parametrize("name", ["gpt-5.1", "gpt-5-chat-latest", "my-gpt-5", "gpt-50", "gpt-5-mini"])
def test_a_name_does_not_match_what_only_begins_or_ends_like_it(name: str) -> None:
    book = ProfileBook([ProfileEntry(name="e", models=("gpt-5",), facts=ProfileConfig(seed=False))])
    assert not book.matching(served("openai", "", name))


@pytest.mark.parametrize(
    ("api", "host", "model", "facts"),
    [
        ("openai", "127.0.0.1", "gpt-5", {"output_limit_field": "max_tokens", "thinking": Thinking.EFFORT}),
        ("openai", _OPENAI, "m", {"output_limit_field": "max_completion_tokens", "reasoning_field": None}),
        ("anthropic", "", "m", {"thinking": Thinking.BUDGET, "budgets": True, "prompt_caching": Caching.EXPLICIT}),
        (
            "anthropic",
            "",
            "claude-opus-4-6",
            {"thinking": Thinking.ADAPTIVE, "budgets": True, "reasons_unasked": False},
        ),
        ("anthropic", "", "claude-opus-5-5", {"budgets": False, "reasons_unasked": True}),
        ("openai", _OPENAI, "gpt-5", {"efforts": frozenset({Effort.MINIMAL, Effort.LOW, Effort.MEDIUM, Effort.HIGH})}),
        ("openai", _XAI, "grok-4.7", {"reasoning_beside_output": True}),
        ("openai_responses", _OPENAI, "gpt-5.6", {"sealed_reasoning": True, "least_output_tokens": 16}),
        ("openai_responses", _OPENAI, "gpt-4o", {"sealed_reasoning": False, "thinking": Thinking.NONE}),
        ("openai", _GEMINI, "gemini-2.5-pro", {"least_cached_tokens": 2048, "reasoning_field": None}),
        ("openai", _GEMINI, "gemini-3.1-pro-preview", {"least_cached_tokens": 4096}),
        ("anthropic", "", "claude-opus-4-6", {"least_cached_tokens": 4096}),
        ("anthropic", "", "claude-haiku-4-5-20251001", {"least_cached_tokens": 4096}),
        ("anthropic", "", "claude-opus-4-7", {"least_cached_tokens": 2048}),
        ("anthropic", "", "claude-opus-4-8", {"least_cached_tokens": 1024}),
        ("bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", {"prompt_caching": Caching.EXPLICIT}),
        ("bedrock", "", "anthropic.claude-3-haiku-20240307-v1:0", {"prompt_caching": Caching.NONE}),
        ("bedrock", "", "meta.llama3-3-70b-instruct-v1:0", {"prompt_caching": Caching.NONE}),
        ("bedrock", "", "amazon.nova-lite-v1:0", {"least_cached_tokens": 1000, "cached_tools": False}),
        ("openai", "api.mistral.ai", "m", {"seed_field": "random_seed", "user_field": None}),
    ],
)
def test_facts_of_models(api: str, host: str, model: str, facts: dict[str, Any]) -> None:
    profile = profile_at(api, host, model)
    assert {name: getattr(profile, name) for name in facts} == facts


def test_settings_while_reasoning_are_the_others_but_for_what_differs() -> None:
    profile = profile_at("anthropic", "", "claude-sonnet-4-5")
    assert (profile.at_rest.temperature, profile.reasoning.temperature) == (Range(0, 1), Range(1, 1))
    assert (profile.at_rest.top_p, profile.reasoning.top_p) == (Range(0, 1), Range(0.95, 1))
    assert not profile.at_rest.temperature_with_top_p
    assert not profile.reasoning.temperature_with_top_p


def _configured(backend: dict[str, Any], *of_model: dict[str, Any], model: str = "m") -> Profile:
    config = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": f"https://{_OPENAI}/v1", **backend})
    return profile_of(config, model, *map(ProfileConfig.model_validate, of_model))


def test_the_configuration_says_it_over_the_file_and_the_model_over_its_backend() -> None:
    assert _configured({}).at_rest.top_k is False
    assert _configured({"profile": {"top_k": True}}).at_rest.top_k is True
    assert _configured({"profile": {"top_k": True}}, {"top_k": False}).at_rest.top_k is False
    assert _configured({"max_tokens_field": "max_tokens"}).output_limit_field == "max_tokens"
    over = {"output_limit_field": "max_completion_tokens"}
    assert (
        _configured({"max_tokens_field": "max_tokens", "profile": over}).output_limit_field == "max_completion_tokens"
    )
    assert _configured({"stream_options": False}).stream_options is False
    assert _configured({}, {"top_k": True}).sources == ("OpenAI", "configuration")


def test_a_model_of_a_name_of_ones_own_can_be_like_another() -> None:
    own = _configured({}, {"like": "gpt-5.6"}, model="our-deployment")
    assert own.reasons_unasked
    assert own.reasoning.tools is False
    assert _configured({}, model="our-deployment").reasons_unasked is False


def test_the_facts_of_a_backend_hold_for_no_other_dialect() -> None:
    config = AnthropicBackendConfig.model_validate({"kind": "anthropic", "base_url": f"https://{_OPENAI}/"})
    assert profile_of(config, "gpt-5").thinking is Thinking.BUDGET


@pytest.mark.parametrize(
    ("profile", "place", "words"),
    [
        ("{temprature: 1}", "models.m.profile.temprature", "did you mean temperature?"),
        ("{temperature: [1, 0]}", "models.m.profile.temperature", "least comes first"),
        ("{efforts: [enormous]}", "models.m.profile.efforts", "is no choice here"),
        ("{stop_sequences: 9}", "models.m.profile.stop_sequences", "must be at most 8"),
        ('{tool_call_ids: {pattern: "[", length: 9}}', "models.m.profile.tool_call_ids", "regular expression"),
    ],
)
def test_faults_of_a_profile_are_told_with_their_place(profile: str, place: str, words: str) -> None:
    text = f"""
backends: {{b: {{kind: simulated}}}}
models:
  m:
    backend: b
    profile: {profile}
routers: {{default: {{default_model: m, strategy: {{kind: model, model: m}}}}}}
"""
    with pytest.raises(ConfigError) as raised:
        parse_config(text, "test.yaml", {})
    faults = [fault for fault in raised.value.faults if fault.path.startswith(place)]
    assert {fault.line for fault in faults} == {6}
    assert any(words in fault.message for fault in faults)


def test_an_entry_without_facts_is_refused() -> None:
    with pytest.raises(ValidationError, match="says nothing"):
        ProfileEntry.model_validate({"name": "e", "facts": {}})
