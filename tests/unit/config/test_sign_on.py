"""How backends sign on, as it is configured; faults have their places."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError

from tests.service import pool_config


def text_of(**backend: Any) -> str:
    config = pool_config("http://127.0.0.1:9")
    name = next(iter(config["backends"]))
    settings = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", **backend}
    return yaml.safe_dump({**config, "backends": {name: settings}})


KEYS = {"access_key_id": "AKIA", "secret_access_key": "s3cret"}
AWS = {"kind": "aws_sigv4", "region": "eu-west-1"}
TEMPORARY = {**AWS, **KEYS, "session_token": "s3cret"}
IN_ROLE = {**AWS, "role_arn": "arn:aws:iam::1:role/r", "external_id": "x"}
APPLICATION = {"kind": "azure_entra", "tenant_id": "t", "client_id": "c", "client_secret": "s3cret"}
ENDED, DIVIDED = ("s3cret\n", "s3cret\r\n", " s3cret"), ("two words", "tw\no", "ends\n", "")
SIGNED: tuple[tuple[dict[str, Any], dict[str, tuple[str, ...]]], ...] = (
    (TEMPORARY, {"secret_access_key": ENDED, "session_token": ENDED, "access_key_id": DIVIDED}),
    (TEMPORARY, {"region": DIVIDED, "service": DIVIDED}),
    (IN_ROLE, {"role_arn": DIVIDED, "external_id": DIVIDED, "role_session_name": DIVIDED}),
    ({**AWS}, {"profile": ("team\n", "")}),
    (APPLICATION, {"client_secret": ENDED, "tenant_id": DIVIDED, "client_id": DIVIDED, "scope": ("a\nb", "")}),
    ({"kind": "google_adc"}, {"quota_project": DIVIDED, "scope": ("a\n",)}),
)
"""Sign-ons, and values of their fields which no header or signature can hold."""


@pytest.mark.parametrize(
    "sign_on",
    [
        {"kind": "key", "key": "s3cret"},
        {"kind": "azure_entra"},
        {"kind": "azure_entra", "client_id": "identity"},
        {"kind": "azure_entra", "tenant_id": "t", "client_id": "c", "client_secret": "s3cret"},
        {"kind": "google_adc"},
        AWS,
        {**AWS, **KEYS, "session_token": "s3cret"},
        {**AWS, "profile": "team", "role_arn": "arn:aws:iam::1:role/r", "external_id": "x"},
    ],
    ids=str,
)
def test_sign_on_is_read_and_its_secrets_are_masked(sign_on: dict[str, Any]) -> None:
    loaded = parse_config(text_of(sign_on=sign_on), "frontdesk.yaml")
    assert "s3cret" not in repr(loaded)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"api_key": "s3cret", "sign_on": {"kind": "google_adc"}}, "give either api_key or sign_on"),
        ({"sign_on": {"kind": "aws_sigv4"}}, "sign_on needs a region here"),
        ({"sign_on": {**AWS, "access_key_id": "AKIA"}}, "access_key_id and secret_access_key come together"),
        ({"sign_on": {**AWS, **KEYS, "profile": "p"}}, "give either keys or a profile"),
        ({"sign_on": {**AWS, "session_token": "s3cret"}}, "session_token belongs to an access_key_id"),
        ({"sign_on": {**AWS, "external_id": "x"}}, "external_id belongs to a role_arn"),
        ({"sign_on": {"kind": "azure_entra", "client_secret": "s3cret"}}, "tenant_id and client_secret come together"),
        ({"sign_on": {"kind": "azure_entra", "authority": "http://login.test"}}, "an authority speaks https"),
        ({"sign_on": {"kind": "google_adc", "credentials_file": "/nowhere.json"}}, "credentials_file"),
        ({"sign_on": {"kind": "key", "key": "s3cret\n"}}, "ends in a line end"),
        ({"sign_on": {"kind": "ldap"}}, "sign_on"),
        *(
            ({"sign_on": {**sign_on, field: value}}, field)
            for sign_on, fields in SIGNED
            for field, values in fields.items()
            for value in values
        ),
    ],
    ids=repr,
)
def test_what_contradicts_itself_is_a_fault_with_its_place(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text_of(**settings), "frontdesk.yaml")
    (line,) = caught.value.lines()
    assert message in line
    assert line.startswith("frontdesk.yaml:")
    assert "backends." in line
    assert "s3cret" not in line
