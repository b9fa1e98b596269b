"""The words of a text, each with what it says by itself."""

import re
from typing import NamedTuple, TypeAlias
from zlib import crc32

from frontdesk_server.domain.scripts import UNSPACED_BASIC

__all__ = ["CUE_KINDS", "Vocabulary", "Words"]

_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*")
_ASCII_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|[0-9]+(?:[.,][0-9]+)*")
"""Finds the same in ASCII, in two thirds of the time."""
_WORD_OR_CHARACTER = re.compile(rf"[{UNSPACED_BASIC}]|[^\W\d_{UNSPACED_BASIC}]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*")
"""Where a script has no spaces a run is a sentence, and no two are alike: every character is a word there."""
_LONGEST_SHORT_WORD = 8
_MEMO_MAX_WORDS = 20_000
_MEMO_MAX_CHARACTERS = 32

_CUE_WORDS = {
    "negation": "not except least false incorrect never cannot without unlikely neither nor",
    "choice": "following which option options choose select statement statements correct best true",
    "steps": "then after before first next finally each every per total altogether remaining left more less fewer",
    "ratio": "half twice double triple thirds third quarter percent percentage times ratio fraction average rate speed",
    "condition": "if unless suppose assume given assuming let when only whenever otherwise either must",
    "reason": "why explain because therefore prove proof derive show reason justify deduce infer conclude logic puzzle",
    "quantity": "how many much find calculate compute determine solve number sum product value evaluate",
    "formal": "theorem function matrix group ring field integer polynomial probability equation set graph vector "
    "derivative integral algorithm complexity invariant recursive modulo prime finite infinite converge",
    "question": "what who where when whose whom is are does did was were do can",
    "names": "he she his her him they their mr mrs",
    "modal": "should would could might may ought",
    "hedge": "most likely primarily generally usually often typically mainly probably",
    "chat": "hi hello hey thanks thank please bye morning evening you your feel me my i",
    "create": "write compose story poem song essay imagine invent creative slogan lyrics haiku dialogue character",
    "shorten": "summarize summarise summary tldr shorten condense brief key points gist paraphrase",
    "pick": "extract list identify entities fields json table parse names dates emails",
    "foreign": "translate translation french spanish german italian portuguese japanese chinese korean english russian",
    "program": "code python java javascript sql bug function class script program implement compile debug api regex "
    "thread async database query deadlock",
    "study": "according theory described author passage article law court act treaty disease patient cell species",
}
_CUES = {word: kind for kind, words in enumerate(_CUE_WORDS.values()) for word in words.split()}
CUE_KINDS: tuple[str, ...] = tuple(_CUE_WORDS)


class Words(NamedTuple):
    """The words and numbers of a text, in order: a column for each thing that is known of them."""

    lowered: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    """CRC-32 of the lowered word, the same in every process and version."""
    continuations: tuple[bytes, ...] = ()
    """With which the CRC-32 of the word before goes on to that of the pair."""
    cues: tuple[int | None, ...] = ()
    """Places in CUE_KINDS."""
    lengths: tuple[int, ...] = ()
    number_lengths: tuple[int, ...] = ()
    """0 for what is no number."""
    long: tuple[bool, ...] = ()
    capitalised: tuple[bool, ...] = ()


_Entry: TypeAlias = tuple[str, int, bytes, int | None, int, int, bool, bool]
"""One word's place in every column."""


class Vocabulary:
    """Reads words, and remembers those it has met, until there are too many. Safe to share between threads."""

    __slots__ = ("_entries", "_word")

    def __init__(self, *, cuts_unspaced: bool = True) -> None:
        """`cuts_unspaced` says whether a character of a script without spaces is a word, or a run of them."""
        self._entries: dict[str, _Entry] = {}
        self._word = _WORD_OR_CHARACTER if cuts_unspaced else _WORD

    def read(self, text: str) -> Words:
        """Return the words of a text."""
        found = (_ASCII_WORD if text.isascii() else self._word).findall(text)
        entries = self._entries
        return Words(*zip(*[entries.get(word) or self._enter(word) for word in found], strict=True))

    def _enter(self, word: str) -> _Entry:
        entry = _entry(word)
        if len(word) <= _MEMO_MAX_CHARACTERS:
            if len(self._entries) >= _MEMO_MAX_WORDS:
                self._entries.clear()  # what is common comes back at once
            self._entries[word] = entry
        return entry


def _entry(word: str) -> _Entry:
    lowered, length = word.lower(), len(word)
    encoded = lowered.encode("utf-8", "surrogatepass")
    return (
        lowered,
        crc32(encoded),
        b" " + encoded,
        _CUES.get(lowered),
        length,
        length if word[0].isdigit() else 0,
        length > _LONGEST_SHORT_WORD,
        word[0].isupper(),
    )
