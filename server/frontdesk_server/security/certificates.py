"""TLS credentials of the server; renewed certificates are picked up by the next handshake."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import structlog

from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.security.watched import WatchedFiles

if TYPE_CHECKING:
    from cryptography import x509

log = structlog.get_logger()


def server_credentials(loaded: LoadedConfig) -> grpc.ServerCredentials | None:
    """Credentials over the configured files; None when none are configured.

    Raises:
        ConfigError: the files cannot be read, or not be used together.
    """
    config = loaded.config.security.tls
    if config is None:
        return None
    authorities_file = () if config.client_ca is None else (loaded.folder / config.client_ca,)
    certificate_file, key_file = loaded.folder / config.certificate, loaded.folder / config.key
    files = WatchedFiles(certificate_file, key_file, *authorities_file)

    def check() -> None:
        pair = _pair_faults(loaded, certificate_file, key_file)
        if faults := [*pair, *_authority_faults(loaded, *authorities_file)]:
            raise ConfigError(loaded.source, faults)

    def current() -> grpc.ServerCertificateConfiguration:
        certificate, key, *authorities = files.read()
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities[0] if authorities else None)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        if not files.changed():
            return None
        try:
            check()
            return current()
        except (ConfigError, OSError) as error:  # renewal may be under way
            log.warning("certificates.kept", error=str(error))
            return None

    check()
    return grpc.dynamic_ssl_server_credentials(
        current(),
        renewed,  # type: ignore[arg-type]  # None says that nothing has changed, which the stubs do not know
        require_client_authentication=config.client_ca is not None,
    )


def tls_context(loaded: LoadedConfig) -> ssl.SSLContext | None:
    """The same for HTTP: every handshake is made with the files as they are then.

    Raises:
        ConfigError: the files cannot be read, or not be used together.
    """
    config = loaded.config.security.tls
    if config is None:
        return None
    authorities = () if config.client_ca is None else (loaded.folder / config.client_ca,)
    certificate, key = loaded.folder / config.certificate, loaded.folder / config.key
    if faults := [*_pair_faults(loaded, certificate, key), *_authority_faults(loaded, *authorities)]:
        raise ConfigError(loaded.source, faults)
    files = WatchedFiles(certificate, key, *authorities)
    context = _context(certificate, key, *authorities)

    def renew(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if not files.changed():
            return
        faults = [*_pair_faults(loaded, certificate, key), *_authority_faults(loaded, *authorities)]
        if faults:  # renewal may be under way
            log.warning("certificates.kept", error="; ".join(fault.message for fault in faults))
            return
        context.load_cert_chain(certificate, key, password=b"")
        connection.context = context

    context.sni_callback = renew
    return context


def _context(certificate: Path, key: Path, *authorities: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key, password=b"")
    for path in authorities:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(path)
    return context


# Of files that it cannot use gRPC says no more than that it cannot listen.


def _pair_faults(loaded: LoadedConfig, certificate: Path, key: Path) -> Iterator[ConfigFault]:
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=b"")  # without it a locked key would ask the terminal
    except ssl.SSLError as error:
        wrong = "no certificate and its key, unencrypted, in PEM"
        yield loaded.fault(("security", "tls"), f"{certificate} and {key} are {wrong} ({error.reason or 'unreadable'})")
    except OSError as error:
        yield loaded.fault(("security", "tls"), f"{certificate} and {key} cannot be read: {error.strerror}")
    else:
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        if fault := _not_now(leaf):
            yield loaded.fault(("security", "tls", "certificate"), f"{certificate} {fault}")


def _authority_faults(loaded: LoadedConfig, *authorities: Path) -> Iterator[ConfigFault]:
    from cryptography import x509

    for path in authorities:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
        except ssl.SSLError:
            yield loaded.fault(("security", "tls", "client_ca"), f"{path} holds no certificates in PEM")
        except OSError as error:
            yield loaded.fault(("security", "tls", "client_ca"), f"{path} cannot be read: {error.strerror}")
        else:
            if fault := _vouches_for_none(x509.load_pem_x509_certificates(path.read_bytes())):
                yield loaded.fault(("security", "tls", "client_ca"), f"{path} {fault}")


def _vouches_for_none(certificates: Sequence[x509.Certificate]) -> str:
    """Why callers' certificates cannot be verified by any of these; empty when they can."""
    authorities = [certificate for certificate in certificates if _is_authority(certificate)]
    if not authorities:
        return "holds no authority: none of its certificates may sign others"
    faults = [_not_now(authority) for authority in authorities]
    return faults[0] if all(faults) else ""


def _is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign others; certificates of version 1 do not say."""
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.version is x509.Version.v1


def _not_now(certificate: x509.Certificate) -> str:
    """That its time is over or has not come; empty while it is good."""
    now = datetime.now(UTC)
    if now >= certificate.not_valid_after_utc:
        return f"expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if now < certificate.not_valid_before_utc:
        return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return ""
