"""AWS signatures (version 4) with the machine's credentials, with keys, or in a role, by botocore."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from frontdesk_server.backends.signon.renewing import Lease, Renewing
from frontdesk_server.config.sign_on import AwsSigV4SignOn
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import UpstreamCredentialsRefused

_KIND = "aws_sigv4"
_STS_SECONDS = 10


class AwsSigV4:
    """Signs the exact bytes of every request."""

    def __init__(self, config: AwsSigV4SignOn, ca_file: Path | None, clock: Clock) -> None:
        if config.region is None:
            raise ValueError("no region")
        self._config = config
        self._region = config.region
        self._ca_file = ca_file
        self._credentials = Renewing(self._renew, clock, _KIND)

    async def headers(self, url: str, content: bytes) -> Mapping[str, str]:
        """The signature, over address, body and content type."""
        credentials = await self._credentials.value()
        request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=content)
        SigV4Auth(credentials, self._config.service, self._region).add_auth(request)
        return {name.lower(): value for name, value in request.headers.items()}

    def secrets(self) -> Iterable[str]:
        """The keys of this moment."""
        held = self._credentials.held
        return () if held is None else filter(None, (held.access_key, held.secret_key, held.token))

    def doubt(self) -> None:
        """Look for the credentials again."""
        self._credentials.doubt()

    async def aclose(self) -> None:
        """Renew no more."""
        await self._credentials.aclose()

    async def _renew(self) -> Lease[ReadOnlyCredentials]:
        return await asyncio.to_thread(self._renew_blocking)

    def _renew_blocking(self) -> Lease[ReadOnlyCredentials]:
        """By a session of its own every time: it keeps what it has found once."""
        config = self._config
        try:
            session = Session(profile=config.profile)
            if config.access_key_id is not None and config.secret_access_key is not None:
                token = config.session_token
                session.set_credentials(
                    config.access_key_id,
                    config.secret_access_key.get_secret_value(),
                    None if token is None else token.get_secret_value(),
                )
            if config.role_arn is not None:
                return self._in_role(session, config.role_arn)
            found: Credentials | None = session.get_credentials()
            if found is None:
                raise UpstreamCredentialsRefused(f"{_KIND}: the machine has no credentials")
            frozen = found.get_frozen_credentials()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise UpstreamCredentialsRefused(f"{_KIND}: no credentials: {code}") from error
        except BotoCoreError as error:
            raise UpstreamCredentialsRefused(f"{_KIND}: no credentials: {type(error).__name__}") from error
        expiry = getattr(found, "_expiry_time", None)  # which temporary ones alone have
        return Lease(frozen, None if expiry is None else expiry.timestamp())

    def _in_role(self, session: Session, role_arn: str) -> Lease[ReadOnlyCredentials]:
        config = self._config
        client = session.create_client(
            "sts",
            region_name=self._region,
            endpoint_url=None if config.sts_url is None else str(config.sts_url).rstrip("/"),
            verify=None if self._ca_file is None else str(self._ca_file),
            config=Config(connect_timeout=_STS_SECONDS, read_timeout=_STS_SECONDS, retries={"total_max_attempts": 2}),
        )
        external = {} if config.external_id is None else {"ExternalId": config.external_id}
        given = client.assume_role(RoleArn=role_arn, RoleSessionName=config.role_session_name, **external)
        keys = given["Credentials"]
        frozen = ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return Lease(frozen, keys["Expiration"].timestamp())
