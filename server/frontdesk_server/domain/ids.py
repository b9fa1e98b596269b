"""Decision ids: ULIDs, 26 characters of Crockford base 32 that sort by time."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


def new_decision_id() -> str:
    """A new ULID: 48 bits of milliseconds, 80 bits of randomness (github.com/ulid/spec)."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(_PAIRS[(value >> shift) & 1023] for shift in range(120, -10, -10))
