"""What both dialects' recordings share on their way into the contract."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from frontdesk.v1 import chat_pb2 as pb

Json = dict[str, Any]

EFFORTS = {
    "none": pb.REASONING_EFFORT_NONE,
    "minimal": pb.REASONING_EFFORT_MINIMAL,
    "low": pb.REASONING_EFFORT_LOW,
    "medium": pb.REASONING_EFFORT_MEDIUM,
    "high": pb.REASONING_EFFORT_HIGH,
    "xhigh": pb.REASONING_EFFORT_XHIGH,
    "max": pb.REASONING_EFFORT_MAX,
}
DETAILS = {"low": pb.IMAGE_DETAIL_LOW, "high": pb.IMAGE_DETAIL_HIGH, "auto": pb.IMAGE_DETAIL_AUTO}


def rest(holder: Json, taken: Container[str]) -> Json:
    """What of a JSON object is not taken yet, and says something."""
    return {name: value for name, value in holder.items() if name not in taken and value is not None}


def option(holder: pb.Query | pb.Message | pb.ContentPart | pb.Tool, dialect: str, values: Json) -> None:
    """Pass values through to the dialect at this place."""
    if values:
        holder.provider_options.add(dialect=dialect, options_json=json.dumps(values))


def state(holder: pb.Message | pb.ContentPart, dialect: str, values: Json) -> None:
    """Give back what the provider said beside what the contract has words for."""
    if values:
        holder.provider_state.add(dialect=dialect, json=json.dumps(values))


def media(mime_type: str, *, data: bytes | None = None, uri: str = "") -> pb.ContentPart:
    """A medium by its bytes or by its address."""
    if data is None:
        return pb.ContentPart(media=pb.Media(mime_type=mime_type, uri=uri))
    return pb.ContentPart(media=pb.Media(mime_type=mime_type, data=data))
