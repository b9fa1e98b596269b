"""API keys: `fd_<id>_<secret>`, of which only the hash is kept.

The secret has 256 random bits, so a plain SHA-256 cannot be guessed backwards; slow password hashes protect secrets
that people choose, and would cost every call milliseconds.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

from frontdesk_server.config.security import KeyConfig
from frontdesk_server.domain.call import Caller

PREFIX = "fd_"
_UNKNOWN = KeyConfig(caller="nobody", id="0" * 8, sha256="0" * 64)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once, and what the configuration keeps of it."""

    key: str = field(repr=False)
    id: str
    sha256: str


def new_key() -> NewKey:
    """Make a key of 256 random bits."""
    key_id = secrets.token_hex(4)
    key = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(key, key_id, _hashed(key))


class KeyRing:
    """Tells callers by their keys."""

    def __init__(self, keys: Iterable[KeyConfig]) -> None:
        self._keys = {key.id: (key, Caller(key.caller, key.routers, key.models, key.own_keys)) for key in keys}

    def caller(self, key: str) -> Caller | None:
        """Whose key it is; None when nobody's. Takes the same time for a wrong secret as for an unknown id."""
        key_id = key.removeprefix(PREFIX).partition("_")[0]
        known, caller = self._keys.get(key_id, (_UNKNOWN, None))
        return caller if compare_digest(_hashed(key), known.sha256) else None


def _hashed(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
