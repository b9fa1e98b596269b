"""What of an answer a dialect has no words for, and its provider wants back: carried through the client as it is.

In OpenAI's messages it is the member `frontdesk`, in Anthropic's and Responses' an opaque text that their clients give
back with the conversation.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

import orjson
from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.domain.provider import ProviderBlock, ProviderState
from frontdesk_server.domain.query import ContentPart, ProviderPart, ReasoningPart, ToolCall
from frontdesk_server.faces.reading import Fields, from_base64

MEMBER = "frontdesk"
_SEAL = "frontdesk:"


def carried_state(states: Iterable[ProviderState]) -> list[dict[str, str]]:
    """States as JSON."""
    return [{"dialect": one.dialect, "json": one.json} for one in states]


def carried_reasoning(part: ReasoningPart) -> dict[str, Any]:
    """Reasoning as JSON."""
    whole = {
        "text": part.text,
        "signature": part.signature,
        "redacted_data": part.redacted_data,
        "dialect": part.dialect,
        "provider_state": carried_state(part.provider_state),
    }
    return {name: value for name, value in whole.items() if value}


def carried_block(block: ProviderBlock) -> dict[str, str]:
    """A block as JSON."""
    return {"dialect": block.dialect, "json": block.json}


def read_states(holder: pb.Message | pb.ContentPart, fields: Fields) -> None:
    """Take back `provider_state`."""
    for one in fields.objects("provider_state"):
        holder.provider_state.add(dialect=one.text("dialect"), json=one.text("json"))


def read_reasoning(fields: Fields) -> pb.ContentPart:
    """Take reasoning back."""
    part = pb.ContentPart()
    part.reasoning.text = fields.text("text")
    part.reasoning.signature = fields.text("signature")
    part.reasoning.redacted_data = fields.text("redacted_data")
    part.reasoning.dialect = fields.text("dialect")
    read_states(part, fields)
    return part


def read_block(fields: Fields) -> pb.ContentPart:
    """Take a block back."""
    block = pb.ProviderBlock(dialect=fields.text("dialect"), json=fields.text("json"))
    return pb.ContentPart(provider_block=block)


def sealed(value: dict[str, Any]) -> str:
    """A value as an opaque text."""
    return _SEAL + b64encode(orjson.dumps(value)).decode()


def unsealed(text: str) -> dict[str, Any] | None:
    """The value of an opaque text; None of one that is not ours."""
    if not text.startswith(_SEAL):
        return None
    raw = from_base64(text[len(_SEAL) :])
    try:
        value = None if raw is None else orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


class Foreign:
    """What of an answer a dialect's items have no words for; `own` names what it has words for."""

    def __init__(self, own: str = "") -> None:
        self.whole: dict[str, Any] = {}
        self._own = own

    def add(self, part: ContentPart) -> None:
        """Keep what a part holds of it."""
        states = [state for state in part.provider_state if state.dialect != self._own]
        if isinstance(part, ProviderPart) and part.block.dialect != self._own:
            self.whole.setdefault("blocks", []).append(carried_block(part.block))
        elif isinstance(part, ReasoningPart) and part.redacted_data and part.dialect != self._own:
            self.whole.setdefault("reasoning", []).append(carried_reasoning(part))
        elif isinstance(part, ToolCall) and states:
            self.whole.setdefault("calls", {})[part.id] = carried_state(states)
        elif not isinstance(part, ReasoningPart):
            self.add_states(states)

    def add_states(self, states: Iterable[ProviderState]) -> None:
        """Keep what a provider wants back with the message, unless it says no more than where its words stood."""
        if telling := [state for state in states if any(orjson.loads(state.json).values())]:
            self.whole.setdefault("provider_state", []).extend(carried_state(telling))


def read_foreign(message: pb.Message, whole: Fields) -> list[pb.ContentPart]:
    """Take it back: the parts that stand in its place; states go to the message and to its calls."""
    parts = [read_reasoning(one) for one in whole.objects("reasoning")]
    parts += [read_block(one) for one in whole.objects("blocks")]
    read_states(message, whole)
    calls = whole.members("calls")
    for part in message.parts if calls is not None else ():
        if part.HasField("tool_call") and calls is not None and part.tool_call.id in calls.left:
            read_states(part, calls.part({"provider_state": calls.any(part.tool_call.id)}, part.tool_call.id))
    return parts
