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
from frontdesk_server.domain.query import ReasoningPart
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
