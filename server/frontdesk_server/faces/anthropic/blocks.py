"""Content blocks in the contract's words; what it has none for goes as a block of the dialect."""

from __future__ import annotations

from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.reading import Fields, Json, add_option, add_state, block_of, from_base64, json_of
from frontdesk_server.faces.vocabulary import PDF, UNTOLD_IMAGE

DIALECT = "anthropic"

_LIFE_SECONDS = {"5m": 300, "1h": 3600}
_PLAIN_TEXT = "text/plain"


def content_part(fields: Fields, whole: Json, *, answered: bool) -> pb.ContentPart:
    """One block; what an assistant's holds beyond the contract's words is what Anthropic wants back with it."""
    kind = fields.required_text("type")
    part = _worded(kind, fields)
    if part is None:
        return pb.ContentPart(provider_block=block_of(DIALECT, whole))
    read_cache_hint(part, fields)
    keep = add_state if answered else add_option
    keep(part, DIALECT, fields.rest())
    return part


def _worded(kind: str, fields: Fields) -> pb.ContentPart | None:
    match kind:
        case "text":
            return pb.ContentPart(text=fields.required_text("text"))
        case "tool_use":
            called = pb.ToolCall(id=fields.text("id"), name=fields.text("name"), arguments_json=_input(fields))
            return pb.ContentPart(tool_call=called)
        case "tool_result":
            return pb.ContentPart(tool_result=_result(fields))
        case "image":
            return _media(fields, UNTOLD_IMAGE)
        case "document":
            return _media(fields, PDF)
    return None


def _input(fields: Fields) -> str:
    value = fields.any("input")
    return json_of({} if value is None else value)


def _result(fields: Fields) -> pb.ToolResult:
    result = pb.ToolResult(tool_call_id=fields.text("tool_use_id"), is_error=bool(fields.flag("is_error")))
    content = fields.any("content")
    if isinstance(content, str):
        result.content = content
    elif isinstance(content, list):
        for index, item in enumerate(content):
            result.parts.append(_result_part(item, fields.part(item, f"content[{index}]")))
    elif content is not None:
        fields.wrong("content", "is neither a string nor a list of blocks")
    return result


def _result_part(item: Any, fields: Fields) -> pb.ToolResultPart:
    kind = fields.text("type")
    part = _worded(kind, fields) if kind in ("text", "image", "document") else None
    if part is None or fields.rest():
        return pb.ToolResultPart(provider_block=block_of(DIALECT, item if isinstance(item, dict) else {}))
    return pb.ToolResultPart(media=part.media) if part.HasField("media") else pb.ToolResultPart(text=part.text)


def _media(fields: Fields, untold: str) -> pb.ContentPart | None:
    """A medium by its source; of a source that only Anthropic knows, such as an uploaded file, none."""
    source = fields.left.get("source")
    if not isinstance(source, dict) or source.get("type") not in ("base64", "url", "text"):
        return None
    members = fields.members("source")
    assert members is not None  # noqa: S101 - it is an object
    media = pb.Media(mime_type=members.text("media_type") or untold)
    match members.text("type"):
        case "base64":
            data = from_base64(members.text("data"))
            if data is None:
                members.wrong("data", "is no data in base 64")
            media.data = data or b""
        case "url":
            media.uri = members.text("url")
        case "text":
            media.mime_type, media.data = _PLAIN_TEXT, members.text("data").encode()
    media.filename = fields.text("title")
    return pb.ContentPart(media=media)


def read_cache_hint(holder: pb.ContentPart | pb.Tool, fields: Fields) -> None:
    """Take `cache_control`, as far as the contract says the same."""
    match fields.left.get("cache_control"):
        case {"type": "ephemeral", "ttl": ("5m" | "1h") as life, **other} if not other:
            holder.cache_hint.ttl.seconds = _LIFE_SECONDS[life]
        case {"type": "ephemeral", **other} if not other:
            holder.cache_hint.SetInParent()
        case _:
            return
    fields.any("cache_control")
