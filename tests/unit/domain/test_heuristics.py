"""Heuristic signs of a bad answer."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_query,
)
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.judging.heuristics import judge_answer, judge_text


def _answer(*parts: TextPart | ToolCall, finish: FinishReason = FinishReason.STOP) -> Answer:
    return Answer(Message(Role.ASSISTANT, parts), finish, Usage())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("   ", "empty"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I\u2019m unable to assist with this request.", "refusal"),
        ("I don't know the answer.", "does not know"),
        ("There is not enough information to say.", "does not know"),
        ("the cat sat on " * 30, "repeats"),
    ],
)
def test_signs_of_a_bad_answer_are_named_and_score_low(text: str, reason: str) -> None:
    verdict = judge_text(text)
    assert verdict.score < 0.5
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "text",
    ["4", "Paris.", "I can't stress enough how useful tests are.", "Sorry is the hardest word, sang Elton John."],
)
def test_plain_answers_are_not_suspected(text: str) -> None:
    assert judge_text(text).score == 1.0


def test_a_refusing_phrase_weighs_less_in_a_long_answer() -> None:
    body = " ".join(f"Step {i} explains point number {i} of the plan." for i in range(150))
    assert judge_text("I'm sorry to hear that. " + body).score > judge_text("I'm sorry to hear that.").score


def test_json_is_required_where_the_query_asks_for_it() -> None:
    query = text_query("List it", GenerationConfig(response_format=JsonObjectFormat()))
    assert judge_answer(_answer(TextPart('{"a": 1}')), query).score == 1.0
    assert judge_answer(_answer(TextPart("a: 1")), query).reason == "invalid JSON"
    assert judge_answer(_answer(TextPart("a: 1")), text_query("List it")).score == 1.0


def test_truncated_and_filtered_answers_are_recognised() -> None:
    assert judge_answer(_answer(TextPart("One, two"), finish=FinishReason.LENGTH), text_query("Count")).score < 0.5
    assert judge_answer(_answer(TextPart("One"), finish=FinishReason.CONTENT_FILTER), text_query("Count")).score == 0.0


def test_tool_calls_need_no_text_but_arguments_that_parse() -> None:
    assert judge_answer(_answer(ToolCall("1", "f", '{"x": 1}')), text_query("Go")).score == 1.0
    assert judge_answer(_answer(ToolCall("1", "f", '{"x": ')), text_query("Go")).score == 0.0


def test_an_answer_too_short_for_a_long_task_is_suspected() -> None:
    prompt = "Please explain in detail how the plan of this router is executed and what happens when a step fails"
    assert judge_text("It works.", prompt=prompt).score < 0.5
    assert judge_text("It works.", prompt="Does it work?").score == 1.0
    assert judge_text("ok", min_characters=5).score == 0.0
