"""Turns of user and assistant in alternation, for the APIs that take nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall

Json = dict[str, Any]


def alternating(
    turns: Iterable[Json], is_thought: Callable[[Json], bool], silence: Json, call: BackendCall
) -> list[Json]:
    """Neighbouring turns of one role as one; the user's first, and last unless the answer continues the assistant's.

    Turns without content are left out, and so are thoughts with which an assistant's turn would end: such an answer was
    cut while it reasoned, and the APIs refuse to have it back. `silence` is a block that the user says instead of
    nothing where something is demanded. A turn of the system comes between a user's and an assistant's, or last.
    """
    turns = list(turns)
    if any(turn["role"] == "assistant" and not turn["content"] for turn in turns):
        detail = "answers without content were left out, as the API refuses them"
        call.dispatch.adjustments.append(Adjustment("query.messages", detail))
    together = _together(turns)
    for turn in together:
        if turn["role"] == "assistant":
            _end_before_thoughts(turn["content"], is_thought, call)
    alternate, waiting = _settled(_together(together))
    if alternate and alternate[0]["role"] != "user":
        alternate.insert(0, _user(silence))
    if not alternate or (alternate[-1]["role"] != "user" and not call.query.goes_on):
        alternate.append(_user(silence))
    if waiting:
        end = len(alternate) - (alternate[-1]["role"] != "user")
        alternate[end:end] = _together(waiting)
    return alternate


def _settled(turns: list[Json]) -> tuple[list[Json], list[Json]]:
    """The turns, each of the system's before the assistant's that follows a user's, and what found no such place."""
    if all(turn["role"] != "system" for turn in turns):
        return turns, []
    settled: list[Json] = []
    waiting: list[Json] = []
    for turn in turns:
        before = settled[-1]["role"] if settled else ""
        if turn["role"] == "system":
            waiting.append(turn)
        elif before == turn["role"]:
            settled[-1:] = _together((settled[-1], turn))
        elif waiting and turn["role"] == "assistant" and before == "user":
            settled += (*_together(waiting), turn)
            waiting = []
        else:
            settled.append(turn)
    return settled, waiting


def _together(turns: Iterable[Json]) -> list[Json]:
    merged: list[Json] = []
    for _, group in groupby((turn for turn in turns if turn["content"]), key=itemgetter("role")):
        run = list(group)
        whole = {name: value for turn in run for name, value in turn.items()}
        merged.append({**whole, "content": [block for turn in run for block in turn["content"]]})
    return merged


def _end_before_thoughts(blocks: list[Json], is_thought: Callable[[Json], bool], call: BackendCall) -> None:
    if not blocks or not is_thought(blocks[-1]):
        return
    while blocks and is_thought(blocks[-1]):
        blocks.pop()
    detail = "reasoning at the end of an answer was left out: the API takes it only before what was said"
    call.dispatch.adjustments.append(Adjustment("query.messages", detail))


def _user(block: Json) -> Json:
    return {"role": "user", "content": [block]}
