"""Headers as the gateway tells them, and how they are to be changed."""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk_server.rpc.ext_proc import gateway_pb2 as pb

Headers = Iterable[tuple[str, str]]

OWN = "x-frontdesk-"
"""Headers that begin so are between the caller and Frontdesk: no upstream sees a caller's."""
MODEL, DECISION, FAILURE = "x-frontdesk-model", "x-frontdesk-decision-id", "x-frontdesk-failure"
SAID_BY_US = frozenset({MODEL, DECISION, FAILURE})

_LONGEST_VALUE = 4096
_OVERWRITE = pb.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD


def read_headers(headers: pb.HttpHeaders) -> dict[str, str]:
    """Headers by their names in small letters; of one that comes several times all values, joined by commas."""
    read: dict[str, str] = {}
    for header in headers.headers.headers:
        value = header.raw_value.decode("latin-1") if header.raw_value else header.value
        name = header.key.lower()
        read[name] = f"{read[name]}, {value}" if name in read else value
    return read


def mutation(headers: Headers = (), remove: Iterable[str] = ()) -> pb.HeaderMutation:
    """Set headers, whatever they were, and take others off."""
    return pb.HeaderMutation(
        set_headers=[
            pb.HeaderValueOption(header=pb.HeaderValue(key=name, raw_value=_value(value)), append_action=_OVERWRITE)
            for name, value in headers
        ],
        remove_headers=remove,
    )


def _value(value: str) -> bytes:
    """What a header can hold: printable ASCII, of bounded length."""
    fitting = value if value.isascii() and value.isprintable() else ascii(value)[1:-1]
    return fitting[:_LONGEST_VALUE].encode("ascii")
