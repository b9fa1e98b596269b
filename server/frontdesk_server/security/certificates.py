"""TLS credentials of the server; renewed certificates are picked up by the next handshake."""

from __future__ import annotations

from pathlib import Path

import grpc

from frontdesk_server.config.security import TlsConfig
from frontdesk_server.security.watched import WatchedFiles


def server_credentials(config: TlsConfig, folder: Path) -> grpc.ServerCredentials:
    """Credentials over the configured files; relative paths start at `folder`.

    Raises:
        OSError: a file cannot be read.
    """
    names = [config.certificate, config.key, *([config.client_ca] if config.client_ca else ())]
    files = WatchedFiles(*(folder / name for name in names))

    def current() -> grpc.ServerCertificateConfiguration:
        certificate, key, *authorities = files.read()
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities[0] if authorities else None)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        if not files.changed():
            return None
        try:
            return current()
        except OSError:
            return None  # renewal is under way: the last certificate serves on

    return grpc.dynamic_ssl_server_credentials(
        current(),
        renewed,  # type: ignore[arg-type]  # None says that nothing has changed, which the stubs do not know
        require_client_authentication=config.client_ca is not None,
    )
