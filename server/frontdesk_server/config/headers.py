"""What can be sent as a header of HTTP, or be signed as a part of one.

What cannot would fail every call, and the fault would look the upstream's.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr, StringConstraints

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[^\t\x20-\x7e]")
_OF_THE_MESSAGE = frozenset(
    {
        *("connection", "expect", "te", "trailer", "transfer-encoding", "upgrade"),
        *("accept", "accept-encoding", "content-encoding", "content-length", "content-type"),
    }
)


def sendable(value: str) -> str:
    """The value. Raises `ValueError`, which does not repeat it, when it is no field value of RFC 9110 in ASCII."""
    if value.endswith(("\n", "\r")):
        raise ValueError("ends in a line end, which no header can hold")
    if (odd := _UNSENDABLE.search(value)) is not None:
        raise ValueError(f"holds U+{ord(odd.group()):04X}, which no header can")
    if value != value.strip():
        raise ValueError("begins or ends with white space, which no header can hold")
    return value


def _sendable_secret(secret: SecretStr) -> SecretStr:
    sendable(secret.get_secret_value())
    return secret


def _field_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("is no name of a header")
    if name.lower() in _OF_THE_MESSAGE:
        raise ValueError(f"{name} describes the message or its connection, which is not for the configuration to say")
    return name


HeaderName = Annotated[str, AfterValidator(_field_name)]
HeaderText = Annotated[str, AfterValidator(sendable)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_sendable_secret)]
GivenText = Annotated[HeaderText, StringConstraints(min_length=1)]
Segment = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$")]
"""What can be a part of a host, a path or a signature's scope as it is."""
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$")]
"""An identifier: ASCII without white space."""
