"""Output items of the Responses API in the words of the contract, and what they hold beyond these words.

An item becomes one part, a message one part for each of its contents. What such a part does not say of its item is its
state: the item's members as they were, those of a message's content under `content`. An item of any other type is a
block that goes back whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk_server.backends.json_reading import Json


def spoken_text(text: str, *, refusal: bool) -> Json:
    """The content of a message."""
    if refusal:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": []}


def thought(text: str, sealed: str) -> Json:
    """An item of reasoning: what may be read of it, and all of it sealed."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    item: Json = {"type": "reasoning", "summary": summary}
    return {**item, "encrypted_content": sealed} if sealed else item


def called(call_id: str, name: str, arguments: str) -> Json:
    """An item that calls a function."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def beyond(item: Json, said: Mapping[str, Any]) -> Json:
    """The members of an item that the contract's words do not say."""
    return {name: value for name, value in item.items() if value is not None and said.get(name) != value}
