"""Calls in a chat message of tools that are no functions, such as OpenAI's custom tools: blocks of their provider.

Such a call has an id, and under the name of its own type what is called and with which input.
"""

from __future__ import annotations

from typing import Any

from frontdesk_server.backends.json_reading import Json, piece

_FUNCTION = "function"
_GROWING = "input"
"""What comes in pieces."""


def is_foreign_call(block: Json) -> bool:
    """Whether a block stands among the calls of a message, and not in what it says."""
    kind = block.get("type")
    return isinstance(kind, str) and isinstance(block.get(kind), dict) and isinstance(block.get("id"), str)


class ForeignCalls:
    """The calls of one answer that only its provider understands, in order."""

    def __init__(self) -> None:
        self._calls: dict[int, Json] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def takes(self, place: int, call: Json) -> bool:
        """Take a call, or a piece of one; False where it is a function's."""
        kind = call.get("type")
        begins = isinstance(kind, str) and kind != _FUNCTION and isinstance(call.get(kind), dict)
        if not begins and (place not in self._calls or _FUNCTION in call):
            return False
        whole = self._calls.setdefault(place, {})
        for name, value in call.items():
            known = whole.get(name)
            if isinstance(known, dict) and isinstance(value, dict):
                whole[name] = {**known, **value, _GROWING: piece(known.get(_GROWING)) + piece(value.get(_GROWING))}
            elif name != "index" and value is not None:
                whole[name] = value
        return True

    def blocks(self) -> list[dict[str, Any]]:
        """The whole calls."""
        return list(self._calls.values())
