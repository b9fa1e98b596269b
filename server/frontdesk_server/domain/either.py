"""A value, or another where there is none."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


def either(first: Value | None, second: Value) -> Value:
    """The first unless it is None, so that 0 and the empty text count."""
    return second if first is None else first
