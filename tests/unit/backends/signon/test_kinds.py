"""The kinds of sign-on against token endpoints on loopback."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from frontdesk_server.backends.signon import SignOn, SignOnUnusable, bearer, build_sign_on
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.errors import UpstreamCredentialsRefused

from tests.certificates import Authority
from tests.upstream.loopback import Loopback, RawAnswer, RawRequest, json_answer
from tests.upstream.sigv4 import verify

URL = "https://upstream.test/v1/chat/completions"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AMBIENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION")


@asynccontextmanager
async def signing_on(sign_on: dict[str, Any], **settings: Any) -> AsyncIterator[SignOn]:
    config = {"kind": "openai", "base_url": "https://upstream.test/v1", "sign_on": sign_on, **settings}
    built = build_sign_on(OpenAIBackendConfig.model_validate(config), bearer)
    try:
        yield built
    finally:
        await built.aclose()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    authority = Authority()
    pem = authority.issue("localhost")
    (tmp_path / "server.pem").write_bytes(pem.certificate + pem.key)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context, tmp_path / "ca.pem"


def entra(request: RawRequest) -> RawAnswer:
    """Entra's endpoints: what the tenant's OpenID configuration names, and tokens for the right secret alone."""
    if request.path.endswith("/openid-configuration"):
        return json_answer({"issuer": "x", "token_endpoint": "x", "authorization_endpoint": "x"})
    form = request.form
    if form.get("client_secret") != "right-secret-123":
        told = {"error": "invalid_client", "error_description": f"AADSTS7000215: wrong: {form.get('client_secret')}"}
        return json_answer(told, 401)
    return json_answer({"token_type": "Bearer", "expires_in": 3599, "access_token": f"entra for {form['scope']}"})


def azure(server: Loopback, secret: str = "right-secret-123") -> dict[str, Any]:
    application = {"tenant_id": "tenant", "client_id": "app", "client_secret": secret}
    return {"kind": "azure_entra", "authority": server.url, **application}


async def test_entra_gives_an_application_its_token_for_the_scope(authority: tuple[ssl.SSLContext, Path]) -> None:
    tls, ca_file = authority
    async with (
        Loopback(entra, tls) as server,
        signing_on(azure(server), ca_file=ca_file) as sign_on,
    ):
        headers = [await sign_on.headers(URL, b"{}") for _ in range(3)]
        tokens = [request for request in server.requests if request.path.endswith("/oauth2/v2.0/token")]
    assert headers == [{"authorization": "Bearer entra for https://cognitiveservices.azure.com/.default"}] * 3
    assert [request.form["grant_type"] for request in tokens] == ["client_credentials"]
    assert list(sign_on.secrets()) == ["entra for https://cognitiveservices.azure.com/.default"]


async def test_a_refusal_of_entra_says_its_code_and_nothing_of_the_secret(
    authority: tuple[ssl.SSLContext, Path],
) -> None:
    tls, ca_file = authority
    async with Loopback(entra, tls) as server, signing_on(azure(server, "wrong-secret-1"), ca_file=ca_file) as sign_on:
        with pytest.raises(UpstreamCredentialsRefused) as caught:
            await sign_on.headers(URL, b"{}")
    assert str(caught.value) == "azure_entra: no token: ClientAuthenticationError (AADSTS7000215)"


def google(request: RawRequest) -> RawAnswer:
    """Google's token endpoint: an access token for an assertion that the key signed."""
    form = request.form
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(form["assertion"], KEY.public_key(), ["RS256"], options={"verify_aud": False})
    if claims["iss"] != "desk@project.iam.gserviceaccount.com":
        return json_answer({"error": "invalid_grant", "error_description": f"not {claims['iss']}"}, 400)
    return json_answer({"access_token": f"google for {claims['scope']}", "expires_in": 3600, "token_type": "Bearer"})


def service_account(folder: Path, server: Loopback, email: str = "desk@project.iam.gserviceaccount.com") -> Path:
    pem = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": email,
        "client_id": "1",
        "token_uri": f"{server.url}/token",
    }
    path = folder / "account.json"
    path.write_text(json.dumps(account))
    return path


async def test_google_gives_a_service_account_its_token_and_names_the_quota_project(tmp_path: Path) -> None:
    async with Loopback(google) as server:
        file = str(service_account(tmp_path, server))
        async with signing_on({"kind": "google_adc", "credentials_file": file, "quota_project": "paying"}) as sign_on:
            headers = [await sign_on.headers(URL, b"{}") for _ in range(3)]
    assert (
        headers
        == [
            {
                "authorization": "Bearer google for https://www.googleapis.com/auth/cloud-platform",
                "x-goog-user-project": "paying",
            }
        ]
        * 3
    )
    assert len(server.requests) == 1


async def test_the_default_credentials_are_those_that_the_machine_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Loopback(google) as server:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path, server)))
        async with signing_on({"kind": "google_adc"}) as sign_on:
            assert (await sign_on.headers(URL, b"{}"))["authorization"].startswith("Bearer google for ")


async def test_a_refusal_of_google_says_its_code_alone(tmp_path: Path) -> None:
    async with Loopback(google) as server:
        file = str(service_account(tmp_path, server, "other@project.iam.gserviceaccount.com"))
        async with signing_on({"kind": "google_adc", "credentials_file": file}) as sign_on:
            with pytest.raises(UpstreamCredentialsRefused) as caught:
                await sign_on.headers(URL, b"{}")
    assert str(caught.value) == "google_adc: no token: RefreshError (invalid_grant)"


def sts(expires: Callable[[], datetime]) -> Callable[[RawRequest], RawAnswer]:
    """The token service: keys of a role for a signed request with the right external id."""

    def answer(request: RawRequest) -> RawAnswer:
        verify(request, {"AKIAOWN": "own-secret-key-1"}, "us-east-1", "sts")
        form = request.form
        if form.get("ExternalId") != "agreed":
            error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no own-secret-key-1</Message></Error>"
            body = f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
            return RawAnswer(403, body.encode(), "text/xml")
        keys = (
            f"<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret-key-1</SecretAccessKey>"
            f"<SessionToken>role/session+token=</SessionToken>"
            f"<Expiration>{expires().isoformat()}</Expiration>"
        )
        body = (
            f"<AssumeRoleResponse><AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
            "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"
        )
        return RawAnswer(200, body.encode(), "text/xml")

    return answer


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def role(server: Loopback, **settings: Any) -> dict[str, Any]:
    keys = {"access_key_id": "AKIAOWN", "secret_access_key": "own-secret-key-1"}
    arn = {"role_arn": "arn:aws:iam::123456789012:role/desk", "sts_url": server.url}
    return {"kind": "aws_sigv4", "region": "us-east-1", **keys, **arn, **settings}


def signed(headers: Any, body: bytes, path: str = "/v1/chat/completions") -> RawRequest:
    named = {"content-type": "application/json", "host": "upstream.test", **headers}
    return RawRequest("POST", path, named, body)


async def test_a_signature_holds_for_the_exact_bytes_and_the_address() -> None:
    keys = {"access_key_id": "AKIAOWN", "secret_access_key": "own-secret-key-1"}
    async with signing_on({"kind": "aws_sigv4", "region": "eu-west-1", **keys}) as sign_on:
        headers = await sign_on.headers(URL, b'{"a": 1}')
        secrets = {"AKIAOWN": "own-secret-key-1"}
        verify(signed(headers, b'{"a": 1}'), secrets, "eu-west-1", "bedrock")
        for forged in (signed(headers, b'{"a": 2}'), signed(headers, b'{"a": 1}', "/v1/other")):
            with pytest.raises(AssertionError):
                verify(forged, secrets, "eu-west-1", "bedrock")
    assert sorted(sign_on.secrets()) == ["AKIAOWN", "own-secret-key-1"]


async def test_a_role_is_assumed_once_and_its_session_signs() -> None:
    async with Loopback(sts(in_an_hour)) as server, signing_on(role(server, external_id="agreed")) as sign_on:
        for _ in range(3):
            headers = await sign_on.headers(URL, b"{}")
    assert headers["x-amz-security-token"] == "role/session+token="
    verify(signed(headers, b"{}"), {"ASIAROLE": "role-secret-key-1"}, "us-east-1", "bedrock")
    assert len(server.requests) == 1
    assert server.requests[0].form["RoleSessionName"] == "frontdesk"


async def test_a_role_that_is_refused_says_the_code_alone() -> None:
    async with Loopback(sts(in_an_hour)) as server, signing_on(role(server)) as sign_on:
        with pytest.raises(UpstreamCredentialsRefused) as caught:
            await sign_on.headers(URL, b"{}")
    assert str(caught.value) == "aws_sigv4: no credentials: AccessDenied"


async def test_the_machines_own_credentials_sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in AMBIENT:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text(
        "[team]\naws_access_key_id = AKIAFILE\naws_secret_access_key = file-secret-key\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with signing_on({"kind": "aws_sigv4", "region": "eu-west-1", "profile": "team"}) as sign_on:
        headers = await sign_on.headers(URL, b"{}")
        verify(signed(headers, b"{}"), {"AKIAFILE": "file-secret-key"}, "eu-west-1", "bedrock")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret-key")
    async with signing_on({"kind": "aws_sigv4", "region": "eu-west-1"}) as sign_on:
        headers = await sign_on.headers(URL, b"{}")
        verify(signed(headers, b"{}"), {"AKIAENV": "env-secret-key"}, "eu-west-1", "bedrock")


async def test_a_machine_without_credentials_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in AMBIENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with signing_on({"kind": "aws_sigv4", "region": "eu-west-1"}) as sign_on:
        with pytest.raises(UpstreamCredentialsRefused, match="no credentials"):
            await sign_on.headers(URL, b"{}")


async def test_a_file_that_holds_no_credentials_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "account.json").write_text('{"type": "nothing", "private_key": "secret"}')
    with pytest.raises(SignOnUnusable) as caught:
        async with signing_on({"kind": "google_adc", "credentials_file": str(tmp_path / "account.json")}):
            pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "sign_on", "told"),
    [
        ("azure.identity", {"kind": "azure_entra"}, "needs azure-identity: pip install '.[azure]' in a checkout"),
        ("google.auth", {"kind": "google_adc"}, "needs google-auth: pip install '.[google]' in a checkout"),
        ("botocore", {"kind": "aws_sigv4", "region": "r"}, "needs botocore: pip install '.[aws]' in a checkout"),
    ],
)
async def test_a_package_that_is_missing_is_named_with_its_extra(
    module: str, sign_on: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "frontdesk_server.backends.signon."
    stale = (f"{module}.", f"{ours}azure_entra.", f"{ours}google_adc.", f"{ours}aws_sigv4.")
    for name in [name for name in sys.modules if f"{name}.".startswith(stale)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)  # what import takes for a missing one
    with pytest.raises(SignOnUnusable) as caught:
        async with signing_on(sign_on):
            pass
    assert str(caught.value) == told
