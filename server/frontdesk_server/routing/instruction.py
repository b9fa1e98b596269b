"""Reads what a user asks for, apart from the text that the user brings along.

"Please summarize this email for me, thanks" stays easy whatever the mail talks of, so cues of difficulty count in the
instruction only. Only the first 1,200 and the last 400 characters of a text are read: instructions stand at the ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk_server.domain.value import value
from frontdesk_server.routing.asked import asking_sentences, is_question, rambles, sentences_of, without_asides
from frontdesk_server.routing.brought import Message, points, points_at_something, set_apart
from frontdesk_server.routing.cues import Cue, CueSet
from frontdesk_server.routing.difficulty import TEXT_WORK
from frontdesk_server.routing.legible import legible

_HEAD_CHARACTERS = 1200
_TAIL_CHARACTERS = 400
_SENTENCES_AT_AN_END = 3
_COLONS = ":\uff1a"


@value
class Reading:
    """The cues of the instruction and those of all that it is about, and the sentences that ask."""

    instruction: Sequence[Cue]
    everywhere: Sequence[Cue]
    """What is brought along in a form of its own counts here if it is spoken of."""
    asked: str
    about_a_given_text: bool = False


def read(text: str, cues: CueSet) -> Reading:
    """Read a user's text."""
    excerpt = text
    if len(text) > _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        excerpt = f"{text[:_HEAD_CHARACTERS]}\n\n{text[-_TAIL_CHARACTERS:]}"
    message = set_apart(legible(excerpt))
    own, refers = without_asides(message.own, cues.asides)
    if refers:
        own, message = message.beside, Message(message.beside, message.beside)
    around = own if message.around == message.own else without_asides(message.around, cues.asides)[0]
    found = everywhere = cues.found_in(around)
    if message.brought:
        spoken_of = points_at_something(own)
        everywhere = cues.found_in(f"{around}\n{message.brought if spoken_of else message.code}")
        if spoken_of:
            own += message.code
    if any(map(_is_text_work, found)) and (question := _question_ahead_of_a_wish(around, cues)):
        own = question
    elif any(cue.given for cue in found):
        return _about_a_given_text(around, everywhere, cues)
    questions = asking_sentences(own)
    asked = (_wishes(questions, cues) or questions) if rambles(questions) else questions
    # What asks counts, and what is wanted beside it, but not what else is told.
    own = f"{asked} {_wishes(own, cues)}" if len(questions) < len(own) else asked
    return Reading(found if own == around else cues.found_in(own), everywhere, asked)


def _wishes(text: str, cues: CueSet) -> str:
    """The sentences of a text that command something or say what is wanted."""
    sentences = sentences_of(text)
    if len(sentences) == 1:
        return text
    return " ".join(
        [sentence for sentence in sentences if any(cue.instructs or cue.wants for cue in cues.found_in(sentence))]
    )


def _question_ahead_of_a_wish(text: str, cues: CueSet) -> str:
    """What is asked in few sentences ahead of a wish for the answer's form, such as "list the key points only".

    Nothing where that is no wish but work on a text: it comes first, or speaks of what stands there, or nobody asks.
    """
    sentences = sentences_of(text)
    for place, sentence in enumerate(sentences[: _SENTENCES_AT_AN_END + 1]):
        if any(map(_is_text_work, cues.found_in(sentence))):
            ahead = sentences[:place]
            wishes = any(map(is_question, ahead)) and not points(sentence) and sentence[-1] not in _COLONS
            return " ".join(ahead) if wishes else ""
    return ""


def _is_text_work(cue: Cue) -> bool:
    return cue.given or any(task in TEXT_WORK for task, _ in cue.votes)


def _about_a_given_text(excerpt: str, everywhere: Sequence[Cue], cues: CueSet) -> Reading:
    sentences = sentences_of(excerpt)
    found, asked = _at_the_head(sentences, cues) or _at_the_tail(sentences, cues) or (everywhere, excerpt)
    return Reading(found, everywhere, asked, about_a_given_text=True)


def _at_the_head(sentences: Sequence[str], cues: CueSet) -> tuple[Sequence[Cue], str] | None:
    """Up to the sentence that speaks of a given text, with the commands that follow it at once."""
    found: dict[str, Cue] = {}
    read_so_far: list[str] = []
    given = False
    for place, sentence in enumerate(sentences):
        of_sentence = cues.found_in(sentence)
        if given and not any(cue.instructs for cue in of_sentence):
            break
        given = given or any(cue.given for cue in of_sentence)
        if not given and place + 1 == _SENTENCES_AT_AN_END:
            break
        found |= {cue.label: cue for cue in of_sentence}
        read_so_far.append(sentence)
    return (tuple(found.values()), " ".join(read_so_far)) if given else None


def _at_the_tail(sentences: Sequence[str], cues: CueSet) -> tuple[Sequence[Cue], str] | None:
    """From the sentence near the end that speaks of a given text."""
    found: dict[str, Cue] = {}
    last = sentences[-_SENTENCES_AT_AN_END:]
    for place in range(len(last) - 1, -1, -1):
        of_sentence = cues.found_in(last[place])
        found |= {cue.label: cue for cue in of_sentence}
        if any(cue.given for cue in of_sentence):
            return tuple(found.values()), " ".join(last[place:])
    return None
