"""Conversations stay with their model unless a switch gains more than it costs; tool loops are never torn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from frontdesk_server.domain.affinity import affinity_key, conversation_keys
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.decision import Decision, RoutedQuery, Verdict
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.prices import Prices, PriceTier
from frontdesk_server.domain.profile import Caching, Profile
from frontdesk_server.domain.query import Message, Query, Role, TextPart, Tool, ToolCall, ToolResult
from frontdesk_server.domain.tokens import estimate_input_tokens
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.routing.costs import cold_cost_nano_usd
from frontdesk_server.state.affinity import MemoryAffinity

from tests.fakes import FakeClock, a_model
from tests.unit.routing.desk import engine_of, route

CHAT = RoutingPolicy(affinity_key="chat-1")
QUALITY = "routers: {default: {default_model: mid, strategy: {kind: model, model: %s}%s}}"
CASCADE = """
routers:
  default:
    default_model: mid
    switch_cost: 0.5
    strategy:
      kind: cascade
      steps:
        - {model: small, check: {kind: heuristic}}
        - {model: mid, check: {kind: heuristic}}
        - {model: frontier}
"""


def remembering(model: str, *, caller: str = ANONYMOUS.name, router: str = "default") -> MemoryAffinity:
    """A memory in which the conversation `chat-1` is with this model."""
    memory = MemoryAffinity(10, 3600, FakeClock())
    memory.remember([affinity_key(caller, router, "chat-1")], model)
    return memory


async def routed(chosen: str, pinned: str, more: str = "", policy: RoutingPolicy = CHAT) -> Decision:
    """The decision where the tree chooses one model and the conversation is with another."""
    engine = engine_of(QUALITY % (chosen, more), affinity=remembering(pinned))
    return await route(engine, "What is the capital of France?", policy)


@pytest.mark.parametrize(
    ("chosen", "pinned", "more", "model"),
    [
        ("mid", "small", ", switch_cost: 0.9", "small"),
        ("frontier", "small", ", switch_cost: 0", "frontier"),
        ("small", "frontier", ", switch_cost: 0", "frontier"),
        ("small", "frontier", ", switch_cost: 0, cost_weight: 100", "small"),
        ("small", "frontier", ", switch_cost: 0.5, quality_floor: 0.1", "small"),
        ("small", "mid", ", switch_cost: 0.99, quality_floor: 0.1", "mid"),
        ("frontier", "local", ", switch_cost: 5, quality_floor: 0.9999", "local"),
    ],
    ids=[
        "gain below the cost",
        "gain above the cost",
        "no gain",
        "cheaper by the weights",
        "cheaper above the floor",
        "not cheaper enough above the floor",
        "neither reaches the floor",
    ],
)
async def test_a_conversation_leaves_its_model_only_for_a_gain_above_the_switch_cost(
    chosen: str, pinned: str, more: str, model: str
) -> None:
    decision = await routed(chosen, pinned, more)
    assert decision.model == decision.plan[0].model == model
    step = decision.path[-1]
    assert step.strategy == "affinity"
    assert step.verdict is (Verdict.CHOSE if model == pinned else Verdict.ABSTAINED)
    assert (decision.strategy == "affinity") is (model == pinned)
    assert decision.propensity == 1


async def test_a_model_that_misses_the_floor_is_left_for_one_that_reaches_it() -> None:
    engine = engine_of(QUALITY % ("frontier", ", switch_cost: 50"), affinity=remembering("local"))
    policy = replace(CHAT, quality_floor=0.7)
    decision = await route(engine, "Prove that the square root of two is irrational, step by step.", policy)
    assert decision.model == "frontier"


async def test_a_model_that_may_not_answer_any_more_is_left() -> None:
    decision = await routed("mid", "small", ", switch_cost: 9", replace(CHAT, excluded_models=frozenset({"small"})))
    assert decision.model == "mid"
    assert "may not answer now" in decision.path[-1].reason


@pytest.mark.parametrize(
    ("policy", "caller"),
    [(RoutingPolicy(), ANONYMOUS), (replace(CHAT, affinity_key="chat-2"), ANONYMOUS), (CHAT, Caller("eve"))],
)
async def test_other_conversations_and_callers_are_not_concerned(policy: RoutingPolicy, caller: Caller) -> None:
    engine = engine_of(QUALITY % ("mid", ", switch_cost: 9"), affinity=remembering("small"))
    assert (await route(engine, "Hello", policy, caller=caller)).model == "mid"


async def test_a_query_without_a_key_is_not_asked_about() -> None:
    decision = await routed("mid", "small", policy=RoutingPolicy())
    assert [step.strategy for step in decision.path] == ["model"]


async def test_a_cascade_goes_on_from_the_model_that_it_had_come_to() -> None:
    decision = await route(engine_of(CASCADE, affinity=remembering("mid")), "Hello", CHAT)
    assert [step.model for step in decision.plan] == ["mid", "frontier"]
    assert decision.plan[0].check


async def test_a_conversation_that_stays_is_not_explored_with() -> None:
    more = ", switch_cost: 9, exploration: {share: 1}"
    assert (await routed("mid", "small", more)).model == "small"


WEATHER = ToolCall("call_0", "weather", '{"city": "Oslo"}')
ASKED = Query(
    (Message(Role.USER, (TextPart("Is it cold in Oslo?"),)),),
    tools=(Tool("weather"),),
)
ANSWERED = replace(
    ASKED,
    messages=(
        *ASKED.messages,
        Message(Role.ASSISTANT, (WEATHER,)),
        Message(Role.TOOL, (ToolResult("call_0", "-3"),)),
    ),
)


async def after_a_tool_call(of: str, question: Query = ASKED) -> MemoryAffinity:
    """A memory of a model's having called the tool."""
    memory, policy = MemoryAffinity(10, 3600, FakeClock()), RoutingPolicy()
    decision = await route(engine_of(QUALITY % (of, "")), question, policy)
    answer = Answer(Message(Role.ASSISTANT, (WEATHER,)), FinishReason.TOOL_CALLS, Usage(1, 1))
    memory.remember(conversation_keys(RoutedQuery(question, policy, decision, ANONYMOUS.name), answer), of)
    return memory


async def test_a_tool_loop_stays_with_the_model_that_made_the_call_whatever_the_gain() -> None:
    engine = engine_of(QUALITY % ("frontier", ", switch_cost: 0"), affinity=await after_a_tool_call("mid"))
    decision = await route(engine, ANSWERED)
    assert decision.model == "mid"
    assert "waits for the results" in decision.reason


async def test_a_tool_loop_is_not_escalated() -> None:
    engine = engine_of(CASCADE, affinity=await after_a_tool_call("mid"))
    decision = await route(engine, ANSWERED)
    assert [(step.model, step.check) for step in decision.plan] == [("mid", "")]


async def test_a_tool_loop_whose_model_may_not_answer_any_more_goes_on_with_another() -> None:
    engine = engine_of(QUALITY % ("frontier", ""), affinity=await after_a_tool_call("mid"))
    decision = await route(engine, ANSWERED, RoutingPolicy(excluded_models=frozenset({"mid"})))
    assert decision.model == "frontier"


async def test_tool_calls_that_an_upstream_numbers_from_zero_are_told_apart_by_their_question() -> None:
    other = replace(ASKED, messages=(Message(Role.USER, (TextPart("Is it cold in Rome?"),)),))
    engine = engine_of(QUALITY % ("frontier", ""), affinity=await after_a_tool_call("mid", other))
    assert (await route(engine, ANSWERED)).model == "frontier"


async def test_the_memory_is_bounded_and_forgets_what_rests() -> None:
    clock = FakeClock()
    memory = MemoryAffinity(2, 60, clock)
    memory.remember(["a"], "small")
    memory.remember(["b"], "small")
    memory.remember(["a"], "mid")
    memory.remember(["c"], "small")
    assert len(memory) == 2
    assert [await memory.model(key) for key in "abc"] == ["mid", None, "small"]
    clock.seconds += 61
    assert await memory.model("a") is None


PRICED = """
backends: {fake: {kind: simulated}}
models:
  old: {backend: fake, quality: 0.8, prices: {input: 3, output: 3, cache_read: 0.3, cache_write: 3.75}}
  new: {backend: fake, quality: 0.8, prices: {input: 2, output: 2, cache_write: 2.50}}
"""
"""A cached token of the old model costs less than any of the new one's."""


@pytest.mark.parametrize(
    ("words", "more", "model"),
    [
        (500, ", quality_floor: 0.5", "new"),
        (4000, ", quality_floor: 0.5", "old"),
        (4000, ", cost_weight: 1", "old"),
        (400, ", cost_weight: 1", "new"),
    ],
)
async def test_a_conversation_stays_where_its_history_is_cached_unless_that_is_short(
    words: int, more: str, model: str
) -> None:
    routers = f"routers: {{default: {{default_model: new, strategy: {{kind: model, model: new}}{more}}}}}"
    engine = engine_of(routers, models=PRICED, affinity=remembering("old"))
    history = (user("word " * words), Message(Role.ASSISTANT, (TextPart("Noted."),)), user("And now?"))
    assert (await route(engine, Query(history), CHAT)).model == model


@pytest.mark.parametrize(
    ("words", "nano_usd_per_token"),
    [(500, 0), (2000, 2_700 + 500), (300_000, 5_400 + 500)],
    ids=["too short for a cache", "read and write", "by length"],
)
def test_what_goes_cold_costs_the_discount_of_reading_and_the_extra_charge_of_writing(
    words: int, nano_usd_per_token: int
) -> None:
    long = Prices(6_000_000_000, 0, 600_000_000)
    old = replace(a_model("old"), prices=Prices(3_000_000_000, 0, 300_000_000, tiers=(PriceTier(200_000, long),)))
    new = replace(a_model("new"), prices=Prices(2_000_000_000, 0, None, 2_500_000_000))
    history = (user("word " * words), Message(Role.ASSISTANT, (TextPart("Noted."),)))
    query, now = Query((*history, user("And now?"))), datetime.now(UTC)
    assert cold_cost_nano_usd(query, old, new, now) == estimate_input_tokens(Query(history)) * nano_usd_per_token
    assert cold_cost_nano_usd(Query((user("hi"),)), old, new, now) == 0
    assert cold_cost_nano_usd(query, replace(old, prices=None), new, now) is None


def test_each_provider_has_a_shortest_beginning_that_it_caches() -> None:
    old = replace(a_model("old"), prices=Prices(3_000_000_000, 0, 300_000_000))
    new = replace(a_model("new"), prices=Prices(2_000_000_000, 0, None, 2_500_000_000))
    history = (user("word " * 2000), Message(Role.ASSISTANT, (TextPart("Noted."),)))
    query, now = Query((*history, user("And now?"))), datetime.now(UTC)
    tokens = estimate_input_tokens(Query(history))
    assert cold_cost_nano_usd(query, caching_from(4096, old), new, now) == tokens * 500
    assert cold_cost_nano_usd(query, old, caching_from(4096, new), now) == tokens * 2_700
    assert cold_cost_nano_usd(query, caching_from(4096, old), caching_from(4096, new), now) == 0
    assert cold_cost_nano_usd(query, caching_from(0, old, Caching.NONE), new, now) == tokens * 500


def caching_from(tokens: int, model: Model, caching: Caching = Caching.AUTOMATIC) -> Model:
    profile = Profile(least_cached_tokens=tokens, prompt_caching=caching)
    return replace(model, deployments=(replace(model.primary, profile=profile),))


def user(text: str) -> Message:
    return Message(Role.USER, (TextPart(text),))
