"""The names in a peer's certificate."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from cryptography import x509
from frontdesk_server.rpc.certificate_names import certificate_names

from tests.certificates import Authority

AUTHORITY = Authority()
URI, DNS, EMAIL = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name


@pytest.mark.parametrize(
    ("common_name", "alternatives", "names"),
    [
        ("billing", (), ("billing",)),
        ("billing", (URI("spiffe://example.org/a"), DNS("a.example.org")), ("spiffe://example.org/a", "a.example.org")),
        ("billing", (x509.IPAddress(ip_address("127.0.0.1")),), ("127.0.0.1",)),
        ("billing", (EMAIL("a@example.org"),), ("a@example.org",)),
        ("billing", (x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),), ("billing",)),
        ("größe", (), ("größe",)),
        ("billing\0x", (), ()),
        ("billing\n", (), ()),
        ("billing\u200b", (), ()),
        ("billing", (URI("spiffe://example.org/billing\0evil"),), ()),
        ("billing", (DNS("billing\0.example.org"),), ()),
        ("billing", (EMAIL("billing\0@example.org"),), ()),
        ("billing", (DNS("a\0"), DNS("b")), ("b",)),
        ("billing\0x", (DNS("b"),), ("b",)),
    ],
)
def test_names_are_read_whole(
    common_name: str, alternatives: tuple[x509.GeneralName, ...], names: tuple[str, ...]
) -> None:
    assert certificate_names(AUTHORITY.issue_exactly(common_name, *alternatives).certificate) == names


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_cannot_be_read_names_nobody(pem: bytes) -> None:
    assert certificate_names(pem) == ()
