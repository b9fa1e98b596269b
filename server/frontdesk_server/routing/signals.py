"""Computes a query's signals: task, difficulty, code, mathematics, language, sizes. No I/O, tens of microseconds."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk_server.domain.query import Query, Role
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.tokens import estimate_input_tokens
from frontdesk_server.routing.cues import Cue, default_cues
from frontdesk_server.routing.instruction import Reading, read
from frontdesk_server.routing.language import detect_language

_TASK_DIFFICULTY = {
    Task.CHAT: 0.1,
    Task.SUMMARISE: 0.25,
    Task.EXTRACT: 0.25,
    Task.TRANSLATE: 0.25,
    Task.CODE: 0.4,
    Task.MATH: 0.35,
    Task.REASONING: 0.5,
    Task.CREATIVE: 0.35,
    Task.KNOWLEDGE: 0.25,
    Task.OTHER: 0.3,
}
_TEXT_WORK = frozenset((Task.SUMMARISE, Task.EXTRACT, Task.TRANSLATE))
_SHARE_IN_TEXT_WORK = 1 / 3
_FOLLOW_UP_CHARACTERS = 80
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
    follows_up = len(turns) > 1 and len(text) <= _FOLLOW_UP_CHARACTERS and not _says_something(reading)
    if follows_up:
        reading = read(turns[-2].text, cues)
    code = sum([cue.code for cue in reading.everywhere]) >= 1
    task = _task(reading.instruction, code)
    difficulty, labels = _difficulty(reading.instruction, task)
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
        difficulty_cues=(_FOLLOW_UP, *labels) if follows_up else labels,
    )


def _says_something(reading: Reading) -> bool:
    return any(task is not Task.CHAT for cue in reading.instruction for task, _ in cue.votes)


def _task(instruction: Sequence[Cue], code: bool) -> Task:
    """The task with most points; ties go to the one that was named first."""
    points: dict[Task, float] = {}
    for cue in instruction:
        for task, vote in cue.votes:
            points[task] = points.get(task, 0.0) + vote
    if points:
        return max(points, key=points.__getitem__)
    return Task.CODE if code else Task.OTHER


def _difficulty(instruction: Sequence[Cue], task: Task) -> tuple[float, tuple[str, ...]]:
    """Start from the task's, let every cue take its share of the way to 1 or to 0, and name the weightiest first.

    To work on a given text about something hard is less hard than the thing itself.
    """
    ease = 1 - _TASK_DIFFICULTY[task]
    keep = 1.0
    share = _SHARE_IN_TEXT_WORK if task in _TEXT_WORK else 1.0
    weights: dict[str, float] = {}
    for cue in instruction:
        if cue.raises or cue.lowers:
            ease *= 1 - share * cue.raises
            keep *= 1 - cue.lowers
            weights[cue.label] = max(cue.raises, cue.lowers)
    labels = sorted(weights, key=weights.__getitem__, reverse=True) if len(weights) > 1 else weights
    return round((1 - ease) * keep, 4), tuple(labels)
