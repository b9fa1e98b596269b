"""Content blocks of Anthropic that are open: what of them the contract has no words for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from frontdesk_server.backends.json_reading import Json, given_value, piece
from frontdesk_server.domain.errors import UpstreamProtocolError

_EXPRESSED = {
    "text": frozenset(("type", "text")),
    "thinking": frozenset(("type", "thinking", "signature")),
    "redacted_thinking": frozenset(("type", "data")),
    "tool_use": frozenset(("type", "id", "name", "input")),
}
"""By the kinds of blocks which the contract knows, the members that it expresses."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(slots=True)
class OpenBlock:
    """One block; `given` is what it began with, and what has come since of it beside what the contract expresses."""

    given: Json
    _input: list[str] = field(default_factory=list)

    @property
    def foreign(self) -> bool:
        """Whether only Anthropic understands the block."""
        return self.given.get("type") not in _EXPRESSED

    def add(self, delta: Json) -> None:
        """Take a delta that is not a part's text, reasoning or arguments."""
        match delta.get("type"):
            case "citations_delta":
                cited = self.given.get("citations") or []
                self.given["citations"] = [*cited, delta["citation"]]
            case "input_json_delta":
                self._input.append(piece(delta["partial_json"]))
            case _:
                for name, value in delta.items():
                    before = self.given.get(name)
                    if name != "type":
                        joined = isinstance(before, str) and isinstance(value, str)
                        self.given[name] = before + value if joined else value

    def state(self) -> Json:
        """What a block that the contract knows holds beyond what it expresses."""
        expressed = _EXPRESSED[self.given["type"]]
        return {name: value for name, value in self.given.items() if name not in expressed and value not in _EMPTY}

    def whole(self) -> Json:
        """The block as a unary response would have it."""
        if not (text := "".join(self._input)):
            return self.given
        try:
            return {**self.given, "input": given_value(text)}
        except ValueError as error:
            raise UpstreamProtocolError("the input of a provider's own tool ends in its middle") from error
