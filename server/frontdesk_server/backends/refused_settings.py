"""What of a query stands behind the fields that an upstream refuses by name.

No table says so. A setting stands behind a field if the request has the field with it and lacks it without it: the
request is built once more without each of the settings, and an API's own spelling needs no mention anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from frontdesk_server.backends.own_words import own_words
from frontdesk_server.backends.refused_fields import refused_fields
from frontdesk_server.domain.backend import BackendCall, Dispatch
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.lessons import OWN_FIELDS, Refusal, RefusedHow
from frontdesk_server.domain.query import Query, text_query
from frontdesk_server.domain.settings import OPTION, settings_of, without

Json = dict[str, Any]
Path = tuple[str, ...]

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SCHEMAS = frozenset({"schema", "parameters", "input_schema", "json"})
"""Where a schema of the caller's begins: what is refused of it is no field of the API."""
_ASKED = text_query("hi").messages


def attributed(refusal: Refusal, build: Callable[[BackendCall], Json], call: BackendCall) -> Refusal | None:
    """The refusal in the words of the contract; None where nothing that was sent stands behind it.

    What stands behind no setting is Frontdesk's own if it is one of `OWN_FIELDS`. What the upstream only quotes of the
    query it has not refused.
    """
    if not _said_by_upstream(refusal, call.query):
        return None
    sent = _Sent(build, call)
    meant = [sent.meant_by(name) for name in refusal.fields]
    if refusal.how is RefusedHow.TOGETHER and not all(meant):
        return None
    fields = frozenset().union(*meant)
    return replace(refusal, fields=fields) if fields else None


def _said_by_upstream(refusal: Refusal, query: Query) -> bool:
    """Whether the words say the same without what they quote of the query."""
    said = own_words(refusal.said, query)
    if said == refusal.said:
        return True
    beside = refusal.fields if refused_fields(refusal.said) is None else ()
    again = refused_fields(said, beside)
    return again is not None and again.fields >= refusal.fields


class _Sent:
    """What was sent, but for the conversation, and what would be sent without each of its settings."""

    def __init__(self, build: Callable[[BackendCall], Json], call: BackendCall) -> None:
        self._build = build
        self._call = call
        query = replace(call.query, messages=_ASKED)
        self._body = self._built(query) or {}
        self._lacking = {setting: body for setting, body in self._bodies_without(query) if body is not None}

    def meant_by(self, name: str) -> frozenset[str]:
        """The settings behind a name, or the name itself where it is one of Frontdesk's own."""
        path = _resolved(self._body, name.split("."))
        if path is not None and len(path) == 1 and (settings := self._behind(path)):
            return settings
        own = ".".join(word for word in name.split(".") if not word.isdecimal()).removeprefix("messages.")
        if own in OWN_FIELDS and self._holds(own):
            return frozenset((own,))
        if path is None:
            path = self._within(name)
        if path is None:
            return frozenset()
        return self._behind(path) or self._around(path) or self._beneath(path)

    def _holds(self, own: str) -> bool:
        """Whether one of Frontdesk's own fields was sent, in the body or in a message."""
        query = self._call.query
        if own == "prefill":
            return query.is_prefilled
        return _stands_in(self._built(query), own.split("."))

    def _bodies_without(self, query: Query) -> Iterator[tuple[str, Json | None]]:
        for setting in settings_of(query):
            name, _, option = setting.partition(" ")
            if name != OPTION or option.partition(".")[0] in self._call.dialects:
                yield setting, self._built(without(query, setting))

    def _built(self, query: Query) -> Json | None:
        try:
            body: Json = _snake(self._build(replace(self._call, query=query, dispatch=Dispatch())))
        except UpstreamRequestRefused:
            return None  # one setting can need another
        return body

    def _within(self, name: str) -> Path | None:
        """The place of a name that is told without the object in which it stands; a `type` may be anything's."""
        if name == "type":
            return None
        places = [(holder, name) for holder, held in self._body.items() if isinstance(held, dict) and name in held]
        return places[0] if len(places) == 1 else None

    def _behind(self, path: Path) -> frozenset[str]:
        """The settings without which the path is missing, and nothing above it; those alone that change least."""
        lacking = {
            setting: _size(body)
            for setting, body in self._lacking.items()
            if not _at(body, path) and (len(path) == 1 or _at(body, path[:-1]))
        }
        most = max(lacking.values(), default=0)
        return frozenset(setting for setting, size in lacking.items() if size == most)

    def _around(self, path: Path) -> frozenset[str]:
        """The settings behind an object in which the path lies."""
        for length in range(len(path) - 1, 0, -1):
            above, below = path[:length], path[length:]
            if not _SCHEMAS.isdisjoint(below) or any(isinstance(value, list) for value in _at(self._body, above)):
                break
            if settings := self._behind(above):
                return settings
        return frozenset()

    def _beneath(self, path: Path) -> frozenset[str]:
        """The settings that say something within the path, which is there without them."""
        said = _at(self._body, path)
        within = (setting for setting, body in self._lacking.items() if _at(body, path) not in ([], said))
        return frozenset() if any(part in _SCHEMAS for part in path) else frozenset(within)


def _resolved(body: Json, words: Sequence[str]) -> Path | None:
    """The keys of a path through objects and lists; a word after an index may only tell the kind of the item."""
    path: list[str] = []
    value: Any = body
    after_index = False
    for word in words:
        if isinstance(value, list):
            if not word.isdecimal() or int(word) >= len(value):
                return None
            value, after_index = value[int(word)], True
        elif isinstance(value, dict) and word in value:
            path.append(word)
            value, after_index = value[word], False
        elif not after_index:
            return None
    return tuple(path) or None


def _at(value: Any, path: Path) -> list[Any]:
    """What stands at a path, in every item of the lists on the way."""
    if isinstance(value, list) and path:
        return [found for item in value for found in _at(item, path)]
    if not path:
        return [value]
    return _at(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def _stands_in(value: Any, words: Sequence[str]) -> bool:
    """Whether the words lead to something anywhere within: keys, of which the last may be a value."""
    match value:
        case dict():
            held = value.get(words[0])
            found = words[0] in value and (not words[1:] or held == words[1] or _stands_in(held, words[1:]))
            return found or any(_stands_in(inner, words) for inner in value.values())
        case list():
            return any(_stands_in(item, words) for item in value)
    return False


def _size(value: Any) -> int:
    match value:
        case dict():
            return 1 + sum(map(_size, value.values()))
        case list():
            return 1 + sum(map(_size, value))
    return 1


def _snake(value: Any) -> Any:
    match value:
        case dict():
            return {_CAMEL.sub("_", name).lower(): _snake(held) for name, held in value.items()}
        case list():
            return [_snake(item) for item in value]
    return value
