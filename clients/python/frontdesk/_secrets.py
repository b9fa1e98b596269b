"""What proves to Frontdesk, and to the providers behind it, who calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, cast

import grpc
import grpc.aio

from frontdesk.errors import FrontdeskError

TokenSource = Callable[[], str]
"""Asked for the token before every call, so that it may expire; it caches."""

AsyncTokenSource = Callable[[], str | Awaitable[str]]

_PROVIDER_KEY = "x-frontdesk-provider-key-"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The token and the keys of providers, by backend; each is one line without spaces, and shown nowhere."""

    token: str | None = field(default=None, repr=False)
    provider_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def metadata(self, provider_keys: Mapping[str, str] | None = None) -> Sequence[tuple[str, str]]:
        """The metadata of a call; its own keys of providers take the place of the client's.

        Raises:
            ValueError: a secret cannot be sent.
        """
        keys = self.provider_keys if provider_keys is None else provider_keys
        token = [] if self.token is None else [bearer(self.token)]
        named = (
            (f"{_PROVIDER_KEY}{backend.lower()}", clean(key, f"the key for {backend}")) for backend, key in keys.items()
        )
        return (*token, *named)


class UnusableSecret(ValueError):
    """A secret that cannot be sent. The message tells why, never the secret."""


def bearer(token: object) -> tuple[str, str]:
    """The metadata of a token. Raises UnusableSecret."""
    return "authorization", f"Bearer {clean(token, 'the token')}"


def clean(secret: object, what: str) -> str:
    """The secret without the space around it, such as the newline at the end of a key file.

    Raises:
        UnusableSecret: it is no text, or an empty one, or no header can carry it.
    """
    if not isinstance(secret, str):
        raise UnusableSecret(f"{what} is no text, but of type {type(secret).__name__}")
    trimmed = secret.strip()
    if not trimmed:
        raise UnusableSecret(f"{what} is empty")
    for place, character in enumerate(trimmed):
        if not "!" <= character <= "~":
            raise UnusableSecret(f"{what} cannot be sent: character {place + 1} is U+{ord(character):04X}")
    return trimmed


def no_token(error: Exception) -> FrontdeskError:
    """The error of a call whose token source failed: the type alone, for texts may hold the token."""
    code = grpc.StatusCode.UNAUTHENTICATED
    told = str(error) if isinstance(error, UnusableSecret) else f"its source raised {type(error).__name__}"
    return FrontdeskError(code, code.name, f"no token: {told}")


class _Authorizing:
    """Asks an asynchronous source for the token of each call."""

    def __init__(self, source: AsyncTokenSource) -> None:
        self._source = source

    async def _authorized(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        try:
            token = self._source()
            entry = bearer(await token if isawaitable(token) else token)
        except Exception as error:
            raise no_token(error) from error
        metadata = grpc.aio.Metadata(*(details.metadata or ()), entry)
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


class _UnaryAuthorizing(_Authorizing, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return await continuation(await self._authorized(details), request)


class _StreamAuthorizing(_Authorizing, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return await continuation(await self._authorized(details), request)


def authorizing(source: AsyncTokenSource) -> list[grpc.aio.ClientInterceptor]:
    """The interceptors that send the token of a source."""
    return [cast("grpc.aio.ClientInterceptor", kind(source)) for kind in (_UnaryAuthorizing, _StreamAuthorizing)]
