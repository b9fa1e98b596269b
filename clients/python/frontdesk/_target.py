"""Where a client calls, and what no server's address can be: gRPC itself would try another, or say little."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from typing import NamedTuple

DEFAULT_TARGET = "localhost:50051"

_RESOLVED = re.compile(r"(?:(dns|ipv4|ipv6):(?:///)?)?(.*)", re.DOTALL)
"""Scheme and addresses of a target. One that names a name server of its own keeps it, and is nobody's localhost."""
_URL = re.compile(r"(?:https?|grpcs?)://([^/?#]*)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_UNIX = ("unix:", "unix-abstract:")
_LAST_PORT = 65_535


class _Address(NamedTuple):
    """`port` is None where none is named."""

    host: str
    port: str | None


def target_of(target: str | None) -> str:
    """The target, or else that of FRONTDESK_ADDRESS, or else the default one.

    Raises:
        ValueError: it is none that gRPC would understand as meant.
    """
    found = target or os.environ.get("FRONTDESK_ADDRESS") or DEFAULT_TARGET
    if fault := _fault(found):
        raise ValueError(f"target: {found} {fault}")
    return found


def is_local(target: str) -> bool:
    """Whether the target is on this machine: a unix socket, `localhost`, or nothing but loopback addresses."""
    return target.startswith(_UNIX) or all(_is_loopback(address.host) for address in _addresses(target))


def _fault(target: str) -> str:
    if url := _URL.match(target):
        return f"is a URL; write {url[1]}"
    if target.startswith("/"):
        return f"is a path; write unix:{target}"
    if re.match("unix://[^/]", target):
        return f"names a host; write unix:{target.removeprefix('unix:/')}"
    addresses = [] if target.startswith(_UNIX) else _addresses(target)
    for host, port in addresses:
        if port is None and _is_loopback(host):
            return "names no port"
        if port is not None and not (port.isascii() and port.isdecimal() and 1 <= int(port) <= _LAST_PORT):
            return f"has port '{port}', which is not in 1 to {_LAST_PORT}"
    return ""


def _addresses(target: str) -> list[_Address]:
    scheme, addresses = _RESOLVED.fullmatch(target).groups()  # type: ignore[union-attr]  # it matches every text
    if scheme is None and _OTHER_SCHEME.match(target):
        return [_Address(target, None)]
    return [_address(one) for one in (addresses.split(",") if scheme in {"ipv4", "ipv6"} else [addresses])]


def _address(text: str) -> _Address:
    """Of host, host:port, [v6], [v6]:port or v6."""
    if text.startswith("["):
        host, _, behind = text[1:].partition("]")
        return _Address(host, behind.removeprefix(":") if behind else None)
    host, colon, port = text.partition(":")
    return _Address(host, port if colon else None) if text.count(":") < 2 else _Address(text, None)


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False
