"""Tool calls that arrive in pieces: which call a piece belongs to, and whether a call is whole at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.events import ToolCallDelta
from frontdesk_server.domain.usage import FinishReason

_NO_IDS = ("", "null", "None")
_CUT = (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
"""Ends which may leave a call in its middle."""


@dataclass(slots=True)
class _OpenToolCall:
    """A call that is being streamed; held back until its name is known.

    `default` are its arguments if no piece brings any; `named_again`: a later piece has repeated its name.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    default: str = "{}"
    named_again: bool = False


class OpenToolCalls:
    """The tool calls of one answer.

    A piece belongs to the call at its index, whatever its id; without an index, to the call of its id, else to the one
    at its position. Some servers number every call alike: there a name starts a new call, if it is another than before,
    or if the arguments before it are whole and the id is another, or another object begins. An id that an earlier call
    of the answer has is replaced: results are told apart by it.
    """

    def __init__(self) -> None:
        self._calls: list[_OpenToolCall] = []
        self._at: dict[int, _OpenToolCall] = {}
        self._ids: set[str] = set()

    def __bool__(self) -> bool:
        return any(call.name for call in self._calls)

    def __contains__(self, index: int) -> bool:
        return index in self._at

    def number(self, index: int) -> int | None:
        """The number, in the answer, of the call at an index; None where there is none."""
        call = self._at.get(index)
        return None if call is None else call.index

    def start(self, index: int) -> None:
        """Let the next piece at an index start a call, as where an API marks the beginning itself."""
        self._at.pop(index, None)

    def add(
        self, index: int | None, position: int, given_id: str, name: str, arguments: str, default: str = "{}"
    ) -> ToolCallDelta | None:
        """What a piece adds to the answer: nothing while its call has no name."""
        id_ = "" if given_id in _NO_IDS else given_id
        place = position if index is None else index
        call = self._at.get(place)
        if index is None and id_ and not name:
            call = next((known for known in reversed(self._calls) if known.id == id_), call)
        if call is not None and call.name and self._starts_another(call, id_, name, arguments):
            name, call = name or call.name, None
        if call is None:
            call = self._at[place] = _OpenToolCall(len(self._calls), default=default)
            self._calls.append(call)
        call.id = call.id or id_
        call.arguments.append(arguments)
        if call.name:
            return ToolCallDelta(call.index, arguments_json=arguments) if arguments else None
        call.name = name
        if not name:
            return None
        shown_id = call.id if call.id and call.id not in self._ids else f"call_{secrets.token_hex(12)}"
        self._ids.add(shown_id)
        return ToolCallDelta(call.index, shown_id, name, "".join(call.arguments))

    def missing_arguments(self, index: int | None = None) -> Iterator[ToolCallDelta]:
        """The arguments of calls that came without any: of the one at an index that is over, or of all at the end."""
        for call in self._calls:
            over = index is None or call is self._at.get(index)
            if over and call.name and not "".join(call.arguments).strip():
                call.arguments.append(call.default)
                yield ToolCallDelta(call.index, arguments_json=call.default)

    def ended(self, reason: FinishReason, *, shown: bool) -> FinishReason:
        """The reason for which an answer ended, as its tool calls show it; `shown`: it holds anything at all.

        Raises:
            UpstreamProtocolError: no limit cut the answer, but a call has no name or arguments that end in their
                middle, or the calls for which it ended are missing.

        """
        if reason in _CUT:
            return reason
        for call in self._calls:
            arguments = "".join(call.arguments)
            if not call.name and (call.id or arguments):
                raise UpstreamProtocolError("a tool call has no name")
            if arguments_cut(arguments):
                raise UpstreamProtocolError("the arguments of a tool call end in their middle")
        if self:
            return FinishReason.TOOL_CALLS  # OpenAI itself says `stop` when one tool is demanded
        if reason is not FinishReason.TOOL_CALLS:
            return reason
        if not shown:
            raise UpstreamProtocolError("the tool calls for which the answer ended are missing")
        return FinishReason.OTHER

    @staticmethod
    def _starts_another(call: _OpenToolCall, id: str, name: str, arguments: str) -> bool:
        if name not in ("", call.name):
            return True
        call.named_again = call.named_again or bool(name)
        other_id = bool(name and id and call.id and id != call.id)
        other_object = call.named_again and arguments.lstrip().startswith("{")
        return (other_id or other_object) and _is_json("".join(call.arguments))


def arguments_cut(arguments: str) -> bool:
    """Whether JSON ends within a string, an array or an object. What is otherwise no JSON is the LLM's own word."""
    if not arguments or arguments.isspace() or _is_json(arguments):
        return False
    depth, in_string, escaped = 0, False, False
    for character in arguments:
        if escaped:
            escaped = False
        elif in_string:
            escaped = character == "\\"
            in_string = character != '"'
        elif character == '"':
            in_string = True
        else:
            depth += (character in "{[") - (character in "}]")
    return in_string or depth > 0


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
