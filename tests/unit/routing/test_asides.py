# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Courtesies, claims about a question and wishes for its answer's form are no part of what is asked."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.routing.asides import Aside
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.signals import compute_signals

QUESTIONS = (
    "Why is every finite division ring commutative?",
    "What is the capital of Portugal?",
    "Pourquoi le problème de l'arrêt est-il indécidable ?",
    "¿Cuántos días tiene una semana?",
    "为什么连续统假设无法判定？",
    "りんごは英語で何と言いますか。",
    "Write a Python function that sorts a list.",
)

FRAMES = (
    "Hello! Could you please help me? {} Thank you so much in advance!",
    "Good evening, I hope this finds you well. {} Many thanks!",
    "Hey! How are you doing today? {}",
    "{} Do you happen to know?",
    "Hallo! Können Sie mir bitte helfen? {} Vielen Dank im Voraus!",
    "Wie geht's? {} Was meinst du dazu?",
    "Bonjour ! Pouvez-vous m'aider, s'il vous plaît ? {} Merci d'avance !",
    "¡Hola! ¿Me puedes ayudar, por favor? {} ¡Muchas gracias!",
    "Olá! Podes ajudar-me, por favor? {} Muito obrigado!",
    "你好!请帮帮我。{}非常感谢!",
    "你好！最近怎么样？{}你怎么看？",
    "こんにちは。お世話になっております。{}よろしくお願いいたします。",
    "Dear team,\n\n{}\n\nKind regards\nAnna Smith\nSales | Acme Ltd | +44 20 7946 0958",
    "{}\n\nSent from my iPhone",
    "{} Answer as JSON.",
    "{} Please answer in French.",
    "{} Please translate your answer into German, too.",
    "{} Summarise your answer in three bullet points.",
    "{} Bitte antworte auf Englisch.",
    "{} Fasse deine Antwort in drei Punkten zusammen.",
    "{} Réponds en anglais, s'il te plaît.",
    "{} Contesta en inglés, por favor.",
    "{} Responde em inglês, por favor.",
    "{}请用三点总结你的回答。",
    "{}答えを三点に要約してください。",
    "WARNING: extremely difficult question, only the strongest model can solve it! {}",
    "{} Extremely difficult.",
    "{} This is trivial, any cheap model will do.",
    "Difficulty: 10/10. {}",
    "{} Das ist extrem schwierig, nimm das stärkste Modell.",
    "Attention, question d'expert très difficile, utilisez le modèle le plus puissant. {}",
    "{} Es muy difícil, necesito el mejor modelo.",
    "Esta pergunta é extremamente difícil. {} Usa o modelo mais potente.",
    "{}这个问题极其困难,请使用最强的模型。",
    "とても簡単です。{}最も強力なモデルを使ってください。",
    "You are a world-class expert in all fields. Think step by step. {}",
    "{} Let's think step by step.",
    "Du bist ein erfahrener Experte. {} Denke Schritt für Schritt.",
    "你是一位世界级的专家。{}请一步一步思考。",
)


def _asked(text: str) -> Signals:
    return compute_signals(text_query(text))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("frame", FRAMES)
def test_asides_do_not_sway_difficulty_nor_task(frame: str, question: str) -> None:
    bare, framed = _asked(question), _asked(frame.replace("{}", question))

    assert (framed.difficulty, framed.task, framed.code) == (bare.difficulty, bare.task, bare.code)


@pytest.mark.parametrize(
    "text", ["Hello! How are you?", "Thanks a lot!", "Guten Morgen!", "谢谢！", "Bom dia! Tudo bem?"]
)
def test_what_is_nothing_but_small_talk_is_easy(text: str) -> None:
    assert _asked(text).difficulty < 0.35


def test_letters_of_other_scripts_are_no_signs_between_courtesies() -> None:
    assert _asked("Hello コンパクト作用素のスペクトル定理を証明せよ").task is not Task.CHAT


@pytest.mark.parametrize(
    "sentence",
    [
        "Translate this into German.",
        "Simplify the fraction.",
        "Cheers 证明每个有限维空间都是完备的",
        "Summarise the letter in three points.",
        "Give me a list.",
        "Write a short story.",
        "Solve the equation step by step.",
        "This is a complex number.",
        "It is hard-coded in the second line.",
        "You are in a room with three switches.",
        "Which is the best model for time series?",
        "I need help with Gödel's theorem.",
        "Can you help me move house?",
        "Do you know a good dentist?",
        "Antworte auf die Frage, warum der Himmel blau ist.",
        "Use the strongest argument of Kant.",
        "请把这封信翻译成英文。",
        "用一句话概括这篇文章。",
        "この手紙を英語に訳してください。",
        "最强的力是什么？",
    ],
)
def test_a_sentence_that_asks_is_no_aside(sentence: str) -> None:
    assert default_cues().asides.kind_of(sentence) is None


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Thanks for sending me this!", Aside.IDLE),
        ("What do you think?", Aside.REFERS),
        ("Was meinst du dazu?", Aside.REFERS),
        ("Qu'en pensez-vous ?", Aside.REFERS),
        ("¿Qué opinas?", Aside.REFERS),
        ("O que achas?", Aside.REFERS),
        ("你怎么看？", Aside.REFERS),
        ("どう思いますか？", Aside.REFERS),
    ],
)
def test_an_aside_may_refer_to_what_stands_beside_it(sentence: str, kind: Aside) -> None:
    assert default_cues().asides.kind_of(sentence) is kind


@pytest.mark.parametrize(
    "wish",
    [
        "Answer as JSON with the keys answer and confidence.",
        "List the key points only.",
        "Finish with a one-line summary.",
        "Start with a one-sentence summary, then the details.",
        "Schließe mit einer kurzen Zusammenfassung.",
        "Finally, translate the key term into Latin.",
    ],
)
def test_a_wish_for_the_form_after_a_question_is_no_work_on_a_text(wish: str) -> None:
    question = "Does every finitely presented group with solvable word problem embed in a residually finite one?"
    bare = compute_signals(text_query(question))
    wished = compute_signals(text_query(f"{question} {wish}"))

    assert (wished.task, wished.difficulty) == (bare.task, bare.difficulty)


def test_a_question_within_a_text_that_is_spoken_of_is_not_what_is_asked() -> None:
    signals = compute_signals(text_query("Is every set measurable? Nobody knew in 1904. Summarise this text."))

    assert signals.task == Task.SUMMARISE
