# ruff: noqa: RUF001 - words of other alphabets look like ours
"""Tells the language of a text by its script and its commonest words. It says nothing when it is not sure."""

from __future__ import annotations

import re
from bisect import bisect_right

_SAMPLE_CHARACTERS = 200
_MIN_HITS = 2

_FOREIGN = re.compile(r"[^\x00-\u024f\u2000-\u206f]")
_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:!?\"'()¿¡«»", " "))
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

_STOP_WORDS = {
    "en": "the is of and to what how this that for you are with my please can it do does did was why who where when "
    "me write make a an in i your",
    "de": "der die das und ist nicht ein eine ich wie was mit für auf den dem zu von warum bitte sind kann mir wir "
    "sie wer",
    "fr": "le la les des est et une un je que qui dans pour pas avec ce cette vous du pourquoi comment mon ma au quel "
    "quelle moi",
    "es": "el la los las es y una un que en por para con como qué cómo mi del se lo su por favor cuál puedes este esta",
    "it": "il lo la gli è e un una che di per con come non mi del della questo questa perché sono puoi quale cosa",
    "pt": "o os as é e um uma que de em por para com como não meu minha do da você este esta qual são me",
    "nl": "de het een en is niet ik dat van hoe wat met voor op te zijn waarom mijn deze kun je naar wie",
    "sv": "och är det en ett jag inte att som på för med hur vad varför den till av min kan du",
    "pl": "i jest nie w na się że jak co to dlaczego do mój z czy proszę mi ten ta",
    "tr": "ve bir bu ne için nasıl mı mi değil ile ben neden benim da de lütfen çok",
    "id": "yang dan di apa ini itu untuk dengan tidak saya bagaimana dari ke adalah mengapa tolong",
    "vi": "là của và không tôi có cho một những này như thế nào bạn các được",
}
_CYRILLIC_WORDS = {
    "ru": "и в не на что как это почему я мне для по с у какой пожалуйста из ли есть",
    "uk": "і в не на що як це чому я мені для та з у який будь ласка є чи",
    "bg": "и в не на какво как това защо аз ми за с е да съм моля",
}


def _votes(words_by_language: dict[str, str]) -> dict[str, tuple[str, ...]]:
    votes: dict[str, tuple[str, ...]] = {}
    for language, words in words_by_language.items():
        for word in dict.fromkeys(words.split()):
            votes[word] = (*votes.get(word, ()), language)
    return votes


_LATIN_VOTES = _votes(_STOP_WORDS)
_CYRILLIC_VOTES = _votes(_CYRILLIC_WORDS)


LANGUAGES = (_STOP_WORDS.keys() | _CYRILLIC_WORDS.keys() | {name for _, name in _SCRIPTS}) - {"cyrillic"}
"""Everything that `detect_language` tells."""


def detect_language(text: str) -> str:
    """ISO 639-1 code of the language of the text's first 200 characters; empty when undetermined."""
    sample = text[:_SAMPLE_CHARACTERS].lower()
    if not sample.isascii():
        foreign = _FOREIGN.findall(sample)
        if 3 * len(foreign) >= len(sample) - sample.count(" "):
            return _by_script(sample, foreign)
    return _by_words(sample, _LATIN_VOTES)


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
        return _by_words(sample, _CYRILLIC_VOTES)
    # Japanese mixes Chinese characters with its own kana.
    return "ja" if script in ("zh", "ja") and _KANA.search(sample) else script


def _by_words(sample: str, votes: dict[str, tuple[str, ...]]) -> str:
    counts: dict[str, int] = {}
    for word in sample.translate(_PUNCTUATION).split():
        if word in votes:
            for language in votes[word]:
                counts[language] = counts.get(language, 0) + 1
    if not counts:
        return ""
    best = max(counts, key=counts.__getitem__)
    hits = counts.pop(best)
    return best if hits >= _MIN_HITS and hits > max(counts.values(), default=0) else ""
