"""How Frontdesk proves to an upstream API who it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FilePath, model_validator

from frontdesk_server.config.addresses import Address
from frontdesk_server.config.base import Section
from frontdesk_server.config.headers import GivenText, HeaderSecret, Segment, Word


class KeySignOn(Section):
    """A key that does not change."""

    kind: Literal["key"]
    key: HeaderSecret
    """Sent as the API demands. Use ${NAME}, never the key itself."""


class AzureEntraSignOn(Section):
    """Tokens of Microsoft Entra: of an application with its secret, or of whatever identity the machine has."""

    kind: Literal["azure_entra"]
    tenant_id: Segment | None = None
    """The directory of the application."""
    client_id: Segment | None = None
    """The application; without tenant_id and client_secret, the user-assigned identity of the machine."""
    client_secret: HeaderSecret | None = None
    """The application's secret. Default: workload identity, managed identity, or the command line's login."""
    scope: GivenText = "https://cognitiveservices.azure.com/.default"
    """What the tokens are for."""
    authority: Address | None = None
    """Where tokens come from. Default: Azure's public cloud."""

    @model_validator(mode="after")
    def _is_an_application_or_none(self) -> AzureEntraSignOn:
        if (self.tenant_id is None) != (self.client_secret is None):
            raise ValueError("tenant_id and client_secret come together, or not at all")
        if self.client_secret is not None and self.client_id is None:
            raise ValueError("client_secret needs a client_id")
        if self.authority is not None and self.authority.scheme != "https":
            raise ValueError("an authority speaks https")
        return self


class GoogleAdcSignOn(Section):
    """Tokens of Google's application default credentials."""

    kind: Literal["google_adc"]
    credentials_file: FilePath | None = None
    """A service account's key, or how another identity is exchanged. Default: what the machine has."""
    scope: GivenText = "https://www.googleapis.com/auth/cloud-platform"
    """What the tokens are for."""
    quota_project: Segment | None = None
    """Project whose quota is used. Default: the credentials' own."""


class AwsSigV4SignOn(Section):
    """Signatures (version 4) with the machine's credentials, with keys, or in a role."""

    kind: Literal["aws_sigv4"]
    region: Segment | None = None
    """Region of the API. Default: the backend's own, where it has one."""
    service: Segment = "bedrock"
    """Name of the service in signatures."""
    access_key_id: Word | None = None
    """A key of one's own. Default: environment, shared files, container or machine, in the order of all AWS tools."""
    secret_access_key: HeaderSecret | None = None
    """The key's secret."""
    session_token: HeaderSecret | None = None
    """Token of temporary keys."""
    profile: GivenText | None = None
    """Profile of the shared files."""
    role_arn: Word | None = None
    """Role to assume with these credentials."""
    role_session_name: Word = "frontdesk"
    """Name of the session in the role."""
    external_id: Word | None = None
    """What the role's trust policy may demand."""
    sts_url: Address | None = None
    """Where roles are assumed. Default: the region's own endpoint."""

    @model_validator(mode="after")
    def _keys_come_in_pairs(self) -> AwsSigV4SignOn:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key come together, or not at all")
        if self.access_key_id is not None and self.profile is not None:
            raise ValueError("give either keys or a profile")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("session_token belongs to an access_key_id")
        if self.role_arn is None and self.external_id is not None:
            raise ValueError("external_id belongs to a role_arn")
        return self


SignOnConfig = Annotated[KeySignOn | AzureEntraSignOn | GoogleAdcSignOn | AwsSigV4SignOn, Field(discriminator="kind")]
