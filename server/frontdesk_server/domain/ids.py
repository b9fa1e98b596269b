"""Decision ids: ULIDs, 26 characters of Crockford base 32 that sort by time."""

from __future__ import annotations

import os
import time
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


def new_decision_id() -> str:
    """A new ULID: 48 bits of milliseconds, 80 bits of randomness (github.com/ulid/spec)."""
    return _encode((time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big"))


def first_decision_id(instant: datetime) -> str:
    """The least id of this millisecond: every decision from then on sorts at or after it."""
    return _encode(int(instant.timestamp() * 1000) << 80)


def _encode(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -10, -10)])
