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
    secrets = frozenset(_secrets(config, ()))
    text = json.dumps(_without(data, secrets, ()), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _secrets(value: Any, location: Location) -> Iterator[Location]:
    match value:
        case SecretStr():
            yield location
        case BaseModel():
            for name in value.model_fields_set:
                yield from _secrets(getattr(value, name), (*location, name))
        case Mapping():
            for key, inner in value.items():
                yield from _secrets(inner, (*location, key))
        case list() | tuple():
            for index, inner in enumerate(value):
                yield from _secrets(inner, (*location, index))


def _without(value: Any, secrets: frozenset[Location], location: Location) -> Any:
    if location in secrets:
        return _SECRET
    if isinstance(value, Mapping):
        return {key: _without(inner, secrets, (*location, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, secrets, (*location, index)) for index, inner in enumerate(value)]
    return value
