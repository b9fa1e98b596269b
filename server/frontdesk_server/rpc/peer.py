"""The names in a peer's certificate.

They are read from the certificate itself: gRPC for Python cuts the names that it tells at a NUL, so that a certificate
for `billing`, a NUL and `.example.org` would be one for `billing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import grpc
from cryptography import x509
from cryptography.x509.oid import NameOID

_REMEMBERED = 1024
_PEM = "x509_pem_cert"


def peer_names(context: grpc.aio.ServicerContext[Any, Any]) -> tuple[str, ...]:
    """Names in the certificate that the peer has proven to hold; none without one."""
    return tuple(name for pem in context.auth_context().get(_PEM, ()) for name in certificate_names(pem))


@lru_cache(_REMEMBERED)
def certificate_names(pem: bytes) -> tuple[str, ...]:
    """Its subject alternative names, or the common name where it has none.

    Names that hold a NUL or anything else that cannot be printed are left out, and a certificate which cannot be read
    has none: both name nobody.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = tuple(_alternative_names(certificate)) or tuple(_common_name(certificate))
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
    return tuple(name for name in names if name.isprintable())


def _alternative_names(certificate: x509.Certificate) -> Iterator[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in names:
        if isinstance(name, x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name | x509.IPAddress):
            yield str(name.value)


def _common_name(certificate: x509.Certificate) -> Iterator[str]:
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[:1]:
        if isinstance(attribute.value, str):
            yield attribute.value
