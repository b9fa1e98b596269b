"""A conversation as every API demands it: each turn with tool calls directly followed by the results of all of them.

Histories of callers come otherwise: a user speaks before a result is there, a call was never run, parallel calls stand
in messages of their own, ids repeat, and a fallback's provider accepts only ids and names of its own pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import count

from frontdesk_server.domain.query import ContentPart, Message, Role, TextPart, ToolCall, ToolResult

NO_RESULT = "The tool returned no result."
"""Stands for the result of a call that the conversation went past."""

_UNFIT_IN_TOOL_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_TOOL_NAME = 64


@dataclass(frozen=True, slots=True)
class IdRule:
    """Which ids of tool calls an API accepts, each once a conversation, and how long those are that replace others."""

    accepted: re.Pattern[str]
    length: int


@dataclass(slots=True)
class _Turn:
    """One assistant turn; `results` by the ids of its calls."""

    said: list[Message]
    parts: list[ContentPart]
    answered: list[Message] = field(default_factory=list)
    results: dict[str, list[ToolResult]] = field(default_factory=dict)

    def extend(self, message: Message) -> None:
        self.said.append(message)
        for part in message.parts:
            self.parts.append(part)
            if isinstance(part, ToolCall):
                self.results.setdefault(part.id, [])


_Asked = tuple[_Turn, ToolCall]


def sendable(messages: Sequence[Message], ids: IdRule | None) -> Sequence[Message]:
    """The conversation with results after their calls, and ids as the rule demands; without a rule they stay.

    Equal histories, and the beginnings they share, come out equal, so that providers' prompt caches hold.
    """
    if not any(isinstance(part, ToolCall | ToolResult) for message in messages for part in message.parts):
        return messages
    paired = _paired(messages)
    return paired if ids is None else _renamed(paired, ids)


def fitting_tool_name(name: str) -> str:
    """The name within the pattern of all APIs: a model may have called a tool that nobody offered it."""
    return _UNFIT_IN_TOOL_NAME.sub("_", name)[:_LONGEST_TOOL_NAME]


def _paired(messages: Sequence[Message]) -> list[Message]:
    """Results belong to the nearest preceding turn with a call of their id.

    Those of the latest turn move directly after it, one a call. A result that comes when the assistant has spoken
    again is told by the user; one that answers no call stays.
    """
    ordered: list[Message | _Turn] = []
    asked: dict[str, _Asked] = {}
    turn: _Turn | None = None
    before: Role | None = None
    for message in messages:
        if message.role is Role.ASSISTANT:
            calls = [part for part in message.parts if isinstance(part, ToolCall)]
            if turn is None or before is not Role.ASSISTANT or not (calls or turn.results):
                turn = _Turn([], [])
                ordered.append(turn)
            turn.extend(message)
            asked |= {call.id: (turn, call) for call in calls}
        elif message.role is Role.TOOL:
            ordered += _misplaced(message, asked, turn)
        else:
            ordered.append(message)
        before = message.role
    return [message for place, item in enumerate(ordered) for message in _told(item, last=place + 1 == len(ordered))]


def _misplaced(message: Message, asked: Mapping[str, _Asked], latest: _Turn | None) -> Iterable[Message]:
    """What stays in the place of a tool message once the latest turn has taken its results."""
    for part in message.parts:
        if not isinstance(part, ToolResult):
            yield Message(Role.USER, (part,))
            continue
        turn, call = asked.get(part.tool_call_id, (None, None))
        if turn is None or call is None:
            yield replace(message, parts=(part,))
        elif turn is latest:
            turn.results[part.tool_call_id].append(part)
            if message not in turn.answered[-1:]:
                turn.answered.append(message)
        else:
            told = f"The result of the earlier call of {call.name} {call.arguments_json}:\n{part.text}"
            yield Message(Role.USER, (TextPart(told), *part.media()))


def _told(item: Message | _Turn, *, last: bool) -> Iterable[Message]:
    if isinstance(item, Message):
        yield item
        return
    yield _carrying(item.said, Message(Role.ASSISTANT, tuple(item.parts), item.said[0].name))
    if item.results and not (last and not any(item.results.values())):
        results = tuple(_joined(call, results) for call, results in item.results.items())
        yield _carrying(item.answered, Message(Role.TOOL, results))


def _carrying(joined: Sequence[Message], message: Message) -> Message:
    """The message with all that the joined ones carry for providers; where the last one ends, a cache may end."""
    return replace(
        message,
        provider_options=tuple(options for one in joined for options in one.provider_options),
        provider_state=tuple(state for one in joined for state in one.provider_state),
        cache_hint=joined[-1].cache_hint if joined else None,
    )


def _joined(call_id: str, results: Sequence[ToolResult]) -> ToolResult:
    if not results:
        return ToolResult(call_id, NO_RESULT, is_error=True)
    if len(results) == 1:
        return results[0]
    failed = any(result.is_error for result in results)
    if any(result.parts for result in results):
        parts = (part for result in results for part in result.parts or (TextPart(result.content),))
        return ToolResult(call_id, "", failed, tuple(parts))
    return ToolResult(call_id, "\n".join(result.content for result in results), failed)


def _renamed(messages: Iterable[Message], rule: IdRule) -> list[Message]:
    """Ids replaced one to one where they are not accepted or were used before, in calls and their results alike."""
    renamed: list[Message] = []
    taken: set[str] = set()
    uses: dict[str, int] = {}
    sent: dict[str, str] = {}
    for message in messages:
        parts: list[ContentPart] = []
        if message.role is Role.ASSISTANT:
            sent = {}
        for part in message.parts:
            match part:
                case ToolCall(id):
                    sent[id] = _free_id(id, rule, taken, uses)
                    part = replace(part, id=sent[id])
                case ToolResult(id):
                    part = replace(part, tool_call_id=sent.get(id, id))
            parts.append(part)
        renamed.append(replace(message, parts=tuple(parts)))
    return renamed


def _free_id(wanted: str, rule: IdRule, taken: set[str], uses: dict[str, int]) -> str:
    first = uses.get(wanted, 0)
    if first == 0 and wanted not in taken and rule.accepted.fullmatch(wanted):
        free, use = wanted, 0
    else:
        made = (blake2b(f"{use} {wanted}".encode()).hexdigest()[: rule.length] for use in count(first))
        use, free = next((use, one) for use, one in enumerate(made, first) if one not in taken)
    uses[wanted] = use + 1
    taken.add(free)
    return free
