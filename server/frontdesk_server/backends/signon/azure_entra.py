"""Microsoft Entra: tokens of an application or of the machine's identity, by azure-identity."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import AzureError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential

from frontdesk_server.backends.signon.renewing import Lease
from frontdesk_server.backends.signon.tokens import TokenSignOn
from frontdesk_server.config.sign_on import AzureEntraSignOn
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import UpstreamCredentialsRefused

_KIND = "azure_entra"
_ERROR_CODE = re.compile(r"AADSTS[0-9]+")


def azure_entra(config: AzureEntraSignOn, ca_file: Path | None, clock: Clock) -> TokenSignOn:
    """Tokens in the `authorization` header.

    Raises:
        ValueError: what is configured cannot be used.

    """
    credential = _credential(config, ca_file)

    async def renew() -> Lease[str]:
        try:
            token: AccessTokenInfo = await credential.get_token_info(config.scope)
        except (AzureError, CredentialUnavailableError) as error:
            code = _ERROR_CODE.search(str(error))
            told = f" ({code.group()})" if code else ""
            raise UpstreamCredentialsRefused(f"{_KIND}: no token: {type(error).__name__}{told}") from error
        return Lease(token.token, float(token.expires_on))

    return TokenSignOn(renew, clock, _KIND, credential.close)


def _credential(config: AzureEntraSignOn, ca_file: Path | None) -> ClientSecretCredential | DefaultAzureCredential:
    options: dict[str, Any] = {"retry_total": 2}
    if config.authority is not None:
        # Its own authorities alone vouch for what else may give tokens; one that is named here vouches for itself.
        options |= {"authority": str(config.authority).rstrip("/"), "disable_instance_discovery": True}
    if ca_file is not None:
        options["connection_verify"] = str(ca_file)
    if config.client_secret is not None:
        secret = config.client_secret.get_secret_value()
        return ClientSecretCredential(config.tenant_id or "", config.client_id or "", secret, **options)
    if config.client_id is not None:
        options |= {"managed_identity_client_id": config.client_id, "workload_identity_client_id": config.client_id}
    return DefaultAzureCredential(**options)
