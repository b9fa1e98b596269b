r"""The same request in seven languages: frames of every task (`task_frames.tsv`), and topics in frames of any kind.

The slots of a frame stand for topics ({x} of everyday, {h} hard, {c} of programming), numbers ({n}, {m}) and what a
text talks of ({t}); `\n` for a line's end. Of one row all languages get the same topics and numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.wording.texts import KINDS, frames_of, lines_of, tales_of, topics_of

_TOPICS = {"{x}": "easy_topics", "{h}": "hard_topics", "{c}": "code_topics"}
_SECOND = "{y}"


class ParallelText(NamedTuple):
    """One request in several languages, its task (None where its kind implies none) and difficulty."""

    texts: Mapping[str, str]
    """By language."""
    task: str | None
    difficulty: float
    origin: str
    """The frame in English, or the topic: texts of one origin are alike."""


def framed_tasks(per_frame: int, seed: int) -> Iterator[ParallelText]:
    """Yield every frame of every task so many times, or once if it has no slots; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - reproducible variety, not secrets
    (_, _, *languages), *rows = lines_of("task_frames")
    topics = {slot: topics_of(name) for slot, name in _TOPICS.items()}
    tales = tales_of()
    for task, difficulty, *frames in rows:
        for _ in range(per_frame if "{" in frames[0] else 1):
            places = {slot: draw.randrange(len(by_language["en"])) for slot, by_language in topics.items()}
            numbers = {"{n}": str(draw.randint(12, 60)), "{m}": str(draw.randint(2, 9))}
            filled = {}
            for language, frame in zip(languages, frames, strict=True):
                words = numbers | {slot: topics[slot][language][place] for slot, place in places.items()}
                filled[language] = _with_tales(_filled(frame, words), tales[language], draw)
            yield ParallelText(filled, task, float(difficulty), frames[0])


def framed_topics(count: int, seed: int) -> Iterator[ParallelText]:
    """Yield so many texts of every kind of `worded_texts`, each in all languages; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - reproducible variety, not secrets
    for topics_name, frames_name, difficulty, code in KINDS:
        topics, frames = topics_of(topics_name), frames_of(frames_name)
        for _ in range(count):
            place, other = (draw.randrange(len(topics["en"])) for _ in range(2))
            frame = draw.randrange(len(frames["en"]))
            texts = {
                language: _filled(frames[language][frame], {"{x}": of_language[place], _SECOND: of_language[other]})
                for language, of_language in topics.items()
            }
            yield ParallelText(texts, "code" if code else None, difficulty, f"{topics_name} {place}")


def _filled(frame: str, words: Mapping[str, str]) -> str:
    text = frame.replace("\\n", "\n")
    for slot, word in words.items():
        text = text.replace(slot, word)
    return text[0].upper() + text[1:]


def _with_tales(text: str, tales: Sequence[str], draw: random.Random) -> str:
    while "{t}" in text:
        text = text.replace("{t}", draw.choice(tales), 1)
    return text
