"""What is changed of a query for one model's sake, and said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.domain.adjusting import adjusted
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import (
    GenerationConfig,
    Query,
    ReasoningEffort,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    text_query,
)

from tests.profiles import profile_at

_GPT = profile_at("openai", "api.openai.com", "gpt-5.6")
_OPUS = profile_at("anthropic", "", "claude-opus-5")
_NEVER_FORCED = profile_at("anthropic", "", "claude-opus-5-5")
_DEMANDED = ToolChoice(ToolChoiceMode.REQUIRED)


def asking(choice: ToolChoice | None = None, effort: ReasoningEffort | None = None) -> Query:
    generation = GenerationConfig(reasoning_effort=effort)
    return replace(text_query("hi", generation), tools=(Tool("f"),), tool_choice=choice)


@pytest.mark.parametrize(
    ("profile", "query", "effort"),
    [
        (_GPT, asking(), ReasoningEffort.NONE),
        (_GPT, text_query("hi"), None),
        (_OPUS, asking(), None),
        (_OPUS, asking(_DEMANDED), ReasoningEffort.NONE),
        (_OPUS, asking(ToolChoice(tool_name="f")), ReasoningEffort.NONE),
        (_OPUS, asking(ToolChoice()), None),
        (_GPT, replace(asking(), generation=GenerationConfig(temperature=0.5)), ReasoningEffort.NONE),
    ],
)
def test_a_model_that_reasons_unasked_rests_where_it_takes_tools_in_no_other_way(
    profile: Profile, query: Query, effort: ReasoningEffort | None
) -> None:
    assert objection(profile, query) is None
    sent, made = adjusted(query, profile)
    assert sent.generation.reasoning_effort is effort
    assert [one.field for one in made] == ([] if effort is None else ["query.generation.reasoning_effort"])
    assert objection(profile, sent) is None


@pytest.mark.parametrize(
    ("profile", "query", "words"),
    [
        (_GPT, asking(effort=ReasoningEffort.LOW), "reasoning allows no tools"),
        (_OPUS, asking(_DEMANDED, ReasoningEffort.LOW), "reasoning allows no demanded tool"),
        (_NEVER_FORCED, asking(_DEMANDED), "it takes no demanded tool"),
        (_NEVER_FORCED, text_query("hi", GenerationConfig(reasoning_effort=ReasoningEffort.NONE)), "kept from reason"),
        (_GPT, text_query("hi", GenerationConfig(temperature=0.5)), "no temperature but 1"),
    ],
)
def test_what_the_caller_set_is_never_adjusted(profile: Profile, query: Query, words: str) -> None:
    assert words in (objection(profile, query) or "")
    assert adjusted(query, profile)[0].generation == query.generation


def test_the_one_value_that_a_model_takes_is_said_by_silence() -> None:
    query = text_query("hi", GenerationConfig(temperature=1.0, top_p=1.0))
    sent, made = adjusted(query, _NEVER_FORCED)
    assert (sent.generation, made) == (GenerationConfig(), [])
    assert adjusted(query, Profile()) == (query, [])


def test_what_an_api_has_no_field_for_and_no_answer_depends_on_is_left_out_and_said() -> None:
    query = replace(asking(), user_id="u", generation=GenerationConfig(parallel_tool_calls=True, logprobs=True))
    profile = replace(profile_at("openai", "api.mistral.ai", "m"), parallel_tool_calls=False)
    sent, made = adjusted(query, profile)
    assert (sent.user_id, sent.generation) == ("", GenerationConfig())
    fields = {"query.user_id", "query.generation.parallel_tool_calls", "query.generation.logprobs"}
    assert {one.field for one in made} == fields
