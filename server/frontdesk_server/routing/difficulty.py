"""One task and one difficulty of a query: what its cues say and what its wording says, weighed together.

The cues are wordings that people listed, and explain themselves; the wording is read by weights that were learned from
texts of seven languages, and finds what nobody listed. The weights of the two are calibrated so that the sum is
the log-odds of needing the strongest model.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from frontdesk_server.artefacts.wording import Wording
from frontdesk_server.domain.signals import Task
from frontdesk_server.routing.cues import Cue

__all__ = ["TEXT_WORK", "Difficulty", "difficulty_by_cues", "judge_difficulty", "judge_task"]

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
TEXT_WORK = frozenset((Task.SUMMARISE, Task.EXTRACT, Task.TRANSLATE))
"""What is done to a text that is given."""
_SHARE_INTEXT_WORK = 1 / 3
_LEAST, _MOST = 0.02, 0.98
_MOST_CODE_VOTES = 3.0
_EASIEST_WORDING = -1.0
"""That words are plain says little beyond this: it is what they ask for that makes a query easy."""

INTERCEPT, OF_CUES, OF_WORDING, OF_CODE = 1.2, 0.7, 1.4, -0.4
"""Near what benchmarks/train_wording.py fits on our own sentences, read by tables that had not seen their hand.

The intercept is higher, so that a difficulty of 0.6 stands where the fit says one half. Cues count more than the fit
gives them: most of those sentences were written to have none. Programming is taken for easier, since there is a model
for it.
"""


class Difficulty(NamedTuple):
    """How hard a query is, in [0, 1], and why."""

    value: float
    reasons: tuple[str, ...]
    """The cues, weightiest first; then in one phrase what it was judged by."""


def judge_task(instruction: Sequence[Cue], *, code: bool, wording: Wording) -> Task:
    """The task with most points; ties go to the one that was named first. The wording votes where it tells of code."""
    points: dict[Task, float] = {}
    for cue in instruction:
        for task, vote in cue.votes:
            points[task] = points.get(task, 0.0) + vote
    if code and wording.code > 0.0:
        points[Task.CODE] = points.get(Task.CODE, 0.0) + min(wording.code, _MOST_CODE_VOTES)
    if points:
        return max(points, key=points.__getitem__)
    return Task.CODE if code else Task.OTHER


def judge_difficulty(instruction: Sequence[Cue], task: Task, wording: Wording | None) -> Difficulty:
    """The sum, in log-odds, of what the cues say and what the wording says, of which plain words say nothing.

    Where there is no cue, the task says it. Work on a given text goes by the cues alone (there is no wording then),
    since its wording is the text's; and to work on a text about something hard is less hard than the thing itself. So
    does what cannot be read.
    """
    by_cues, labels = difficulty_by_cues(instruction, task)
    source = "cues" if labels else "task"
    if wording is None or task in TEXT_WORK:
        return Difficulty(round(by_cues, 4), (*labels, f"by {source} alone"))
    if wording.unread:
        return Difficulty(round(by_cues, 4), (*labels, f"by {source} alone, since {wording.unread}"))
    cues = INTERCEPT + OF_CUES * _log_odds(by_cues) + OF_WORDING * _EASIEST_WORDING
    words = OF_WORDING * max(wording.difficulty - _EASIEST_WORDING, 0.0)
    words += OF_CODE * min(max(wording.code, 0.0), _MOST_CODE_VOTES)
    parts = f"log-odds by {source} {cues:+.2f}, by wording {words:+.2f}"
    return Difficulty(round(_logistic(cues + words), 4), (*labels, parts))


def difficulty_by_cues(instruction: Sequence[Cue], task: Task) -> tuple[float, tuple[str, ...]]:
    """Start from the task's, let every cue take its share of the way to 1 or to 0, and name the weightiest first."""
    ease = 1 - _TASK_DIFFICULTY[task]
    keep = 1.0
    share = _SHARE_INTEXT_WORK if task in TEXT_WORK else 1.0
    weights: dict[str, float] = {}
    for cue in instruction:
        if cue.raises or cue.lowers:
            ease *= 1 - share * cue.raises
            keep *= 1 - cue.lowers
            weights[cue.label] = max(cue.raises, cue.lowers)
    labels = sorted(weights, key=weights.__getitem__, reverse=True) if len(weights) > 1 else weights
    return (1 - ease) * keep, tuple(labels)


def _log_odds(share: float) -> float:
    share = min(max(share, _LEAST), _MOST)
    return log(share / (1.0 - share))


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + exp(-odds))
