"""The names in a peer's certificate.

They are read from the certificate itself: gRPC for Python cuts the names that it tells at a NUL, so that a certificate
for `billing`, a NUL and `.example.org` would be one for `billing`.
"""

from __future__ import annotations

from typing import Any

import grpc

_PEM = "x509_pem_cert"


def peer_names(context: grpc.aio.ServicerContext[Any, Any]) -> tuple[str, ...]:
    """Names in the certificate that the peer has proven to hold; none without one."""
    shown = context.auth_context().get(_PEM, ())
    if not shown:
        return ()
    from frontdesk_server.rpc.certificate_names import certificate_names  # and cryptography, which most need not

    return tuple(name for pem in shown for name in certificate_names(pem))
