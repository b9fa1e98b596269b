"""Who may call, and how the wire is protected."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from frontdesk_server.config.base import Section

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class TlsConfig(Section):
    """Certificates of the server; read again when their files change."""

    certificate: Path
    """PEM of the server's certificate chain. Relative paths start at the configuration."""
    key: Path
    """PEM of its private key."""
    client_ca: Path | None = None
    """PEM of the authorities whose certificates callers must show (mTLS). Default: callers show none."""


class KeyConfig(Section):
    """An API key; `frontdesk key NAME` makes one."""

    caller: str
    """Who calls with it: the name in budgets, the ledger and logs."""
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    """The key's public part."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the whole key; the key itself is stored nowhere."""
    routers: frozenset[str] = frozenset()
    """Routers the caller may use. Default: all."""
    models: frozenset[str] = frozenset()
    """Models that may answer the caller. Default: all."""


class JwtConfig(Section):
    """JSON Web Tokens, verified against a set of public keys."""

    jwks_file: Path
    """JSON Web Key Set; read again when it changes. Relative paths start at the configuration."""
    audience: str
    """Required audience."""
    issuer: str | None = None
    """Required issuer. Default: any that the keys vouch for."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256", "EdDSA")
    """Signatures that are accepted; asymmetric ones only."""
    caller_claim: str = "sub"
    """Claim that names the caller."""
    routers_claim: str | None = None
    """Claim that lists the routers the caller may use. Default: all."""
    models_claim: str | None = None
    """Claim that lists the models that may answer the caller. Default: all."""


class SecurityConfig(Section):
    """Transport security and callers' identity."""

    tls: TlsConfig | None = None
    """Default: plaintext, for loopback and meshes that bring their own TLS."""
    keys: tuple[KeyConfig, ...] = ()
    """API keys."""
    jwt: JwtConfig | None = None
    """JSON Web Tokens."""
    anonymous: bool | None = None
    """Whether calls without credentials are served. Default: only where neither keys nor tokens are configured."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> SecurityConfig:
        ids = [key.id for key in self.keys]
        if len(set(ids)) < len(ids):
            raise ValueError("two keys have the same id")
        return self
