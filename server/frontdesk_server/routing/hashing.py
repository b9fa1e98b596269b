"""Stable draws: the same key and salt fall into the same place, on every replica and after every restart."""

from __future__ import annotations

import hashlib

_BITS = 64


def stable_fraction(key: str, salt: str) -> float:
    """A number in [0, 1), evenly spread over keys; different salts are independent of each other."""
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=_BITS // 8, person=_person(salt)).digest()
    # 53 bits are what a float holds; more could round up to 1.
    return (int.from_bytes(digest, "big") >> (_BITS - 53)) / (1 << 53)


def _person(salt: str) -> bytes:
    return hashlib.blake2b(salt.encode("utf-8", "replace"), digest_size=16).digest()
