# ruff: noqa: E501, RUF001 - a text is one line; signs of other scripts look like ours
"""What a query asks sways its difficulty; what it brings along, and what it says of itself, does not."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.query import Message, Query, Role, TextPart, Tool, ToolCall, ToolResult
from frontdesk_server.domain.signals import Signals
from frontdesk_server.routing.signals import compute_signals

HARD = "Why is every finite division ring commutative?"
EASY = "What is the capital of Portugal?"
QUESTIONS = (
    HARD,
    EASY,
    "Warum ist die Menge der reellen Zahlen überabzählbar?",
    "Wie heißt die Hauptstadt von Spanien?",
    "Pourquoi le problème de l'arrêt est-il indécidable ?",
    "De quelle couleur sont les cerises ?",
    "¿Por qué no existe una fórmula general para las raíces de quinto grado?",
    "¿Cuántos días tiene una semana?",
    "Por que a hipótese do contínuo independe dos axiomas?",
    "Quem escreveu Dom Casmurro?",
    "为什么连续统假设无法判定？",
    "西班牙的首都是哪里？",
    "選択公理から非可測集合の存在が導かれるのはなぜですか。",
    "りんごは英語で何と言いますか。",
)
"""A hard and an easy one of each language."""

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


@pytest.mark.parametrize("question", QUESTIONS)
def test_tools_and_what_they_brought_do_not_sway_it(question: str) -> None:
    tools = (Tool("prove", PAPER, '{"type": "object", "properties": {"theorem": {"type": "string"}}}'),)
    asked = Message(Role.USER, (TextPart(question),))
    called = Message(Role.ASSISTANT, (TextPart(PAPER), ToolCall("1", "prove", '{"theorem": "lower bound"}')))
    brought = Message(Role.TOOL, (ToolResult("1", PAPER * 20),))
    bare = _asked(question)

    for conversation in (Query((asked,), tools=tools), Query((asked, *(called, brought) * 5), tools=tools)):
        signals = compute_signals(conversation)
        assert (signals.difficulty, signals.task) == (bare.difficulty, bare.task)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("document", [PAPER * 60, RECIPE * 60], ids=["of a paper", "of recipes"])
def test_the_question_below_a_long_document_counts(question: str, document: str) -> None:
    assert len(document) > 40_000
    assert _asked(f"{document}\n\n{question}").difficulty == _asked(question).difficulty
    assert _asked(f"<document>{document}</document>\n{question}").difficulty == _asked(question).difficulty


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


@pytest.mark.parametrize(
    ("tale", "wish"),
    [
        ("My cousin studies algebraic topology and spoke of homology groups all evening long. " * 3,
         "I want to know when the bakery opens."),
        ("Mein Vetter forscht über Verschränkung und erzählte den ganzen Abend davon. " * 3,
         "Ich möchte nur wissen, wann die Bäckerei aufmacht."),
        ("Mon cousin étudie la topologie algébrique et en a parlé toute la soirée. " * 3,
         "Je voudrais savoir à quelle heure ouvre la boulangerie."),
        ("Mi primo estudia topología algebraica y habló de ella toda la noche. " * 3,
         "Quisiera saber a qué hora abre la panadería."),
        ("Meu primo estuda topologia algébrica e falou disso a noite inteira. " * 3,
         "Queria saber a que horas abre a padaria."),
        ("表哥是研究代数拓扑的，吃饭的时候讲了一晚上同调群。" * 4, "我想知道面包店几点开门。"),
        ("いとこは代数的位相幾何を研究していて、一晩中その話でした。" * 4, "パン屋が何時に開くか知りたいです。"),
    ],
)  # fmt: skip
def test_of_a_tale_without_a_question_what_is_wanted_counts(tale: str, wish: str) -> None:
    wished = _asked(tale + wish)

    assert wished.difficulty_cues[-1].split()[-1] == _asked(wish).difficulty_cues[-1].split()[-1], "read alike"
    assert wished.difficulty < 0.6
