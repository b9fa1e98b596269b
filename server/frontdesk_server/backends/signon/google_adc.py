"""Google's application default credentials, by google-auth."""

from __future__ import annotations

import asyncio
import warnings
from datetime import UTC
from pathlib import Path

import google.auth
import requests
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from frontdesk_server.backends.signon.renewing import Lease
from frontdesk_server.backends.signon.tokens import TokenSignOn
from frontdesk_server.config.sign_on import GoogleAdcSignOn
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import UpstreamCredentialsRefused

_KIND = "google_adc"


def google_adc(config: GoogleAdcSignOn, ca_file: Path | None, clock: Clock) -> TokenSignOn:
    """Tokens in the `authorization` header, and the project whose quota is used.

    Raises:
        ValueError: what is configured cannot be used.

    """
    session = requests.Session()
    if ca_file is not None:
        session.verify = str(ca_file)
    request = Request(session)
    known: Credentials | None = _of_file(config, request) if config.credentials_file is not None else None

    def renew_blocking() -> Lease[str]:
        nonlocal known
        try:
            if known is None:  # which may ask the metadata server
                known = google.auth.default([config.scope], request)[0]
            known.refresh(request)  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise UpstreamCredentialsRefused(f"{_KIND}: no token: {type(error).__name__}{_told(error)}") from error
        if not known.token:
            raise UpstreamCredentialsRefused(f"{_KIND}: the credentials give no token")
        expires = None if known.expiry is None else known.expiry.replace(tzinfo=UTC).timestamp()
        return Lease(known.token, expires)

    async def renew() -> Lease[str]:
        return await asyncio.to_thread(renew_blocking)

    async def close() -> None:
        session.close()

    further = {"x-goog-user-project": config.quota_project} if config.quota_project else {}
    return TokenSignOn(renew, clock, _KIND, close, further)


def _of_file(config: GoogleAdcSignOn, request: Request) -> Credentials:
    try:
        with warnings.catch_warnings():
            # It warns of files from elsewhere: this one is the operator's own, as all of the configuration.
            warnings.simplefilter("ignore", DeprecationWarning)
            found: tuple[Credentials, str | None] = google.auth.load_credentials_from_file(  # type: ignore[no-untyped-call]
                config.credentials_file, [config.scope], request=request
            )
        return found[0]
    except GoogleAuthError as error:
        raise ValueError("no credentials of Google's") from error


def _told(error: GoogleAuthError) -> str:
    """The code in the token endpoint's answer, such as `invalid_grant` (RFC 6749, section 5.2)."""
    answer = error.args[1] if len(error.args) > 1 else None
    code = answer.get("error") if isinstance(answer, dict) else None
    return f" ({code})" if isinstance(code, str) and code.replace("_", "").isalnum() else ""
