"""Which field an upstream refuses by name, in the words that providers use for it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from frontdesk_server.domain.lessons import KNOWN_FIELDS, Refusal, RefusedHow

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME = r"[a-z][a-z0-9_.]*"
_QUOTE = r"[`'\"“”]"
_NOT_TAKEN = re.compile(
    r"unsupported|(?:not|n't) (?:currently )?support|unknown (?:name|field|parameter)|unrecogni[sz]ed|extra_forbidden"
    r"|extra (?:inputs|fields)|not permitted|not allowed|deprecated|cannot find field|not available|no longer"
    r"|cannot (?:both )?be (?:set|specified|used)|unexpected (?:keyword|field|parameter)",
)
_NAMED = re.compile(
    rf"{_QUOTE}({_NAME}){_QUOTE}"  # `temperature` is deprecated; Unsupported parameter: 'stop'
    rf"|^({_NAME})(?=:| is | are | and | does | cannot )"  # temperature: Extra inputs are not permitted
    rf"|(?:parameter|argument|property|field|option|name)s?:? {_QUOTE}?({_NAME})"  # does not support parameter stop
    rf"|model: ({_NAME})"  # Argument not supported on this model: presencePenalty
)
_ONLY = re.compile(
    rf"invalid ({_NAME}): only ([\d.]+) is allowed"
    rf"|{_QUOTE}({_NAME}){_QUOTE} does not support [\d.]+[^.]*\. only the default \(([\d.]+)\)"
)
_OTHER_VALUE = re.compile(rf"{_QUOTE}({_NAME}){_QUOTE} does not support {_QUOTE}([a-z]+){_QUOTE}")
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
_PREFILL = re.compile(r"not support (?:assistant (?:message )?)?prefill|prefill(?:ing)? (?:is )?not supported")


def refused_fields(message: str, params: Iterable[str] = ()) -> Refusal | None:
    """What a 400 refuses by name; None where it says something else, or names nothing that we know.

    `params` are the fields that the error names beside its message, as OpenAI's `param`.
    """
    text = _CAMEL.sub("_", message).lower().strip()
    if _TOOLS_WITH.search(text):
        return Refusal(frozenset({"tools", "reasoning_effort"}), RefusedHow.TOGETHER)
    if found := _ONLY.search(text):
        name, only = next((a, b) for a, b in ((found[1], found[2]), (found[3], found[4])) if a)
        return _known({name}, RefusedHow.VALUE, only=float(only.rstrip(".")))
    if found := _TOO_MANY.search(text):
        return _known({found[1] or found[3]}, RefusedHow.COUNT, only=float(found[2] or found[4]))
    if found := _OTHER_VALUE.search(text):
        return _known({found[1]}, RefusedHow.VALUE, value=found[2])
    if found := _TOGETHER.search(text):
        both = frozenset(filter(None, found.groups()))
        return Refusal(both, RefusedHow.TOGETHER) if both <= KNOWN_FIELDS else None
    if _PREFILL.search(text):
        return Refusal(frozenset({"prefill"}))
    if not _NOT_TAKEN.search(text):
        return None
    named = {next(filter(None, groups)) for groups in _NAMED.findall(_before_advice(text))}
    return _known({*named, *(_CAMEL.sub("_", param).lower() for param in params)}, RefusedHow.FIELD)


def _before_advice(text: str) -> str:
    """Without what the message advises to use instead."""
    return _ADVICE.split(text, maxsplit=1)[0]


def _known(names: Iterable[str], how: RefusedHow, *, only: float | None = None, value: str = "") -> Refusal | None:
    fields = frozenset(name.rsplit("messages.", 1)[-1].strip(".") for name in names) & KNOWN_FIELDS
    return Refusal(fields, how, only, value) if fields else None
