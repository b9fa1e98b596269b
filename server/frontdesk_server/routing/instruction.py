"""Tells what a user asks for from the text that the user brings along.

"Please summarize this email for me, thanks" stays easy whatever the mail talks of, so cues of difficulty count in the
instruction only. Only the first 1,200 and the last 400 characters of a text are read: instructions stand at the ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from frontdesk_server.domain.value import value
from frontdesk_server.routing.cues import Cue, CueSet

_HEAD_CHARACTERS = 1200
_TAIL_CHARACTERS = 400
_SEGMENTS_AT_AN_END = 3

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SEGMENT_END = re.compile(r"\n+|(?<=[.!?])\s+|:\s+")


@value
class Reading:
    """The cues of a text: those of the instruction alone, and those of all that was read."""

    instruction: Sequence[Cue]
    everywhere: Sequence[Cue]


def read(text: str, cues: CueSet) -> Reading:
    """Read a user's text."""
    excerpt = text
    if len(text) > _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        excerpt = f"{text[:_HEAD_CHARACTERS]}\n{text[-_TAIL_CHARACTERS:]}"
    everywhere = cues.found_in(excerpt)
    if not any(cue.given for cue in everywhere):
        return Reading(everywhere, everywhere)
    prose = _FENCE.sub("\n", excerpt) if "```" in excerpt else excerpt
    segments = [segment for segment in _SEGMENT_END.split(prose) if segment.strip()]
    return Reading(_at_the_head(segments, cues) or _at_the_tail(segments, cues) or everywhere, everywhere)


def _at_the_head(segments: Sequence[str], cues: CueSet) -> Sequence[Cue]:
    """Cues up to the sentence that speaks of a given text, and of the commands that follow it at once."""
    found: dict[str, Cue] = {}
    given = False
    for place, segment in enumerate(segments):
        of_segment = cues.found_in(segment)
        if given and not any(cue.instructs for cue in of_segment):
            break
        given = given or any(cue.given for cue in of_segment)
        if not given and place + 1 == _SEGMENTS_AT_AN_END:
            break
        found |= {cue.label: cue for cue in of_segment}
    return tuple(found.values()) if given else ()


def _at_the_tail(segments: Sequence[str], cues: CueSet) -> Sequence[Cue]:
    """Cues from the sentence near the end that speaks of a given text."""
    found: dict[str, Cue] = {}
    for segment in reversed(segments[-_SEGMENTS_AT_AN_END:]):
        of_segment = cues.found_in(segment)
        found |= {cue.label: cue for cue in of_segment}
        if any(cue.given for cue in of_segment):
            return tuple(found.values())
    return ()
