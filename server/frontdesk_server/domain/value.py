"""Values: dataclasses of which no field changes once they are made.

A call makes dozens of them. The `__init__` of a frozen dataclass calls `object.__setattr__` for every field, and takes
2.7 times as long as a plain one: so the type checker holds them frozen, and nothing does at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

_Value = TypeVar("_Value")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[_Value]) -> type[_Value]:
    """A dataclass with slots, compared and hashed by its fields, frozen for the type checker."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
