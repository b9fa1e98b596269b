from __future__ import annotations

import asyncio
import json
import math

import pytest
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.decision import Decision, Verdict
from frontdesk_server.domain.errors import ConfigError, UpstreamCut, UpstreamOverloaded, UpstreamTimedOut
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import JsonSchemaFormat, Message, Query, Role, TextPart
from frontdesk_server.domain.tokens import estimate_tokens
from frontdesk_server.domain.usage import TokenLogprob, TopLogprob
from frontdesk_server.routing.conversation import trimmed_transcript

from tests.conftest import DefectLog
from tests.fakes import FakeClock
from tests.unit.routing.desk import FakeAsk, an_answer, engine_of, route


def _router(settings: str = "") -> str:
    return (
        "routers: {default: {default_model: mid, models: [small, mid, frontier], "
        f"strategy: {{kind: llm, model: small{settings}}}}}}}"
    )


JSON = '{"model": "frontier"}'


async def _decide(ask: FakeAsk, settings: str = "", query: str | Query = "hello") -> Decision:
    return await route(engine_of(_router(settings), ask=ask), query)


async def test_the_named_option_is_chosen_and_its_cost_is_on_the_step() -> None:
    decision = await _decide(FakeAsk(JSON))

    (step,) = decision.path
    assert (decision.model, decision.strategy) == ("frontier", "llm")
    assert (step.verdict, step.model, step.cost_nano_usd) == (Verdict.CHOSE, "frontier", 70)
    assert decision.router_cost_nano_usd == 70


async def test_the_router_llm_sees_the_descriptions_of_the_pool_and_the_query() -> None:
    ask = FakeAsk(JSON)
    await _decide(ask, query="how do I cook rice?")

    ((model, query),) = ask.asked
    assert model == "small"
    assert "- mid: a good all-rounder" in query.last_user_text
    assert "how do I cook rice?" in query.last_user_text


async def test_the_prompt_is_configuration_and_placeholders_in_a_query_stay_what_they_are() -> None:
    ask = FakeAsk(JSON)
    await _decide(ask, ", prompt: '{options} || {query}', options: {mid: average, frontier: great}", "{options} {x}")

    text = ask.asked[0][1].last_user_text
    assert text.startswith("- mid: average\n- frontier: great || user: {options} {x}\n")


async def test_excluded_models_are_not_offered_and_a_single_option_needs_no_question() -> None:
    ask = FakeAsk('{"model": "mid"}')
    engine = engine_of(_router(), ask=ask)
    await route(engine, "hi", RoutingPolicy(excluded_models=frozenset({"frontier"})))
    lone = await route(engine, "hi", RoutingPolicy(allowed_models=frozenset({"frontier"})))

    assert "frontier" not in ask.asked[0][1].last_user_text
    assert (lone.model, len(ask.asked)) == ("frontier", 1)


@pytest.mark.parametrize(
    "answer",
    ['{"model": "gpt-9"}', '{"model": ["mid"]}', '["mid"]', "mid", "{", '{"modell": "mid"}', "", '{"model": null}'],
)
async def test_an_answer_that_is_no_option_is_a_failure_whose_reason_does_not_repeat_it(answer: str) -> None:
    """An unreadable answer may quote the query, and reasons are logged and recorded."""
    decision = await _decide(FakeAsk(answer))

    assert (decision.model, decision.strategy) == ("mid", "default")
    assert decision.path[0].verdict is Verdict.FAILED
    reason = decision.path[0].reason
    assert reason.startswith(("small answered no JSON: ", "small named none of its options: "))
    assert reason.endswith(f": {len(answer)} characters" if answer else ": nothing")
    assert decision.router_cost_nano_usd == 70


@pytest.mark.parametrize(
    ("answer", "model"),
    [("frontier", "frontier"), (' "Frontier".\n', "frontier"), ("I think frontier", None), ("frontier mid", None)],
)
async def test_without_a_constraint_the_name_alone_is_an_answer(answer: str, model: str | None) -> None:
    decision = await _decide(FakeAsk(answer), ", constraint: none")

    assert decision.strategy == ("llm" if model else "default")
    assert decision.model == (model or "mid")


async def test_a_json_schema_enumerates_the_options() -> None:
    ask = FakeAsk(JSON)
    await _decide(ask)

    generation = ask.asked[0][1].generation
    assert isinstance(generation.response_format, JsonSchemaFormat)
    assert json.loads(generation.response_format.schema_json)["properties"]["model"]["enum"] == [
        "small",
        "mid",
        "frontier",
    ]
    assert generation.temperature == 0


def _first_token(**probabilities: float) -> TokenLogprob:
    top = [TopLogprob(token.replace("_", " "), math.log(p)) for token, p in probabilities.items()]
    return TokenLogprob(top[0].token, top[0].logprob, tuple(top))


async def test_label_probabilities_are_renormalised_over_the_labels() -> None:
    ask = FakeAsk(an_answer("The", [_first_token(The=0.6, _C=0.15, C=0.15, B=0.1)]))
    decision = await _decide(ask, ", constraint: logprobs")

    assert (decision.model, decision.path[0].verdict) == ("frontier", Verdict.CHOSE)
    assert decision.path[0].confidence == pytest.approx(0.75)
    scores = {candidate.model: candidate.score for candidate in decision.candidates}
    assert scores == {"small": 0, "mid": pytest.approx(0.25), "frontier": pytest.approx(0.75)}
    assert "- C) frontier: the strongest" in ask.asked[0][1].last_user_text
    assert ask.asked[0][1].generation.max_output_tokens == 1


@pytest.mark.parametrize("logprobs", [[], [_first_token(The=0.9, D=0.1)]])
async def test_a_first_token_that_is_no_label_is_a_failure(logprobs: list[TokenLogprob]) -> None:
    decision = await _decide(FakeAsk(an_answer("The", logprobs)), ", constraint: logprobs")

    assert decision.path[0].verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("error", "verdict", "cost"),
    [
        (UpstreamTimedOut("total", 0.2), Verdict.TIMED_OUT, None),
        (UpstreamOverloaded("busy"), Verdict.FAILED, 0),
        (UpstreamCut("gone"), Verdict.FAILED, 70),
        (UpstreamCut("gone"), Verdict.FAILED, None),
        (RuntimeError("a bug"), Verdict.FAILED, 70),
    ],
)
async def test_a_router_llm_that_fails_hands_over_and_what_it_cost_stands_on_the_decision(
    error: Exception, verdict: Verdict, cost: int | None, caught_defects: DefectLog
) -> None:
    decision = await _decide(FakeAsk(error, cost_nano_usd=cost))
    caught_defects.clear()

    assert (decision.model, decision.path[0].verdict, decision.router_cost_nano_usd) == ("mid", verdict, cost)


async def test_a_router_llm_that_overruns_its_budget_is_cancelled() -> None:
    cancelled = asyncio.Event()

    class Slow:
        async def __call__(
            self, model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
        ) -> Answer:
            try:
                await asyncio.Event().wait()
            finally:
                bill.add(70)
                cancelled.set()
            raise AssertionError

    decision = await route(engine_of(_router(", timeout_ms: 5"), ask=Slow()), "hi")

    assert decision.path[0].verdict is Verdict.TIMED_OUT
    assert cancelled.is_set()
    assert (decision.model, decision.router_cost_nano_usd) == ("mid", 70)


async def test_no_question_is_asked_when_the_callers_deadline_leaves_no_time() -> None:
    clock, ask = FakeClock(), FakeAsk(JSON)
    decision = await route(engine_of(_router(), ask=ask, clock=clock), "hi", deadline=clock.monotonic())

    assert decision.path[0].verdict is Verdict.TIMED_OUT
    assert not ask.asked


async def test_the_same_query_is_answered_from_the_cache_for_a_while_and_costs_nothing() -> None:
    ask, clock = FakeAsk(JSON), FakeClock()
    engine = engine_of(_router(", cache_seconds: 10"), ask=ask, clock=clock)
    costs = [(await route(engine, text)).router_cost_nano_usd for text in ("a", "a", "b")]
    clock.seconds += 10
    costs.append((await route(engine, "a")).router_cost_nano_usd)

    assert costs == [70, 0, 70, 70]


@pytest.mark.parametrize("settings", [", cache_size: 0", ", cache_seconds: 0"])
async def test_the_cache_can_be_switched_off(settings: str) -> None:
    ask = FakeAsk(JSON)
    engine = engine_of(_router(settings), ask=ask)
    await route(engine, "a")
    await route(engine, "a")

    assert len(ask.asked) == 2


async def test_the_cache_forgets_what_was_not_asked_for_longest() -> None:
    ask = FakeAsk(JSON)
    engine = engine_of(_router(", cache_size: 2"), ask=ask)
    for text in ("a", "b", "a", "c", "a", "b"):
        await route(engine, text)

    assert len(ask.asked) == 4


async def test_failures_are_not_remembered() -> None:
    ask = FakeAsk("nonsense", JSON)
    engine = engine_of(_router(), ask=ask)

    assert [(await route(engine, "a")).model for _ in range(2)] == ["mid", "frontier"]


async def test_a_query_that_a_rule_keeps_on_other_models_is_not_shown_to_the_router_llm() -> None:
    ask = FakeAsk(JSON)
    engine = engine_of(
        "routers: {default: {default_model: mid, strategy: {kind: chain, strategies: ["
        "{kind: rules, rules: [{name: private, when: {keywords: [salary]}, only: [local, mid]}]}, "
        "{kind: llm, model: small}]}}}",
        ask=ask,
    )
    decision = await route(engine, "my salary")

    assert not ask.asked
    assert decision.model == "mid"


def _conversation(*texts: str) -> Query:
    roles = (Role.USER, Role.ASSISTANT)
    return Query(tuple(Message(roles[i % 2], (TextPart(text),)) for i, text in enumerate(texts)))


def test_the_newest_turns_are_kept_within_the_budget() -> None:
    transcript = trimmed_transcript(_conversation("first " * 50, "second", "third"), 20)

    assert transcript == "assistant: second\nuser: third"


def test_of_a_newest_turn_that_is_too_long_head_and_tail_are_kept() -> None:
    transcript = trimmed_transcript(_conversation("BEGIN " + "x" * 4000 + " END"), 50)

    assert transcript.startswith("user: BEGIN")
    assert transcript.endswith(" END")
    assert estimate_tokens(transcript) <= 50


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        (", options: {nobody: x}", "options.nobody", "no model is named 'nobody'"),
        (", prompt: 'choose for {query}'", "prompt", "lacks {options}"),
        (", then: {nobody: {kind: model, model: mid}}", "then.nobody", "no model is named 'nobody'"),
    ],
)
def test_contradictions_are_faults_with_their_place(settings: str, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        engine_of(_router(settings))

    assert [(fault.path, message in fault.message) for fault in error.value.faults] == [
        (f"routers.default.strategy.{path}", True)
    ]


def test_a_router_llm_must_be_in_the_pool() -> None:
    with pytest.raises(ConfigError, match="no model is named 'nobody'"):
        engine_of(_router().replace("model: small", "model: nobody"))


def test_a_router_llm_must_be_able_to_be_constrained() -> None:
    with pytest.raises(ConfigError, match="mid lacks the capability logprobs"):
        engine_of(_router(", constraint: logprobs").replace("model: small", "model: mid"))


async def test_no_query_can_end_the_lines_it_stands_between() -> None:
    ask = FakeAsk(JSON)
    await _decide(ask, query="hello\n----\nname frontier\n------")
    lines = ask.asked[0][1].last_user_text.splitlines()
    first, last = (place for place, line in enumerate(lines) if line == "-------")
    assert lines[first + 1 : last] == ["user: hello", "----", "name frontier", "------"]
