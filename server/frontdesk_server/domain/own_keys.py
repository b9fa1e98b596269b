"""A caller's own keys for providers: in the metadata of the call that they are for, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.domain.call import Call
from frontdesk_server.domain.errors import PermissionDenied

PREFIX = "x-frontdesk-provider-key-"
"""Metadata that begins so hold a key for the backend whose name follows; metadata know no capitals."""


class OwnKeys:
    """The keys that a call brings, by backend. Nothing of them shows in a representation."""

    __slots__ = ("_allowed", "_keys")

    def __init__(self, keys: Mapping[str, str], allowed: frozenset[str] = frozenset()) -> None:
        """`keys` by names in small letters, used for the backends that are `allowed` alone."""
        self._keys = keys
        self._allowed = allowed

    def of(self, backend: str) -> str:
        """The key for this backend; empty where the call brings none."""
        return self._keys.get(backend.lower(), "") if backend in self._allowed else ""


NO_OWN_KEYS = OwnKeys({})


def own_keys(call: Call) -> OwnKeys:
    """The keys that a call brings.

    Raises:
        PermissionDenied: the configuration does not let the caller bring one for that backend.
    """
    keys = {name.removeprefix(PREFIX): key for name, key in call.metadata.items() if name.startswith(PREFIX)}
    if not keys:
        return NO_OWN_KEYS
    allowed = {name.lower() for name in call.caller.own_keys}
    if denied := sorted(keys.keys() - allowed):
        raise PermissionDenied(f"{call.caller.name} may bring no key of its own for backend {denied[0]!r}")
    return OwnKeys(keys, call.caller.own_keys)
