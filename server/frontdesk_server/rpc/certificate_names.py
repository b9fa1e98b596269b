"""Names in certificates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

_REMEMBERED = 1024


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
