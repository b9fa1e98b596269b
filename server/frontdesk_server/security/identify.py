"""Tells who calls: by an API key or JSON Web Token in the `authorization` metadata, else by the client certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.domain.call import ANONYMOUS, Caller, Identify, Peer
from frontdesk_server.domain.errors import ConfigError, Unauthenticated
from frontdesk_server.domain.extras import brought_by
from frontdesk_server.domain.unusable import with_its_file
from frontdesk_server.security.keys import PREFIX, KeyRing

_SCHEME = "bearer"


def build_identify(loaded: LoadedConfig) -> Identify:
    """The function that tells callers from a call's metadata and peer, and raises Unauthenticated.

    Raises:
        ConfigError: the key set cannot be used, or PyJWT is not installed.
    """
    config = loaded.config.security
    ring = KeyRing(config.keys)
    tokens = _verifier(loaded)
    nothing_known = not config.keys and tokens is None
    certified = {c.name: Caller(c.caller, c.routers, c.models, c.own_keys) for c in config.certificates}

    def without_credentials(peer: Peer) -> Caller:
        if certified:  # a look at the peer costs microseconds
            for name in peer():
                if name in certified:
                    return certified[name]
        if config.serves_anonymous:
            return ANONYMOUS
        raise Unauthenticated("credentials are required: authorization: Bearer …")

    def identify(metadata: Mapping[str, str], peer: Peer) -> Caller:
        credentials = metadata.get("authorization", "")
        if not credentials or nothing_known:  # clients of HTTP APIs send a key even where none is asked for
            return without_credentials(peer)
        scheme, _, secret = credentials.partition(" ")
        if scheme.lower() != _SCHEME or not secret:
            raise Unauthenticated("the authorization is not of the form: Bearer …")
        if tokens is not None and not secret.startswith(PREFIX):
            return tokens(secret)
        caller = ring.caller(secret)
        if caller is None:
            raise Unauthenticated("the key is not known")
        return caller

    return identify


def _verifier(loaded: LoadedConfig) -> Callable[[str], Caller] | None:
    config = loaded.config.security.jwt
    if config is None:
        return None
    try:
        from frontdesk_server.security.tokens import TokenVerifier

        return TokenVerifier(config, loaded.folder).caller
    except ModuleNotFoundError as error:
        fault = loaded.fault(("security", "jwt"), f"needs {error.name}: {brought_by('jwt')}")
    except (OSError, ValueError) as error:
        fault = loaded.fault(("security", "jwt", "jwks_file"), with_its_file(error))
    raise ConfigError(loaded.source, [fault])
