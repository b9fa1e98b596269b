"""What all backends over HTTP share."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, FilePath, HttpUrl, model_validator

from frontdesk_server.config.addresses import Address
from frontdesk_server.config.base import Count, Section
from frontdesk_server.config.headers import HeaderName, HeaderSecret
from frontdesk_server.config.profile import ProfileConfig
from frontdesk_server.config.sign_on import AwsSigV4SignOn, KeySignOn, SignOnConfig


def _holds_no_credentials(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("an address is no secret: credentials belong into api_key or headers")
    return url


AwayFromSecrets = Annotated[Address, AfterValidator(_holds_no_credentials)]
"""An address; it is shown wherever it helps."""


def _holds_certificates(path: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValueError("holds no certificates in PEM") from error
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    return path


class UpstreamConfig(Section):
    """What all backends over HTTP share, whether they name an address or know it."""

    api_key: HeaderSecret | None = None
    """Sent as the API demands. Use ${NAME}, never the key itself."""
    sign_on: SignOnConfig | None = None
    """How else Frontdesk proves who it is: tokens and signatures that renew themselves. Default: api_key."""
    headers: dict[HeaderName, HeaderSecret] = {}
    """Further headers of every request."""
    max_connections: Count = 512
    """Most connections at once."""
    http2: bool = False
    """Speak HTTP/2 (on httpx's own transport)."""
    max_response_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    """Longest response that is read."""
    ca_file: Annotated[FilePath, AfterValidator(_holds_certificates)] | None = None
    """PEM file of further certificate authorities to trust, such as a company's own."""
    profile: ProfileConfig = ProfileConfig()
    """What its models take and refuse, where that differs from what Frontdesk knows."""

    @property
    def root(self) -> str:
        """Root of the API, without a slash at its end."""
        raise NotImplementedError

    @property
    def signs_on(self) -> SignOnConfig | None:
        """How Frontdesk proves who it is; None where nobody asks."""
        if self.sign_on is None and self.api_key is not None:
            return KeySignOn.model_construct(kind="key", key=self.api_key)  # validated as it was read
        return self.sign_on

    @model_validator(mode="after")
    def _signs_on_in_one_way(self) -> UpstreamConfig:
        if self.api_key is not None and self.sign_on is not None:
            raise ValueError("give either api_key or sign_on")
        return self


class HttpBackendConfig(UpstreamConfig):
    """What backends share whose address is configured."""

    base_url: AwayFromSecrets
    """Root of the API, such as https://api.openai.com/v1. A query (?api-version=...) is kept behind the path. Only the
    configuration can name an address."""

    @property
    def root(self) -> str:
        """Root of the API, without a slash at its end."""
        return str(self.base_url).rstrip("/")

    @model_validator(mode="after")
    def _names_its_region(self) -> HttpBackendConfig:
        if isinstance(self.sign_on, AwsSigV4SignOn) and self.sign_on.region is None:
            raise ValueError("sign_on needs a region here")
        return self
