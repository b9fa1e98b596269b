"""Computes a query's signals: task, difficulty, code, mathematics, language, sizes. No I/O, tens of microseconds."""

from __future__ import annotations

from frontdesk_server.artefacts.wording import Wording, default_wording
from frontdesk_server.domain.query import Query, Role
from frontdesk_server.domain.scripts import size_of
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.tokens import estimate_input_tokens
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.difficulty import judge_difficulty, judge_task
from frontdesk_server.routing.instruction import Reading, read
from frontdesk_server.routing.language import detect_language

_FOLLOW_UP_CHARACTERS = 40
_TELLING_LOG_ODDS = 0.5
_HALF_A_POINT, _HINT_LOG_ODDS = 0.5, -0.2
_FEW_BYTES, _WORD_OR_TWO_LOG_ODDS = 12, 2.0
"""A word or two, or four Chinese characters, say little: "odd", "c" and "table" are no programs yet."""
_FOLLOW_UP = "follows up on the turn before"


def compute_signals(query: Query) -> Signals:
    """Signals of a query. Task and difficulty come from the last user message, however long the rest is.

    A short message that says nothing of its own, such as "go on", takes task and difficulty from the user's turn
    before it.
    """
    cues = default_cues()
    turns = [message for message in query.messages if message.role is Role.USER]
    text = turns[-1].text if turns else ""
    reading = read(text, cues)
    wording = default_wording().read(reading.asked)
    follows_up = len(turns) > 1 and len(text) <= _FOLLOW_UP_CHARACTERS and not _says_something(reading, wording)
    if follows_up:
        reading = read(turns[-2].text, cues)
        wording = default_wording().read(reading.asked)
    code = _is_code(reading, wording)
    task = judge_task(reading.instruction, code=code, wording=wording)
    difficulty, reasons = judge_difficulty(reading.instruction, task, None if reading.about_a_given_text else wording)
    return Signals(
        text=text,
        text_characters=len(text),
        task=task,
        difficulty=difficulty,
        input_tokens=estimate_input_tokens(query),
        code=code,
        math=sum([cue.math for cue in reading.instruction]) >= 1,
        language=detect_language(text),
        turns=max(1, len(turns)),
        tools=bool(query.tools),
        media=next(query.media(), None) is not None,
        in_tool_loop=query.in_tool_loop,
        difficulty_cues=(_FOLLOW_UP, *reasons) if follows_up else reasons,
    )


def _says_something(reading: Reading, wording: Wording) -> bool:
    if wording.difficulty > _TELLING_LOG_ODDS or wording.code > _TELLING_LOG_ODDS:
        return True
    return any(task is not Task.CHAT for cue in reading.instruction for task, _ in cue.votes)


def _is_code(reading: Reading, wording: Wording) -> bool:
    """Whether there is code, or the talk is of it: by the cues, or by the wording where no cue says otherwise.

    The wording of work on a given text is the text's.
    """
    points = sum([cue.code for cue in reading.everywhere])
    if points >= 1:
        return True
    if reading.about_a_given_text:
        return False
    least = 0.0
    if points >= _HALF_A_POINT:
        least = _HINT_LOG_ODDS
    elif size_of(reading.asked) <= _FEW_BYTES:
        least = _WORD_OR_TWO_LOG_ODDS
    return wording.code > least and not any(
        cue.math or max(cue.raises, cue.lowers) > _HALF_A_POINT for cue in reading.instruction
    )
