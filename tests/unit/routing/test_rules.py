from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Set

import pytest
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.errors import ConfigError, NoEligibleModel
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Query, Role, TextPart, ToolResult
from frontdesk_server.routing.engine import Engine
from frontdesk_server.routing.strategies import conditions
from frontdesk_server.routing.strategies.conditions import PhraseSet

from tests.conftest import DefectLog
from tests.unit.routing.desk import engine_of, route


def _rules(rules: str) -> str:
    return f"routers: {{default: {{default_model: mid, strategy: {{kind: rules, rules: [{rules}]}}}}}}"


async def _model(rules: str, query: str | Query) -> str:
    return (await route(engine_of(_rules(rules)), query)).model


@pytest.mark.parametrize(
    ("when", "text", "holds"),
    [
        ("keywords: [invoice]", "where is my INVOICE?", True),
        ("keywords: [invoice]", "invoices", False),
        ("keywords: [refund, invoice]", "a refund, please", True),
        ("keywords: ['credit card']", "my credit  card", True),
        ("keywords: ['credit card']", "my credit, card", False),
        ("keywords: ['c++']", "I love C++!", True),
        ("keywords: ['.net']", "asp.net", True),
        ("keywords: [größe]", "Welche Größe?", True),
        ("keywords: [größe]", "Übergröße", False),
        ("keywords: [über]", "“über” alles", True),
        ("keywords: [ber]", "über", False),
        ("keywords: [usb]", "请问USB接口在哪里", True),
        ("keywords: [天气]", "今天天气怎么样", True),
        ("keywords: [a.b]", "axb", False),
        ("pattern: '\\d{3}-\\d{4}'", "call 555-1234", True),
        ("pattern: 'SECRET'", "secret", False),
        ("pattern: '(?i)SECRET'", "secret", True),
        ("pattern: '^hello'", "say hello", False),
        ("keywords: [invoice], pattern: '\\d+'", "invoice 17", True),
        ("keywords: [invoice], pattern: '\\d+'", "invoice", False),
        ("task: [code]", "Write a Python function", True),
        ("task: [math, code]", "Tell me a story", False),
        ("difficulty: {min: 0.6}", "Prove that P != NP", True),
        ("difficulty: {max: 0.2}", "Prove that P != NP", False),
        ("input_tokens: {min: 5, max: 50}", "short enough to fit", True),
        ("input_tokens: {min: 50}", "short", False),
        ("turns: {max: 1}", "hi", True),
        ("turns: {min: 2}", "hi", False),
        ("language: [de, fr]", "Was ist die Hauptstadt von Frankreich?", True),
        ("language: [de]", "What is the capital of France?", False),
        ("code: true", "def f(x):", True),
        ("code: false", "def f(x):", False),
        ("math: true", "solve for x: x + 1 = 2", True),
        ("tools: true", "hi", False),
        ("tools: false", "hi", True),
        ("media: false", "hi", True),
        ("all: [{keywords: [a]}, {keywords: [b]}]", "a b", True),
        ("all: [{keywords: [a]}, {keywords: [b]}]", "a", False),
        ("any: [{keywords: [a]}, {keywords: [b]}]", "b", True),
        ("any: [{keywords: [a]}, {keywords: [b]}]", "c", False),
        ("any: [{keywords: [a]}, {code: false}]", "c", True),
        ("none: [{keywords: [a]}, {keywords: [b]}]", "c", True),
        ("none: [{keywords: [a]}, {keywords: [b]}]", "b", False),
        ("keywords: [x], none: [{keywords: [y]}]", "x", True),
        ("keywords: [x], none: [{keywords: [y]}]", "x y", False),
        ("any: [{all: [{keywords: [a]}, {none: [{keywords: [b]}]}]}]", "a", True),
    ],
)
async def test_a_condition_holds_when_all_that_is_given_holds(when: str, text: str, holds: bool) -> None:
    assert await _model(f"{{name: r, when: {{{when}}}, model: frontier}}", text) == ("frontier" if holds else "mid")


async def test_the_first_rule_that_holds_decides() -> None:
    rules = "{name: a, when: {keywords: [x]}, model: small}, {name: b, model: local}, {name: c, model: frontier}"

    assert await _model(rules, "x") == "small"
    assert await _model(rules, "y") == "local"


async def test_rules_that_need_no_phrase_keep_their_place_among_those_that_do() -> None:
    rules = "{name: a, when: {code: false}, model: small}, {name: b, when: {keywords: [x]}, model: frontier}"

    assert await _model(rules, "x") == "small"


async def test_no_rule_holds_so_the_default_answers() -> None:
    decision = await route(engine_of(_rules("{name: a, when: {keywords: [x]}, model: small}")), "y")

    assert (decision.model, decision.strategy) == ("mid", "default")
    assert decision.path[0].verdict is Verdict.ABSTAINED
    assert "no rule holds" in decision.reason


async def test_anywhere_looks_at_the_whole_conversation_and_else_only_the_last_user_message() -> None:
    query = Query(
        (
            Message(Role.USER, (TextPart("my salary"),)),
            Message(Role.ASSISTANT, (TextPart("yes?"),)),
            Message(Role.USER, (TextPart("is it enough?"),)),
            Message(Role.TOOL, (ToolResult("1", "the answer holds IBAN DE12"),)),
        )
    )

    assert await _model("{name: a, when: {keywords: [salary]}, model: frontier}", query) == "mid"
    assert await _model("{name: a, when: {keywords: [salary], anywhere: true}, model: frontier}", query) == "frontier"
    assert await _model("{name: a, when: {pattern: 'IBAN', anywhere: true}, model: frontier}", query) == "frontier"


async def test_the_whole_text_is_searched() -> None:
    assert await _model("{name: a, when: {keywords: [iban]}, model: local}", "word " * 6000 + "IBAN") == "local"


async def test_the_search_of_a_long_text_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    others_ran = threading.Event()
    search = PhraseSet.found_in

    def slow(phrases: PhraseSet, text: str) -> Set[int]:
        assert others_ran.wait(timeout=10)
        return search(phrases, text)

    monkeypatch.setattr(PhraseSet, "found_in", slow)
    routed = asyncio.create_task(_model("{name: a, when: {keywords: [iban]}, model: local}", "word " * 6000 + "IBAN"))
    asyncio.get_running_loop().call_later(0.01, others_ran.set)
    assert await routed == "local"


async def test_a_rule_whose_model_is_not_eligible_hands_over_to_the_next() -> None:
    engine = engine_of(_rules("{name: a, model: small}, {name: b, model: frontier}"))
    decision = await route(engine, "x", RoutingPolicy(excluded_models=frozenset({"small"})))

    assert decision.model == "frontier"


async def test_the_decision_names_the_rule() -> None:
    decision = await route(engine_of(_rules("{name: money, when: {keywords: [usd]}, model: small}")), "5 USD")

    assert "rule 'money' chooses small" in decision.reason
    assert (decision.path[0].path, decision.path[0].model) == ("default/rules", "small")


@pytest.mark.parametrize("pattern", ["(", "a{2000}", "(?<=x)y", "[z-a]"])
def test_an_invalid_pattern_is_a_fault_with_the_rules_name_and_place(pattern: str) -> None:
    with pytest.raises(ConfigError) as error:
        engine_of(_rules(f"{{name: ok, model: mid}}, {{name: odd, when: {{pattern: '{pattern}'}}, model: small}}"))

    (fault,) = error.value.faults
    assert "odd" in fault.message
    assert fault.path == "routers.default.strategy.rules[1].when.pattern"
    assert fault.line > 0


def test_every_fault_of_a_condition_and_of_those_within_it_has_its_place() -> None:
    when = "{keywords: ['', ok, ' '], language: [english, en, xx], none: [{any: [{pattern: '('}, {code: true}]}]}"
    with pytest.raises(ConfigError) as error:
        engine_of(_rules(f"{{name: a, when: {when}, model: small}}"))

    place = "routers.default.strategy.rules[0].when."
    assert {fault.path.removeprefix(place) for fault in error.value.faults} == {
        "keywords[0]",
        "keywords[2]",
        "language[0]",
        "language[2]",
        "none[0].any[0].pattern",
    }


async def test_a_thousand_rules_take_no_longer_than_ten() -> None:
    def engine(rules: int) -> Engine:
        listed = ", ".join(f"{{name: r{i}, when: {{keywords: [word{i}]}}, model: small}}" for i in range(rules))
        return engine_of(_rules(listed))

    few, many = engine(10), engine(1000)

    async def seconds(which: Engine) -> float:
        best = float("inf")
        for _ in range(5):
            started = time.process_time()
            for _ in range(40):
                await route(which, "Is there anything about word9 in the handbook of the company?")
            best = min(best, time.process_time() - started)
        return best

    assert await seconds(many) < 3 * await seconds(few)


RESTRICTING = """
{name: public, when: {keywords: [weather]}, only: [small, mid]},
{name: ours, only: [local, mid, frontier]},
{name: private, when: {keywords: [salary]}, only: [local]},
{name: broken, when: {turns: {min: 1}}, model: mid},
{name: later, only: [local, small]}"""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("hello", {"local"}),
        ("what is her salary?", {"local"}),
        ("how is the weather?", set()),
    ],
)
async def test_a_failing_rule_loses_no_restriction_made_or_still_to_be_made(
    text: str, left: set[str], monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    monkeypatch.setattr(conditions, "_in_range", lambda *_: lambda facts: 1 / 0)
    engine = engine_of(
        "routers: {default: {default_model: mid, strategy: {kind: chain, strategies: ["
        f"{{kind: rules, rules: [{RESTRICTING}]}}, {{kind: model, model: frontier}}]}}}}}}"
    )
    if not left:
        with pytest.raises(NoEligibleModel):
            await route(engine, text)
    else:
        decision = await route(engine, text)
        assert {c.model for c in decision.candidates if c.exclusion is None} == left
        assert [step.verdict for step in decision.path[1:]] == [Verdict.FAILED, Verdict.ABSTAINED]
    caught_defects.clear()


async def test_where_the_text_cannot_be_searched_every_restriction_holds(
    monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    engine = engine_of(_rules("{name: private, when: {keywords: [salary]}, only: [local]}, {name: all, model: mid}"))

    def broken(self: PhraseSet, text: str) -> Set[int]:
        raise MemoryError

    monkeypatch.setattr(PhraseSet, "found_in", broken)
    assert (await route(engine, "her salary")).model == "local"
    caught_defects.clear()
