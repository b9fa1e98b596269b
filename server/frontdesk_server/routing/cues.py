"""Wordings that tell a query's task and difficulty: data from cues.yaml, matched in one pass by a RE2 set."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import re2
import yaml

from frontdesk_server.domain.signals import Task
from frontdesk_server.routing.asides import Asides

_MAX_MEMORY_BYTES = 32 * 1024 * 1024
_SIGN = r"[^\pL\pN]"
"""RE2 takes `\\W` for anything but ASCII letters."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue; cues.yaml says what its entries mean. `label` explains it in a decision."""

    label: str
    pattern: str
    raises: float = 0.0
    lowers: float = 0.0
    votes: tuple[tuple[Task, float], ...] = ()
    code: float = 0.0
    math: float = 0.0
    given: bool = False
    instructs: bool = False
    wants: bool = False


class CueSet:
    """All cues, compiled, and the asides. Immutable, and safe to share."""

    def __init__(self, cues: tuple[Cue, ...], asides: Asides) -> None:
        self.cues = cues
        self.asides = asides
        options = re2.Options()
        options.case_sensitive = False
        options.max_mem = _MAX_MEMORY_BYTES
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        for cue in cues:
            self._set.Add(cue.pattern)
        self._set.Compile()

    def found_in(self, text: str) -> list[Cue]:
        """The cues that occur in a text, in their order."""
        cues = self.cues
        return [cues[index] for index in sorted(self._set.Match(text.encode("utf-8", "replace")) or ())]


@functools.cache
def default_cues() -> CueSet:
    """The cues that ship with Frontdesk."""
    source = resources.files("frontdesk_server.routing").joinpath("cues.yaml").read_text("utf-8")
    document = yaml.load(source, Loader=yaml.CSafeLoader)
    words = {name: "".join(text.splitlines()) for name, text in document["words"].items()}
    return CueSet(tuple(_cue(entry, words) for entry in document["cues"]), Asides.load())


def _cue(entry: Mapping[str, Any], words: Mapping[str, str]) -> Cue:
    alternatives = "|".join(map(_bounded, entry["any"].splitlines()))
    for name, text in words.items():
        alternatives = alternatives.replace(f"<{name}>", text)
    match entry.get("at"):
        case "opening":
            pattern = rf"^{_SIGN}*(?:(?:{words['courtesy']}){_SIGN}+)*(?:{alternatives})"
        case "whole":
            pattern = rf"^{_SIGN}*(?:{alternatives})[\s!?.,)=。！？]*$"  # noqa: RUF001 - signs of other scripts
        case _:
            pattern = alternatives
    return Cue(
        label=entry["label"],
        pattern=pattern.replace(" ", r"\s"),  # a line may be broken wherever a blank stands
        raises=entry.get("raises", 0.0),
        lowers=entry.get("lowers", 0.0),
        votes=tuple((Task(name), float(points)) for name, points in entry.get("votes", {}).items()),
        code=entry.get("code", 0.0),
        math=entry.get("math", 0.0),
        given=entry.get("given", False),
        instructs=entry.get("instructs", False),
        wants=entry.get("wants", False),
    )


def _bounded(alternative: str) -> str:
    """Hold letters and digits at the ends of each alternative to word boundaries.

    RE2 knows those of ASCII words only; at other letters an alternative is found within words, too, as scripts without
    spaces need it.
    """
    first, last = alternative.lstrip("(?:")[0], alternative.rstrip(")?*+")[-1]
    opens = alternative[0].isalnum() or alternative.startswith(("(?:", "<"))
    closes = alternative[-1].isalnum() or alternative[-1] in ")>?"
    start = r"\b" if opens and first.isascii() else ""
    end = r"\b" if closes and last.isascii() else ""
    return f"{start}(?:{alternative}){end}"
