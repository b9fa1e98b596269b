"""The names that a configuration gives: people read them in decisions, logs and terminals, and callers write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

DEFAULT_ROUTER = "default"
"""The router of calls that name none."""
ROUTER_PREFIX = "frontdesk/"
"""Before the name of a router where it stands in the place of a model's."""


def a_name(name: str) -> str:
    """The name. Raises `ValueError` where nobody could read or write it."""
    if not name.strip():
        raise ValueError("is empty")
    if name != name.strip():
        raise ValueError("begins or ends with a blank")
    if not name.isprintable():
        raise ValueError("holds characters that cannot be shown")
    return name


Name = Annotated[str, AfterValidator(a_name)]
