"""What a message brings along, told by form, is not what it asks, unless nothing else is or it is spoken of."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.signals import Signals
from frontdesk_server.routing.signals import compute_signals

HARD = "Why is every finite division ring commutative?"
EASY = "What is the capital of Portugal?"
ABSTRACT = (
    "Abstract. We prove that the moduli space of stable sheaves on a surface is irreducible, derive its form, and "
    "analyse the wall-crossing behaviour. Our proof relies on Fourier transforms and a careful induction over vectors."
)
PROGRAM = "\n\n```python\ndef fib(n):\n    return fib(n - 1) + fib(n - 2)\n```\n"
RAG = (
    "Use the following pieces of context to answer the question at the end. If you don't know the answer, say so.\n\n"
    "Context:\n{brought}\n\nQuestion: {question}\nHelpful Answer:"
)

PASTED = (
    "{question}\n\n---\n{brought}\n---\n",
    '{question}\n\n"""\n{brought}\n"""',
    "{question}\n\nText: {brought}",
    "---\n{brought}\n---\n\n{question}",
    "Text:\n{brought}\n\n{question}",
    RAG,
    "<context>{brought}</context>\n<question>{question}</question>",
    "<document>{brought}</document>\n\n{question}",
    "<|im_start|>system\n{brought}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n",
)

TEMPLATES = (
    "```\n{}\n```",
    "<question>{}</question>",
    "> {}\n\nWhat do you think?",
    "```\n{}\n```\nAny ideas?",
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>",
    "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n{} [/INST]",
    "### Question\n{}\n### Answer\n",
    "Below is an instruction that describes a task. Write a response.\n\n### Instruction:\n{}\n\n### Response:\n",
    "Q: What is 2+2?\nA: 4\n\nQ: Who wrote Hamlet?\nA: Shakespeare\n\nQ: {}\nA:",
    "User: {}\nAssistant:",
)


def _asked(text: str) -> Signals:
    return compute_signals(text_query(text))


@pytest.mark.parametrize("question", [HARD, EASY])
@pytest.mark.parametrize("form", PASTED)
def test_a_text_pasted_in_a_form_of_its_own_does_not_sway_it(form: str, question: str) -> None:
    bare, pasted = _asked(question), _asked(form.format(brought=ABSTRACT, question=question))

    assert (pasted.difficulty, pasted.task, pasted.code) == (bare.difficulty, bare.task, bare.code)


@pytest.mark.parametrize("thanks", ["Thanks for sending me this!", "In which language is this written?"])
def test_an_easy_remark_beside_a_pasted_text_is_easy(thanks: str) -> None:
    assert _asked(f"{thanks}\n\n---\n{ABSTRACT}\n---\n").difficulty < 0.6


@pytest.mark.parametrize("question", [HARD, EASY])
@pytest.mark.parametrize("template", TEMPLATES)
def test_marks_around_a_question_do_not_sway_it(template: str, question: str) -> None:
    bare, marked = _asked(question), _asked(template.replace("{}", question))

    assert (marked.difficulty, marked.task, marked.code) == (bare.difficulty, bare.task, bare.code)


@pytest.mark.parametrize("question", [HARD, EASY])
@pytest.mark.parametrize("form", ["{question}{brought}", "{brought}{question}", RAG])
def test_code_beside_a_question_that_does_not_speak_of_it_does_not_count(form: str, question: str) -> None:
    bare, beside = _asked(question), _asked(form.format(brought=PROGRAM, question=question))

    assert (beside.difficulty, beside.task, beside.code) == (bare.difficulty, bare.task, False)


@pytest.mark.parametrize(
    "question",
    [
        "Why does this fail?",
        "Explain.",
        "Was ist hier falsch?",
        "Pourquoi ça plante ?",
        "¿Qué hace esto?",
        "Thoughts?",
        "",
    ],
)
def test_code_that_is_spoken_of_counts(question: str) -> None:
    assert _asked(question + PROGRAM).code


def test_a_configuration_is_no_template() -> None:
    assert _asked("services:\n  user: root\n  context: .\nwhy does docker build fail?").code
