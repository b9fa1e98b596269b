"""Puts topics into frames: generated texts of seven languages, each with its difficulty and whether it is programming.

The tables beside this module have a column (topics) or a line (frames) a language; `{x}` and `{y}` stand for topics.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

EASY, MIDDLING, HARD, CODE = 0.05, 0.25, 0.95, 0.25
DIFFICULTY = {
    "easy": EASY,
    "easy_long": EASY,
    "tools_easy": EASY,
    "document_easy": EASY,
    "middle": MIDDLING,
    "code": CODE,
    "hard": HARD,
    "tools_hard": HARD,
    "document_hard": HARD,
}
"""Difficulties of the kinds that are written: of questions, of what is wanted of tools, and of a document."""
UNSPACED_LANGUAGES = ("zh", "ja")
_FOLDER = Path(__file__).parent


class WordedText(NamedTuple):
    """One text and its labels."""

    text: str
    difficulty: float
    code: bool
    origin: str
    """Of the same origin are the texts on one topic, in whatever language."""
    language: str


KINDS = (
    ("hard_topics", "hard_frames", HARD, False),
    ("hard_topics", "middle_frames", MIDDLING, False),
    ("easy_topics", "easy_frames", EASY, False),
    ("easy_topics", "everyday_frames", MIDDLING, False),
    ("code_topics", "code_frames", CODE, True),
)


def worded_texts(per_topic: int, seed: int) -> Iterator[WordedText]:
    """Yield every topic of every language in so many frames; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - reproducible variety, not secrets
    for topics_name, frames_name, difficulty, code in KINDS:
        topics, frames = topics_of(topics_name), frames_of(frames_name)
        for language, of_language in topics.items():
            for place, topic in enumerate(of_language):
                chosen = frames[language]
                for frame in draw.sample(chosen, min(per_topic, len(chosen))):
                    text = frame.replace("{x}", topic).replace("{y}", draw.choice(of_language))
                    yield WordedText(text[0].upper() + text[1:], difficulty, code, f"{topics_name} {place}", language)


def lines_of(name: str) -> list[list[str]]:
    """The cells of a table, line by line."""
    text = (_FOLDER / f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()]


def topics_of(name: str) -> Mapping[str, Sequence[str]]:
    """By language, topics; those at one place are the same."""
    languages, *rows = lines_of(name)
    return {language: [row[place] for row in rows] for place, language in enumerate(languages)}


def frames_of(name: str) -> Mapping[str, Sequence[str]]:
    """By language, frames; those at one place ask the same."""
    return {language: frames for language, *frames in lines_of(name)}


def written_sentences() -> Iterator[tuple[str, Sequence[WordedText]]]:
    r"""Yield the sentences of `written`: whose hand wrote them, and a file of them, where neighbours are of one field.

    A folder holds what one hand wrote, a file a language and kind; the files beside the folders are of the first hand.
    A sentence is a line, in which `\n` stands for a line's end.
    """
    folder = _FOLDER / "written"
    for file in sorted(folder.rglob("*.txt")):
        language, kind, _ = file.name.split(".")
        lines = file.read_text(encoding="utf-8").splitlines()
        hand = "" if file.parent == folder else file.parent.name
        difficulty = DIFFICULTY[kind]
        yield (
            hand,
            [WordedText(line.replace("\\n", "\n"), difficulty, kind == "code", line, language) for line in lines],
        )


def tales_of() -> Mapping[str, Sequence[str]]:
    """By language, sentences that ask for nothing."""
    tales = defaultdict(list)
    for language, part, text in lines_of("rambling"):
        if part == "tale":
            tales[language].append(text)
    return tales


def rambling_texts(per_ask: int, seed: int) -> Iterator[WordedText]:
    """Yield every small thing asked for after, or amid, tales that have nothing to do with it."""
    draw = random.Random(seed)  # noqa: S311 - reproducible variety, not secrets
    tales = tales_of()
    asks = [(language, text) for language, part, text in lines_of("rambling") if part != "tale"]
    for language, ask in asks:
        space = "" if language in UNSPACED_LANGUAGES else " "
        for _ in range(per_ask):
            parts = draw.sample(tales[language], draw.randint(1, 4))
            parts.insert(draw.randint(len(parts) - 1, len(parts)), ask)
            yield WordedText(space.join(parts), EASY, False, ask, language)
