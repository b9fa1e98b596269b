from math import exp

import pytest
from frontdesk_server.artefacts.wording import Wording
from frontdesk_server.domain.query import (
    MediaPart,
    Message,
    Query,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    text_query,
)
from frontdesk_server.domain.signals import Task
from frontdesk_server.domain.tokens import estimate_tokens
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.difficulty import judge_difficulty
from frontdesk_server.routing.signals import compute_signals

HARD_MAIL = (
    "Hi team,\n\nas discussed we must prove to the board that the trade-offs of the architecture are understood. The "
    "formal proof of convergence by Dr. Lee is attached; please analyze the edge cases, derive the bounds and design a "
    "comprehensive plan for the distributed consensus protocol.\n\nBest,\nKim"
)


def _user(*texts: str) -> Query:
    return Query(tuple(Message(Role.USER, (TextPart(text),)) for text in texts))


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("hello there", Task.CHAT),
        ("Summarize this article: ...", Task.SUMMARISE),
        ("tl;dr of the following thread: ...", Task.SUMMARISE),
        ("Extract all dates from the contract below", Task.EXTRACT),
        ("Translate this sentence into Spanish: good night", Task.TRANSLATE),
        ("How do you say thank you in Korean?", Task.TRANSLATE),
        ("Write a function in Go that merges two maps", Task.CODE),
        ("Translate this Python function to Rust", Task.CODE),
        ("What is 17 * 23?", Task.MATH),
        ("Solve the equation x^2 - 5x + 6 = 0", Task.MATH),
        ("Design a fault-tolerant payment system", Task.REASONING),
        ("Write a short poem about rain", Task.CREATIVE),
        ("Who painted the Mona Lisa?", Task.KNOWLEDGE),
        ("qwertz", Task.OTHER),
        ("", Task.OTHER),
    ],
)
def test_the_task_is_what_the_instruction_asks_for(text: str, task: Task) -> None:
    assert compute_signals(text_query(text)).task is task


@pytest.mark.parametrize(
    ("easier", "harder"),
    [
        ("What is 2 + 2?", "What is the derivative of x^2?"),
        ("What is a prime number?", "Prove that there are infinitely many prime numbers."),
        ("What is the Riemann hypothesis?", "Prove the Riemann hypothesis"),
        ("Write a function that adds two numbers in C", "Write a lock-free queue in C"),
        ("hi", "why is the sky blue?"),
        ("Explain gravity briefly", "Explain gravity from first principles"),
        ("Summarize this email for me. " + HARD_MAIL, "Prove P != NP"),
    ],
)
def test_difficulty_orders_queries(easier: str, harder: str) -> None:
    assert compute_signals(text_query(easier)).difficulty < compute_signals(text_query(harder)).difficulty


@pytest.mark.parametrize(
    "text",
    [
        f"Please summarize this email for me, thanks\n\n{HARD_MAIL}",
        f"Please summarize this email for me, thanks. {HARD_MAIL}",
        f"Hello! Hope you are well. Could you please summarize this email for me? Thanks!\n{HARD_MAIL}",
        f"{HARD_MAIL}\n\nPlease summarize this email for me, thanks",
        f"Translate the following email to French:\n{HARD_MAIL}",
        f"Proofread this: fix the grammar in this email\n\n{HARD_MAIL * 20}",
    ],
)
def test_a_text_that_is_brought_along_says_nothing_of_the_difficulty(text: str) -> None:
    signals = compute_signals(text_query(text))

    assert signals.task in (Task.SUMMARISE, Task.TRANSLATE, Task.CREATIVE)
    assert signals.difficulty < 0.4


@pytest.mark.parametrize(
    "text",
    [
        "Summarize this article about the proof of Fermat's last theorem and quantum computing",
        "Translate my thesis on distributed consensus into German",
        "Extract all theorems and lemmas from the following paper on algebraic topology",
    ],
)
def test_work_on_a_text_about_something_hard_is_not_as_hard(text: str) -> None:
    assert compute_signals(text_query(text)).difficulty < 0.6


def test_commands_that_follow_the_mention_of_a_text_count() -> None:
    text = "Read the following article. Then critique its proof and derive a tighter bound.\n\nOnce upon a time."

    assert compute_signals(text_query(text)).difficulty > 0.6


def test_length_alone_does_not_change_the_difficulty() -> None:
    short = "Tell me about the history of Lisbon. "
    filler = "I was there in May and it rained on the first day and I saw the river and the old trams. "

    assert compute_signals(text_query(short)).difficulty == compute_signals(text_query(short + filler * 40)).difficulty


def test_what_moved_the_difficulty_is_named_weightiest_first() -> None:
    cues = compute_signals(text_query("Prove it, step by step")).difficulty_cues

    assert cues[:2] == ("asks for a proof", "asks for reasoning step by step")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Why is my Python script broken?", True),
        ("```\nx = 1\n```\nwhat happens here?", True),
        ("def f(x):\n    return x", True),
        ("Is the python a venomous snake?", False),
        ("What is the dress code for a gala?", False),
        ("Write a poem about the rust on an old ship", False),
    ],
)
def test_program_code_is_told_from_words_that_sound_like_it(text: str, code: bool) -> None:
    assert compute_signals(text_query(text)).code is code


@pytest.mark.parametrize(
    ("text", "math"), [("Integrate x^2 dx", True), ("What is 3/4 of 100?", True), ("hello", False)]
)
def test_mathematics_is_noticed(text: str, math: bool) -> None:
    assert compute_signals(text_query(text)).math is math


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the best way to learn the piano?", "en"),
        ("Was ist die Hauptstadt von Frankreich?", "de"),
        ("Quelle est la capitale de la France ?", "fr"),
        ("¿Cuál es la capital de España y por qué?", "es"),
        ("Qual é a capital do Brasil e por que não é o Rio?", "pt"),
        ("Почему небо голубое и как это объяснить?", "ru"),
        ("请把这句话翻译成英文", "zh"),
        ("これを英語に翻訳してください", "ja"),
        ("이 문장을 영어로 번역해 주세요", "ko"),
        ("ما هي عاصمة فرنسا؟", "ar"),
        ("42", ""),
        ("Pizza", ""),
        ("", ""),
    ],
)
def test_the_language_is_told_or_left_open(text: str, language: str) -> None:
    assert compute_signals(text_query(text)).language == language


def test_a_follow_up_takes_task_and_difficulty_from_the_turn_before() -> None:
    alone = compute_signals(_user("go on"))
    following = compute_signals(_user("Prove the Riemann hypothesis", "go on"))

    assert alone.difficulty < 0.4
    assert following.difficulty > 0.8
    assert following.difficulty_cues[0] == "follows up on the turn before"
    assert following.turns == 2


def test_a_new_question_does_not_take_from_the_turn_before() -> None:
    assert compute_signals(_user("Prove the Riemann hypothesis", "What is the capital of Peru?")).difficulty < 0.25


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("abcd", 1), ("abcde", 2), ("你好世界", 4), ("привет мир", 6), ("a" * 4000, 1000)]
)
def test_tokens_follow_the_script(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_input_tokens_count_the_whole_query() -> None:
    bare = compute_signals(text_query("Look at that"))
    rich = compute_signals(
        Query(
            (
                Message(Role.SYSTEM, (TextPart("You are terse. " * 10),)),
                Message(Role.USER, (TextPart("Look at that"), MediaPart("image/png", data=b"0"))),
                Message(Role.ASSISTANT, (ToolCall("1", "look", '{"at": "that"}'),)),
                Message(Role.TOOL, (ToolResult("1", "nothing there " * 20),)),
            ),
            tools=(Tool("look", "Looks.", '{"type": "object"}'),),
        )
    )

    assert rich.input_tokens > bare.input_tokens + 1000 + 40 + 70
    assert (rich.text, rich.text_characters) == ("Look at that", 12)
    assert (bare.tools, bare.media) == (False, False)
    assert (rich.tools, rich.media) == (True, True)


def test_cues_explain_themselves_under_names_of_their_own() -> None:
    labels = [cue.label for cue in default_cues().cues]

    assert len(set(labels)) == len(labels)


def test_lone_surrogates_do_no_harm() -> None:
    assert compute_signals(text_query("what is \ud800?")).task is Task.KNOWLEDGE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "by task alone, since there are no words"),
        ("   ", "by task alone, since there are no words"),
        ("👍", "by task alone, since there are no words"),
        ("شكرا", "by task alone, since its script is not read"),
        ("لماذا لا يمنع النموذج المعياري اضمحلال بيتا؟", "by task alone, since its script is not read"),
        ("הוכח: P != NP", "by cues alone, since its script is not read"),
    ],
)
def test_what_cannot_be_read_is_judged_by_task_and_cues_alone(text: str, reason: str) -> None:
    signals = compute_signals(text_query(text))

    assert signals.difficulty_cues[-1] == reason
    assert signals.difficulty == 0.3 or reason.startswith("by cues")


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("Summarize this article: ...", ("by task alone",)),
        ("hello", ("is small talk", "log-odds by cues -")),
        ("A tale of nothing in particular", ("log-odds by task -0.79, by wording +",)),
    ],
)
def test_the_last_reason_says_what_the_difficulty_was_judged_by(text: str, reasons: tuple[str, ...]) -> None:
    found = compute_signals(text_query(text)).difficulty_cues

    assert len(found) == len(reasons)
    assert all(map(str.startswith, found, reasons))


def test_difficulty_is_the_sum_of_its_parts_in_log_odds() -> None:
    for cue in default_cues().cues:
        for wording in (Wording(-0.8, -1.0), Wording(0.1, 0.4), Wording(0.3, 9.0)):
            judged = judge_difficulty([cue], Task.CODE, wording)
            cues, words = (float(part.split()[-1]) for part in judged.reasons[-1].split(", "))

            assert judged.value == pytest.approx(1 / (1 + exp(-cues - words)), abs=0.003)


def test_plain_words_say_nothing_of_the_difficulty() -> None:
    judged = judge_difficulty([], Task.OTHER, Wording(-5.0, 0.0))

    assert judged.value == pytest.approx(0.3, abs=0.02)
    assert judged.reasons == ("log-odds by task -0.79, by wording +0.00",)
