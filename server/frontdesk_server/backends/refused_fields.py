"""Which field an upstream refuses by name, in the words that providers use for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from frontdesk_server.domain.lessons import Refusal, RefusedHow

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME = r"[a-z][a-z0-9_.]*"
_WORD = rf"(?!(?:supplied|not|is|are|and|any|parameter|argument|field|the|this)\b){_NAME}"
_QUOTE = r"[`'\"“”]"
_NOT_TAKEN = re.compile(
    r"unsupported|(?:not|n't) (?:currently )?support|unknown (?:name|field|parameter)|unrecogni[sz]ed|extra_forbidden"
    r"|extra (?:inputs|fields)|not permitted|not allowed|deprecated|cannot find field|not available|no longer"
    r"|cannot (?:both )?be (?:set|specified|used)|unexpected (?:keyword|field|parameter)|unavailable|extraneous"
    r"|does not (?:accept|allow)|no endpoints found that support",
)
_OF_CONTENT = re.compile(r"invalid (?:json )?schema|schema (?:for|of) |\bcharacters?\b|\bpattern\b")
"""What is said of a caller's schema or name is not said of the field that holds it."""
_SPOKEN = (
    (re.compile(r"response format"), "response_format"),
    (re.compile(r"tool choice"), "tool_choice"),
    (re.compile(r"stop sequences"), "stop_sequences"),
    (re.compile(r"(?:tool|function) (?:use|calling|calls?)\b"), "tools"),
    (re.compile(r"\[(\d+)\]"), r".\1"),  # tools[0].function
    (re.compile(r"unknown name \"(\w+)\" at '([^']+)'"), r'unknown name "\2.\1"'),
)
"""Fields as they are said in words, and paths with indices."""
_NAMED = re.compile(
    rf"{_QUOTE}({_NAME}){_QUOTE}"  # `temperature` is deprecated; Unsupported parameter: 'stop'
    rf"|^({_NAME})(?=:| is | are | and | does | cannot )"  # temperature: Extra inputs are not permitted
    rf"|(?:parameter|argument|property|field|option|name)s?:? {_QUOTE}?({_WORD})"  # does not support parameter stop
    rf"|supports? (?:this |the |for )?(?:provided )?({_WORD})"  # does not support tools, this tool_choice
    rf"|(?:the|this) ({_NAME}) (?:parameter|field|argument|option|type|value)"  # the effort parameter
    rf"|key \[({_NAME})\]"  # extraneous key [top_k] is not permitted
    rf"|(?:model|supplied): ({_NAME})"  # Argument not supported on this model: presencePenalty
)
_ONLY = re.compile(
    rf"invalid ({_NAME}): only ([\d.]+) is allowed"
    rf"|{_QUOTE}({_NAME}){_QUOTE} does not support [\d.]+[^.]*\. only the default \(([\d.]+)\)"
)
_OTHER_VALUE = re.compile(rf"{_QUOTE}({_NAME}){_QUOTE} does not support {_QUOTE}([a-z_]+){_QUOTE}")
_NO_VALUE = re.compile(
    rf"(?:unsupported|invalid|unknown) value:? {_QUOTE}([a-z_]+){_QUOTE}"
    rf"|does not support (?:the )?(?:reasoning )?effort (?:level )?{_QUOTE}([a-z]+){_QUOTE}"
)
_TAKEN = re.compile(
    r"(?:supported|allowed|valid|possible|accepted) (?:values|levels|options|efforts)(?: are)?:? ?([^.]*)"
    r"|(?:must|should) be (?:one of )?([^.]*)"
)
_CHOICE = re.compile(
    rf"^{_QUOTE}?({_NAME}){_QUOTE}?:? (?:input )?(?:must|should) be (?:one of )?[\[(]?{_QUOTE}[a-z_]+{_QUOTE}"
)
_CHOSEN = re.compile(rf"^input should be {_QUOTE}[a-z_]+{_QUOTE}")
_TOO_MANY = re.compile(
    rf"invalid {_QUOTE}({_NAME}){_QUOTE}: array too long.*maximum length (\d+)"
    rf"|len\(({_NAME})\) > (\d+) is not supported"
)
_TOGETHER = re.compile(
    rf"{_QUOTE}?({_NAME}){_QUOTE}? and {_QUOTE}?({_NAME}){_QUOTE}? (?:cannot|can not|may not|must not)"
    rf"|{_QUOTE}?({_NAME}){_QUOTE}? cannot be used (?:together )?with {_QUOTE}?({_NAME})"
)
_ADVICE = re.compile(r"\b(?:use|instead|supported (?:values|parameters) are|did you mean)\b")
_TOOLS_WITH = re.compile(rf"function tools with {_QUOTE}?(reasoning_effort)")
_INDEX = re.compile(r"\[(\d+)\]")
_NO_CACHE = re.compile(r"(?:not|n't) (?:allow|support) (?:explicit )?(?:prompt )?caching")
_OF_MESSAGES = frozenset(
    ("prefill", "reasoning_content", "reasoning", "refusal", "cache_control", "cache_point", "name", "detail")
)
"""What of `OWN_FIELDS` stands in messages."""
_PREFILL = re.compile(r"not support (?:assistant (?:message )?)?prefill|prefill(?:ing)? (?:is )?not supported")


def refused_fields(message: str, params: Iterable[str] = ()) -> Refusal | None:
    """What a 400 refuses by name, by the API's names; None where it says something else.

    `params` are the fields that the error names beside its message, as OpenAI's `param`: what the message names of
    another place is not what is refused. Not all names need be fields.
    """
    places = _names(_CAMEL.sub("_", param).lower() for param in params)
    refusal = _read(_CAMEL.sub("_", message).lower().strip(), places)
    if refusal is None:
        return None
    if places:
        meant = frozenset(name for name in refusal.fields if any(_is_of(name, place) for place in places))
        if refusal.how is RefusedHow.FIELD:
            refusal = replace(refusal, fields=meant or places)
        elif not meant:
            return None
    return replace(refusal, said=message) if refusal.fields else None


def _read(text: str, places: frozenset[str]) -> Refusal | None:
    """What the words say, whatever of it is meant; `places` are read of values of which they say no name."""
    if _OF_CONTENT.search(text):
        return None
    for spoken, written in _SPOKEN:
        text = spoken.sub(written, text)
    if _TOOLS_WITH.search(text):
        return Refusal(frozenset({"tools", "reasoning_effort"}), RefusedHow.TOGETHER)
    if found := _ONLY.search(text):
        name, only = next((a, b) for a, b in ((found[1], found[2]), (found[3], found[4])) if a)
        return Refusal(_names((name,)), RefusedHow.VALUE, float(only.rstrip(".")))
    if found := _TOO_MANY.search(text):
        return Refusal(_names((found[1] or found[3],)), RefusedHow.COUNT, float(found[2] or found[4]))
    if found := _OTHER_VALUE.search(text):
        return Refusal(_names((found[1],)), RefusedHow.VALUE, value=found[2], taken=_taken(text))
    if found := _NO_VALUE.search(text):
        named = places or (frozenset({"reasoning_effort"}) if found[2] else frozenset())
        return Refusal(named, RefusedHow.VALUE, value=found[1] or found[2], taken=_taken(text)) if named else None
    if places and _CHOSEN.search(text):
        return Refusal(places, RefusedHow.VALUE, taken=_taken(text))
    if found := _CHOICE.search(text):
        return Refusal(_names((found[1],)), RefusedHow.VALUE, taken=_taken(text))
    if found := _TOGETHER.search(text):
        return Refusal(_names(filter(None, found.groups())), RefusedHow.TOGETHER)
    if _NO_CACHE.search(text):
        return Refusal(frozenset({"cache_point"}))
    if _PREFILL.search(text):
        return Refusal(frozenset({"prefill"}))
    if not _NOT_TAKEN.search(text):
        return None
    names = {next(filter(None, groups)) for groups in _NAMED.findall(_before_advice(text))}
    return Refusal(_names(names))


def _is_of(name: str, place: str) -> bool:
    """Whether a name is of the place that an error tells, or the place of the name."""
    if f"{place}.".startswith(f"{name}.") or f"{name}.".startswith(f"{place}.") or place.endswith(f".{name}"):
        return True
    return name in _OF_MESSAGES and place.partition(".")[0] in ("messages", "input", "contents")


def _taken(text: str) -> frozenset[str]:
    """The words among which are the values that the message says are taken."""
    found = _TAKEN.search(text)
    return frozenset(re.findall(r"[a-z_]+", found[1] or found[2] or "")) if found else frozenset()


def _before_advice(text: str) -> str:
    """Without what the message advises to use instead."""
    return _ADVICE.split(text, maxsplit=1)[0]


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, (_INDEX.sub(r".\1", name).strip(".") for name in names)))
