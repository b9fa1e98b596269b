"""Whose fault an error is: Redis takes nothing at the moment, or what it was asked cannot be done."""

from __future__ import annotations

import re

from redis.exceptions import DataError, RedisError, ResponseError

_CODE = re.compile(r"(?:^|: -)([A-Z]+) ")
"""At the beginning of what Redis says; of what befell a script before Redis 7 within it."""
_OF_WHAT_WAS_ASKED = frozenset({"", "ERR", "WRONGTYPE", "STALE"})


def is_gone(error: Exception) -> bool:
    """Whether Redis does not answer, or takes nothing at the moment: being read only, full, or busy."""
    if type(error) is ResponseError:  # every other class of it is of one code, and none of those is of what was asked
        found = _CODE.search(str(error))
        return (found[1] if found else "") not in _OF_WHAT_WAS_ASKED
    return isinstance(error, RedisError | OSError) and not isinstance(error, DataError)
