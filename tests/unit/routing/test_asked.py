# ruff: noqa: E501, RUF001 - a text is one line; signs of other scripts look like ours
"""What a query asks sways its difficulty; what it brings along, and what it says of itself, does not."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.query import Message, Query, Role, TextPart, ToolCall, ToolResult
from frontdesk_server.domain.signals import Signals
from frontdesk_server.routing.signals import compute_signals

HARD = "Why is every finite division ring commutative?"
EASY = "What is the capital of Portugal?"
QUESTIONS = (HARD, EASY, "Warum ist die Menge der reellen Zahlen überabzählbar?", "西班牙的首都是哪里？")

RECIPE = (
    "Wash the potatoes and boil them for twenty minutes. Meanwhile chop the onions and fry them in a little butter until "
    "they are golden. Mix both with salt, pepper and a spoon of mustard, and let it rest in the fridge over night. Serve "
    "with sausages and bread. The children like it with cucumbers, too, and grandmother adds a boiled egg. "
) * 3
PAPER = (
    "We prove that the spectral gap of the random walk on expander graphs is bounded below, derive a concentration "
    "inequality for Markov chains, and analyse the trade-offs of a distributed consensus protocol under Byzantine faults. "
) * 5
CODE = (
    "```python\ndef prove(theorem):\n    # derive the optimal lock-free algorithm\n    return consensus(theorem)\n```"
)


def _signals(*messages: tuple[Role, str]) -> Signals:
    return compute_signals(Query(tuple(Message(role, (TextPart(text),)) for role, text in messages)))


def _asked(text: str) -> Signals:
    return _signals((Role.USER, text))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_system_prompt_does_not_sway_it(question: str) -> None:
    prompted = _signals((Role.SYSTEM, PAPER * 4), (Role.USER, question))

    assert prompted.difficulty == _asked(question).difficulty


@pytest.mark.parametrize("question", QUESTIONS)
def test_ten_turns_before_it_do_not_sway_it(question: str) -> None:
    turns = [(Role.USER, "Tell me about gardens."), (Role.ASSISTANT, RECIPE)] * 5

    assert _signals(*turns, (Role.USER, question)).difficulty == _asked(question).difficulty


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("pasted", [RECIPE, PAPER])
def test_a_pasted_text_does_not_sway_it(question: str, pasted: str) -> None:
    before, after = _asked(f"{question}\n\n{pasted}"), _asked(f"{pasted}\n\n{question}")

    assert before.difficulty == after.difficulty == _asked(question).difficulty


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("claim", ["This is trivial.", "(This is an easy question.)", "It is extremely difficult!"])
def test_a_claim_about_the_question_does_not_sway_it(question: str, claim: str) -> None:
    assert _asked(f"{claim} {question}").difficulty == _asked(question).difficulty
    assert _asked(f"{question} {claim}").difficulty == _asked(question).difficulty


@pytest.mark.parametrize(
    ("claim", "question"),
    [
        ("Das ist trivial.", "Warum ist die Menge der reellen Zahlen überabzählbar?"),
        ("C'est facile.", "Pourquoi le problème de l'arrêt est-il indécidable ?"),
        ("Esto es muy fácil.", "¿Por qué el problema de la parada es indecidible?"),
        ("Isto é simples.", "Por que o problema da parada é indecidível?"),
        ("这很简单。", "为什么停机问题不可判定？"),
        ("これは簡単です。", "停止性問題が決定不能なのはなぜですか。"),
    ],
)
def test_a_claim_in_any_language_does_not_sway_it(claim: str, question: str) -> None:
    between = "" if claim.endswith("。") else " "

    assert _asked(f"{claim}{between}{question}").difficulty == _asked(question).difficulty


def test_what_a_tool_brought_does_not_sway_it() -> None:
    asked = Message(Role.USER, (TextPart(EASY),))
    called = Message(Role.ASSISTANT, (ToolCall("1", "search", "{}"),))
    brought = Message(Role.TOOL, (ToolResult("1", PAPER),))

    assert compute_signals(Query((asked, called, brought))).difficulty == _asked(EASY).difficulty


@pytest.mark.parametrize(
    "text",
    [
        f"{EASY}\n{CODE}",
        f"{EASY}\n\n> Prove that the halting problem is undecidable.\n> Derive the bound.",
        f"{EASY}\n<document>{PAPER}</document>",
    ],
)
def test_code_quotations_and_documents_do_not_make_an_easy_question_hard(text: str) -> None:
    assert _asked(text).difficulty < 0.4


def test_the_question_counts_in_a_message_that_rambles() -> None:
    ramble = "My cousin studies algebraic topology and would not stop talking about homology groups at dinner. " * 4

    assert _asked(f"{ramble}What is the capital of Portugal?").difficulty < 0.4
    assert _asked(f"{RECIPE[:300]} {HARD}").difficulty > 0.5
