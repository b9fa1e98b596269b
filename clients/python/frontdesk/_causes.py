"""Why there is no connection, in words: gRPC's own tell what failed, not what it means. All clients say the same."""

from __future__ import annotations

import re

_CAUSES = (
    (
        re.compile(r"CERTIFICATE_VERIFY_FAILED|Peer name .* is not in peer certificate"),
        "the server's certificate is not trusted",
    ),
    (
        re.compile(r"WRONG_VERSION_NUMBER|SSL_ERROR_SYSCALL|Ssl handshake failed"),
        "the server does not speak TLS as asked",
    ),
    (re.compile(r"Connection refused|No such file or directory"), "nobody listens there"),
    (re.compile(r"http1\.x server"), "the server speaks HTTP there, and gRPC on another port"),
    (
        re.compile(r"DNS resolution failed|Could not contact DNS|address lookup|Name or service not known"),
        "there is no such name",
    ),
)
_CLOSED = re.compile(r"Socket closed|Connection reset|Broken pipe|FD Shutdown|Connection dropped|recvmsg")
_CLOSED_PLAIN = "the server closes connections in plain text: it may want TLS"


def in_words(details: str, *, encrypted: bool) -> str:
    """The details of UNAVAILABLE that gRPC itself made, after their cause where it is known."""
    for pattern, cause in _CAUSES:
        if pattern.search(details):
            return f"{cause} ({details})"
    if not encrypted and _CLOSED.search(details):
        return f"{_CLOSED_PLAIN} ({details})"
    return details
