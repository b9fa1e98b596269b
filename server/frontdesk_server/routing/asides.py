# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Tells sentences that are no part of what is asked: courtesies, claims about it, wishes for the answer's form.

The phrases are data, from asides.yaml, which says what they are; a sentence of nothing but such phrases is an aside.
"""

from __future__ import annotations

import enum
import re
from importlib import resources

import re2
import yaml

from frontdesk_server.domain.scripts import UNSPACED_BASIC

__all__ = ["Aside", "Asides"]

_LONGEST = 200
_MAX_MEMORY_BYTES = 64 * 1024 * 1024
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?？]")
_UNSPACED = re.compile(f"[{UNSPACED_BASIC}]")


class Aside(enum.Enum):
    """What a sentence is that does not ask by itself."""

    IDLE = "idle"
    """It asks for nothing, or only for how to answer."""
    REFERS = "refers"
    """It asks for something that stands beside it: "what do you think?"."""


class Asides:
    """All phrases, compiled. Immutable, and safe to share."""

    def __init__(self, phrases: dict[str, str]) -> None:
        idle = "|".join(_pattern(phrases[kind]) for kind in ("idle", "claims", "forms"))
        options = re2.Options()
        options.case_sensitive = False
        options.max_mem = _MAX_MEMORY_BYTES
        options.log_errors = False
        self._set = re2.Set.FullMatchSet(options)
        self._set.Add(f"(?:{idle}|[?？] )+")
        self._set.Add(f"(?:{idle}|{_pattern(phrases['refers'])}|[?？] )+")
        self._set.Compile()

    @classmethod
    def load(cls) -> Asides:
        """Those that ship with Frontdesk."""
        source = resources.files("frontdesk_server.routing").joinpath("asides.yaml").read_text("utf-8")
        document = yaml.load(source, Loader=yaml.CSafeLoader)
        words = {name: "".join(text.splitlines()) for name, text in document.pop("words").items()}
        for kind, text in document.items():
            for name, alternatives in words.items():
                text = text.replace(f"<{name}>", f"(?:{alternatives})")
            document[kind] = text
        return cls(document)

    def kind_of(self, sentence: str) -> Aside | None:
        """What kind of aside a sentence is, if any."""
        if len(sentence) > _LONGEST:
            return None
        words = " ".join(_WORD.findall(sentence)).replace("’", "'")
        found = self._set.Match(f"{words} ".encode("utf-8", "replace"))
        if not found:
            return None
        return Aside.IDLE if 0 in found else Aside.REFERS


def _pattern(lines: str) -> str:
    """Any of the lines' phrases, with the space after a word; scripts without spaces need none."""
    return "|".join(f"(?:{line}) {'?' if _UNSPACED.search(line) else ''}" for line in lines.splitlines())
