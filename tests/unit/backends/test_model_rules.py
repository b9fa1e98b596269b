"""What today's models refuse they are not sent: the model is excluded for what its caller set, the rest is adjusted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.adjusting import adjusted, own_question
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.fitting import Fitting
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonSchemaFormat,
    Query,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    text_query,
)
from frontdesk_server.rpc.decode import decode_query
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.fakes import a_model
from tests.histories import queries
from tests.profiles import profile_at
from tests.upstream import model_rules
from tests.upstream.model_rules import Json, Rules, refusals

_MODELS: dict[str, tuple[bool, Profile, Rules]] = {
    **{name: (True, profile_at("anthropic", "", name), rules) for name, rules in model_rules.ANTHROPIC.items()},
    **{
        f"{host} {name}": (False, profile_at("openai", host, name), rules)
        for (host, name), rules in model_rules.COMPATIBLE.items()
    },
}
_SETTINGS: dict[str, st.SearchStrategy[object]] = {
    "seed": st.just(7),
    "frequency_penalty": st.sampled_from([0.0, 0.5]),
    "logprobs": st.booleans(),
    "top_k": st.just(40),
    "parallel_tool_calls": st.booleans(),
    "reasoning_budget_tokens": st.sampled_from([1024, 4096]),
}


@st.composite
def _asked(draw: st.DrawFn) -> Query:
    """A query of any history, with settings, tools and a demanded tool beside."""
    query = decode_query(draw(queries()))
    changes = draw(st.fixed_dictionaries({}, optional=_SETTINGS))
    generation = query.generation
    if "reasoning_budget_tokens" in changes:
        generation = replace(generation, reasoning_effort=None)
    query = replace(query, generation=replace(generation, **changes), user_id=draw(st.sampled_from(["", "u"])))  # type: ignore[arg-type]
    if draw(st.booleans()):
        choice = draw(
            st.sampled_from([None, ToolChoice(), ToolChoice(ToolChoiceMode.REQUIRED), ToolChoice(tool_name="f")])
        )
        query = replace(query, tools=(Tool("f"),), tool_choice=choice)
    return query


def _body(query: Query, profile: Profile, *, anthropic: bool, limit: int | None) -> Json:
    adapted, _ = adjusted(query, profile)
    call = BackendCall("m", adapted, stream=True, max_output_tokens=limit, profile=profile)
    return messages_body(call, 4096) if anthropic else chat_completion_body(call)


@settings(max_examples=600, deadline=None)
@given(_asked(), st.sampled_from(sorted(_MODELS)), st.sampled_from([None, 32_000]))
def test_no_model_is_sent_what_it_refuses(query: Query, name: str, own_limit: int | None) -> None:
    anthropic, profile, rules = _MODELS[name]
    places = (Deployment("b", "m", profile=profile),)
    model = replace(a_model("m"), deployments=places, context_window=1_000_000, max_output_tokens=own_limit)
    fitting = Fitting.of(query, 100)
    if fitting.exclusion(model) is not None:
        event("excluded")
        return
    assert not fitting.undemanding or objection(profile, query) is None
    limit = model.output_bound(query.generation.max_output_tokens, 100)
    assert refusals(_body(query, profile, anthropic=anthropic, limit=limit), rules) == []


@pytest.mark.parametrize("name", sorted(_MODELS))
@pytest.mark.parametrize(
    "generation",
    [
        GenerationConfig(),
        GenerationConfig(max_output_tokens=12, temperature=0.0),
        GenerationConfig(max_output_tokens=32, temperature=0.0, logprobs=True, top_logprobs=5),
        GenerationConfig(temperature=0.7, top_p=0.9, seed=1),
        GenerationConfig(response_format=JsonSchemaFormat("choice", '{"type": "object"}')),
    ],
)
def test_no_model_refuses_a_question_of_our_own(name: str, generation: GenerationConfig) -> None:
    anthropic, profile, rules = _MODELS[name]
    query = own_question(text_query("Rate it.", generation), profile)
    body = _body(query, profile, anthropic=anthropic, limit=query.generation.max_output_tokens)
    assert refusals(body, rules) == []


@pytest.mark.parametrize("name", sorted(_MODELS))
def test_every_model_takes_a_plain_query_and_tools(name: str) -> None:
    anthropic, profile, rules = _MODELS[name]
    plain = text_query("hi", GenerationConfig(max_output_tokens=2000))
    for query in (plain, replace(plain, tools=(Tool("f"),))):
        assert Fitting.of(query, 100).misfit(a_model("m"), Deployment("b", "m", profile=profile)) is None
        assert refusals(_body(query, profile, anthropic=anthropic, limit=2000), rules) == []


def test_a_question_of_our_own_leaves_room_for_reasoning_that_cannot_be_kept_from() -> None:
    short = text_query("Rate it.", GenerationConfig(max_output_tokens=12))
    assert (own_question(short, _MODELS["api.openai.com gpt-5"][1]).generation.max_output_tokens or 0) > 1000
    assert own_question(short, _MODELS["claude-opus-5"][1]).generation.max_output_tokens == 12


def test_the_judge_refuses_what_is_refused() -> None:
    thinking: Json = {"messages": [{"role": "user"}], "thinking": {"type": "enabled"}, "temperature": 0.5}
    assert len(refusals(thinking, model_rules.ANTHROPIC["claude-opus-4-7"])) == 2
    tools: Json = {"messages": [{"role": "user"}], "tools": [{}]}
    assert refusals(tools, model_rules.COMPATIBLE["api.openai.com", "gpt-5.6-terra"]) == ["tools is not supported"]
