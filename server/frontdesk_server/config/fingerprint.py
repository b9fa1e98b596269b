"""The version of a configuration: what it says, whatever its secrets are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from frontdesk_server.config.values import Location

_DIGITS = 12
_SECRET = "secret"


def fingerprint(data: Mapping[str, Any], config: BaseModel) -> str:
    """Hexadecimal digits over what the file holds; a secret that is renewed changes none of them.

    `data` are the values of the file, `config` what was made of them.
    """
    secrets = frozenset(location for location, value in given(config) if isinstance(value, SecretStr))
    text = json.dumps(_without(data, secrets, ()), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def given(value: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Every single value that a section was given, with its place."""
    match value:
        case BaseModel():
            for name in sorted(value.model_fields_set):
                yield from given(getattr(value, name), (*location, name))
        case Mapping():
            for key, inner in value.items():
                yield from given(inner, (*location, key))
        case list() | tuple():
            for index, inner in enumerate(value):
                yield from given(inner, (*location, index))
        case _:
            yield location, value


def _without(value: Any, secrets: frozenset[Location], location: Location) -> Any:
    if location in secrets:
        return _SECRET
    if isinstance(value, Mapping):
        return {key: _without(inner, secrets, (*location, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, secrets, (*location, index)) for index, inner in enumerate(value)]
    return value
