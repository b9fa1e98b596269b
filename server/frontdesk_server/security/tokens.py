"""JSON Web Tokens (RFC 7519), verified against a JSON Web Key Set in a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import orjson
import structlog
from cachetools import TLRUCache

from frontdesk_server.config.security import JwtConfig
from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.errors import Unauthenticated
from frontdesk_server.security.watched import WatchedFiles

log = structlog.get_logger()

_REMEMBERED = 4096
_LEEWAY_SECONDS = 10
_SYMMETRIC = "oct"
"""Type of keys that whoever verifies could sign with too (RFC 7518, section 6.4)."""


class TokenVerifier:
    """Tells callers by their tokens. A verified token is remembered until it expires or the key set changes."""

    def __init__(self, config: JwtConfig, folder: Path) -> None:
        """Read the key set. Raises OSError or ValueError when it cannot be used."""
        self._config = config
        self._file = WatchedFiles(folder / config.jwks_file)
        self._keys = self._read_keys()
        self._verified: TLRUCache[bytes, tuple[Caller, int]] = TLRUCache(_REMEMBERED, _expiry, time.time)

    def caller(self, token: str) -> Caller:
        """Whose token it is.

        Raises:
            Unauthenticated: it is malformed, expired, for others, or signed by none of the keys.
        """
        if self._file.changed():
            self._reload()
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None:
            return known[0]
        claims = self._claims(token)
        caller = self._caller_of(claims)
        self._verified[digest] = (caller, int(claims["exp"]))
        return caller

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._keys[jwt.get_unverified_header(token).get("kid")],
                algorithms=list(self._config.algorithms),
                audience=self._config.audience,
                issuer=self._config.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "aud"]},
            )
        except KeyError as error:
            raise Unauthenticated("the token is signed by no known key") from error
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired") from error
        except (jwt.PyJWTError, UnicodeError, RecursionError) as error:
            raise Unauthenticated("the token is not valid here") from error
        return claims

    def _caller_of(self, claims: Mapping[str, Any]) -> Caller:
        config = self._config
        name = claims.get(config.caller_claim)
        if not isinstance(name, str) or not name:
            raise Unauthenticated(f"the token has no claim {config.caller_claim}")
        if name == ANONYMOUS.name:
            raise Unauthenticated("the token names callers without credentials")
        own_keys = config.own_keys_claim if config.own_keys_claim in claims else None
        return Caller(
            name,
            _names(claims, config.routers_claim),
            _names(claims, config.models_claim),
            _names(claims, own_keys),
        )

    def _reload(self) -> None:
        try:
            self._keys = self._read_keys()
        except (OSError, ValueError) as error:  # half-written: it changes once more
            log.warning("key_set.kept", error=str(error))
            return
        self._verified.clear()

    def _read_keys(self) -> dict[str | None, jwt.PyJWK]:
        """Keys by their ids; a single key without an id vouches for tokens that name none."""
        try:
            keys = _keys_in(self._file.read()[0])
        except (jwt.PyJWTError, ValueError) as error:
            raise ValueError(f"{self._config.jwks_file} is no JSON Web Key Set: {error}") from error
        by_id: dict[str | None, jwt.PyJWK] = {key.key_id: key for key in keys}
        if len(keys) == 1:
            by_id[None] = keys[0]
        return by_id


def _expiry(digest: bytes, verified: tuple[Caller, int], now: float) -> int:
    return verified[1]


def _keys_in(text: bytes) -> list[jwt.PyJWK]:
    """The public keys of a key set, those left out that PyJWT cannot use. Raises ValueError or PyJWTError."""
    document = orjson.loads(text)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError('not an object with a list of "keys"')
    named = [key for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str | None)]
    try:
        keys = jwt.PyJWKSet(named).keys
    except (TypeError, AttributeError, LookupError) as error:  # it trusts the types of what a key holds
        raise ValueError(f"a key is malformed ({type(error).__name__})") from error
    public = [key for key in keys if key.key_type != _SYMMETRIC]
    if not public:
        raise ValueError("none of its keys is public: those of symmetric signatures verify nothing here")
    return public


def _names(claims: Mapping[str, Any], claim: str | None) -> frozenset[str]:
    """Names that a claim lists, as an array or separated by spaces; a token without the claim is refused."""
    if claim is None:
        return frozenset()
    value = claims.get(claim)
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Unauthenticated(f"the token's claim {claim} lists no names")
    return frozenset(names)
