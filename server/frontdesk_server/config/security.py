"""Who may call, and how the wire is protected."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from frontdesk_server.config.base import Section
from frontdesk_server.config.names import Name, a_name
from frontdesk_server.domain.call import ANONYMOUS

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Names = Annotated[frozenset[str], Field(min_length=1)]


def somebody(caller: str) -> str:
    """The name of a caller. Raises ValueError for one that nobody may have."""
    a_name(caller)
    if caller == ANONYMOUS.name:
        raise ValueError(f"{caller} is the name of callers without credentials")
    return caller


class TlsConfig(Section):
    """Certificates of the server; read again when their files change."""

    certificate: Path
    """PEM of the server's certificate chain. Relative paths start at the configuration."""
    key: Path
    """PEM of its private key."""
    client_ca: Path | None = None
    """PEM of the authorities whose certificates callers must show (mTLS). Default: callers show none."""


class CallerConfig(Section):
    """Who calls, and what the caller may use."""

    caller: Annotated[str, AfterValidator(somebody)]
    """The name in budgets, the ledger and logs; several credentials may be one caller's."""
    routers: Names = frozenset()
    """Routers the caller may use. Default: all."""
    models: Names = frozenset()
    """Models that may answer the caller. Default: all."""
    own_keys: Names = frozenset()
    """Backends that are called with a key of the caller's own where its metadata bring one. Default: none."""


class KeyConfig(CallerConfig):
    """An API key; `frontdesk key NAME` makes one."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    """The key's public part."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the whole key; the key itself is stored nowhere."""


class CertificateConfig(CallerConfig):
    """A caller that is known by its client certificate."""

    name: Name
    """A subject alternative name of the certificate, such as a SPIFFE id; its common name where it has none."""


class JwtConfig(Section):
    """JSON Web Tokens, verified against a set of public keys."""

    jwks_file: Path
    """JSON Web Key Set; read again when it changes. Relative paths start at the configuration."""
    audience: Annotated[str, StringConstraints(min_length=1)]
    """Required audience."""
    issuer: str | None = None
    """Required issuer. Default: any that the keys vouch for."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256", "ES256", "EdDSA")
    """Signatures that are accepted; asymmetric ones only."""
    caller_claim: str = "sub"
    """Claim that names the caller."""
    routers_claim: str | None = None
    """Claim that lists the routers the caller may use. Default: all."""
    models_claim: str | None = None
    """Claim that lists the models that may answer the caller. Default: all."""
    own_keys_claim: str | None = None
    """Claim that lists the backends which the caller may bring keys of its own for. Default: none."""


class SecurityConfig(Section):
    """Transport security and callers' identity."""

    tls: TlsConfig | None = None
    """Default: plaintext, for loopback and meshes that bring their own TLS."""
    keys: tuple[KeyConfig, ...] = ()
    """API keys."""
    certificates: tuple[CertificateConfig, ...] = ()
    """Client certificates that name callers; need tls.client_ca."""
    jwt: JwtConfig | None = None
    """JSON Web Tokens."""
    anonymous: bool | None = None
    """Whether calls without credentials are served. Default: only where no other callers are configured."""

    @property
    def serves_anonymous(self) -> bool:
        """Whether calls without credentials are served."""
        if self.anonymous is not None:
            return self.anonymous
        return not self.keys and not self.certificates and self.jwt is None

    @property
    def has_several_callers(self) -> bool:
        """Whether callers are told apart: by tokens, which name anybody, or as two names of which anonymous is one."""
        named = {each.caller for each in (*self.keys, *self.certificates)}
        return self.jwt is not None or len(named) + self.serves_anonymous > 1

    @model_validator(mode="after")
    def _tells_callers_apart(self) -> SecurityConfig:
        for what, given in (("keys", [k.id for k in self.keys]), ("certificates", [c.name for c in self.certificates])):
            if twice := [name for name, count in Counter(given).items() if count > 1]:
                raise ValueError(f"two {what} are {', '.join(twice)}")
        if self.certificates and (self.tls is None or self.tls.client_ca is None):
            raise ValueError("certificates need tls.client_ca")
        return self
