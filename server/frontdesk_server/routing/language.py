"""Tells the language of a text by its script, and within one by common words, letters and endings of words.

It says nothing where it is not sure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from frontdesk_server.routing.language_words import CYRILLIC, LATIN
from frontdesk_server.routing.legible import legible

_SAMPLE_CHARACTERS = 200

_FOREIGN = re.compile(r"[^\x00-\u024f\u2000-\u206f]")
_KANA = re.compile(r"[\u3040-\u30ff]")

_SCRIPTS = (
    (0x0370, "el"),
    (0x0400, "cyrillic"),
    (0x0530, ""),
    (0x0590, "he"),
    (0x0600, "ar"),
    (0x0700, ""),
    (0x0900, "hi"),
    (0x0980, "bn"),
    (0x0A00, ""),
    (0x0B80, "ta"),
    (0x0C00, ""),
    (0x0E00, "th"),
    (0x0E80, ""),
    (0x10A0, "ka"),
    (0x1100, "ko"),
    (0x1200, ""),
    (0x3040, "ja"),
    (0x3100, ""),
    (0x3400, "zh"),
    (0xA000, ""),
    (0xAC00, "ko"),
    (0xD7B0, ""),
)
_SCRIPT_STARTS = tuple(start for start, _ in _SCRIPTS)

_UNTOLD = {"ar": frozenset("پچژگکیےٹڈںہھڑټډړږښڼېۍەڵ"), "hi": frozenset("ळॲ")}
"""Letters of other languages that share a script: of Persian, Urdu, Pashto and Kurdish; of Marathi."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_OF_WORD, _OF_LETTER, _OF_ENDING = 2.0, 2.0, 0.7
_LONGEST_ENDING, _LEAST_BEFORE_ENDING = 5, 3
_LEAST_VOTES, _LEAST_LEAD = 1.0, 1.3

_Votes = Sequence[tuple[str, float]]


class _Evidence:
    """What tells the languages of a script apart; what several have is shared among them."""

    def __init__(self, languages: Mapping[str, tuple[str, str, str]]) -> None:
        self._words = _votes({name: words.split() for name, (words, _, _) in languages.items()}, _OF_WORD)
        self._letters = _votes({name: list(letters) for name, (_, letters, _) in languages.items()}, _OF_LETTER)
        self._endings = _votes({name: endings.split() for name, (_, _, endings) in languages.items()}, _OF_ENDING)

    def language_of(self, sample: str) -> str:
        """The language that most votes are for; empty where these are few, or another has nearly as many.

        Endings are asked where words and letters do not tell.
        """
        counts: dict[str, float] = {}
        words = _WORD.findall(sample)
        for word in words:
            for language, vote in self._words.get(word, ()):
                counts[language] = counts.get(language, 0.0) + vote
        if not sample.isascii():
            for letter in set(sample):
                for language, vote in self._letters.get(letter, ()):
                    counts[language] = counts.get(language, 0.0) + vote
        if found := _leading(counts):
            return found
        for word in words:
            if word not in self._words:
                for language, vote in self._of_ending(word):
                    counts[language] = counts.get(language, 0.0) + vote
        return _leading(counts)

    def _of_ending(self, word: str) -> _Votes:
        for size in range(min(_LONGEST_ENDING, len(word) - _LEAST_BEFORE_ENDING), 1, -1):
            found = self._endings.get(word[-size:])
            if found:
                return found
        return ()


def _leading(counts: Mapping[str, float]) -> str:
    best, second = ("", 0.0), 0.0
    for language, votes in counts.items():
        if votes > best[1]:
            best, second = (language, votes), best[1]
        elif votes > second:
            second = votes
    return best[0] if best[1] >= max(_LEAST_VOTES, _LEAST_LEAD * second) else ""


def _votes(known: Mapping[str, Sequence[str]], of_each: float) -> Mapping[str, _Votes]:
    languages: dict[str, list[str]] = {}
    for language, things in known.items():
        for thing in dict.fromkeys(things):
            languages.setdefault(thing, []).append(language)
    return {thing: [(owner, of_each / len(owners)) for owner in owners] for thing, owners in languages.items()}


_LATIN, _CYRILLIC = _Evidence(LATIN), _Evidence(CYRILLIC)

LANGUAGES = (LATIN.keys() | CYRILLIC.keys() | {name for _, name in _SCRIPTS}) - {"cyrillic"}
"""Everything that `detect_language` tells."""


def detect_language(text: str) -> str:
    """ISO 639-1 code of the language of the text's first 200 characters; empty when undetermined."""
    sample = legible(text[:_SAMPLE_CHARACTERS]).lower()
    if not sample.isascii():
        foreign = _FOREIGN.findall(sample)
        if 3 * len(foreign) >= len(sample) - sample.count(" "):
            return _by_script(sample, foreign)
    return _LATIN.language_of(sample)


def _by_script(sample: str, foreign: list[str]) -> str:
    counts: dict[str, int] = {}
    for character in foreign:
        place = bisect_right(_SCRIPT_STARTS, ord(character)) - 1
        if place >= 0:
            name = _SCRIPTS[place][1]
            counts[name] = counts.get(name, 0) + 1
    counts.pop("", None)
    if not counts:
        return ""
    script = max(counts, key=counts.__getitem__)
    if script == "cyrillic":
        return _CYRILLIC.language_of(sample)
    if not _UNTOLD.get(script, frozenset()).isdisjoint(sample):
        return ""
    # Japanese mixes Chinese characters with its own kana.
    return "ja" if script in ("zh", "ja") and _KANA.search(sample) else script
