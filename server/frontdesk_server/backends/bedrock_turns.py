"""A conversation as the messages of a Converse request of Amazon Bedrock."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from frontdesk_server.backends.alternation import alternating
from frontdesk_server.backends.bedrock_caching import cache_points, is_cache_point
from frontdesk_server.backends.extensions import answered_block, demanded_block, extended, given_back
from frontdesk_server.backends.json_reading import given_value
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import fitting_tool_name
from frontdesk_server.domain.provider import CacheHint
from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    Message,
    ProviderPart,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

_SILENCE: Json = {"text": "(no text)"}
"""What stands where the API demands something: first, after the assistant, and beside documents."""
_FAILED: Json = {"text": "The tool failed."}
_NOTHING: Json = {"text": "(no result)"}
_INVALID_JSON = "INVALID_JSON"
"""The key under which broken arguments of a tool call go back, as the API takes objects only."""
_FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/mpeg": "mpeg",
}
_UNFIT_IN_DOCUMENT_NAME = re.compile(r"[^A-Za-z0-9\-()\[\]]+")
_LONGEST_DOCUMENT_NAME = 190


class Turns:
    """Builds the messages of one request; documents get a name each, as the API demands."""

    def __init__(self, call: BackendCall) -> None:
        self._call = call
        self._names: set[str] = set()

    def of(self, history: Sequence[Message]) -> list[Json]:
        """Turns of user and assistant by turns, the user's first, and last unless the answer continues another.

        What says nothing is left out.
        """
        messages = (message for message in history if message.role is not Role.SYSTEM)
        turns = alternating(map(self._turn, messages), _is_thought, _SILENCE, self._call)
        for turn in turns:
            if any("document" in block for block in turn["content"]) and not any("text" in b for b in turn["content"]):
                turn["content"].append(_SILENCE)  # a document alone is refused
        return turns

    def system(self, history: Sequence[Message]) -> list[Json]:
        """The system prompt."""
        messages = (message for message in history if message.role is Role.SYSTEM)
        return [block for message in messages for block in self._blocks(message)]

    def _turn(self, message: Message) -> Json:
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        return extended({"role": role, "content": self._blocks(message)}, message.provider_options, self._call)

    def _blocks(self, message: Message) -> list[Json]:
        blocks: list[Json] = []
        for part in message.parts:
            if (block := self._part(part, message.role)) is not None:
                blocks.append(block)
                if not _is_thought(block):
                    blocks += cache_points(part.cache_hint, self._call)
        self._end_cache(blocks, message.cache_hint)
        unsaid = ("toolResult" in block or is_cache_point(block) for block in blocks)
        said = next((place for place, other in enumerate(unsaid) if not other), None)
        if message.name and said is not None:  # the API has no field for it
            blocks.insert(said, {"text": f"{message.name}:"})
        return blocks

    def _end_cache(self, blocks: list[Json], hint: CacheHint | None) -> None:
        """A point behind the last block that may have one, unless one stands there."""
        place = len(blocks)
        while place and _is_thought(blocks[place - 1]):
            place -= 1
        if place and not is_cache_point(blocks[place - 1]):
            blocks[place:place] = cache_points(hint, self._call)

    def _part(self, part: ContentPart, role: Role) -> Json | None:
        """The block of a part with what belongs to it; what another provider answered or signed is left out."""
        if isinstance(part, ProviderPart) and role is Role.ASSISTANT:
            block = answered_block(part.block, self._call)
        elif isinstance(part, ReasoningPart) and part.dialect not in ("", self._call.provider):
            return None
        else:
            block = self._block(part)
        if block is None:
            return None
        block = given_back(extended(block, part.provider_options, self._call), part.provider_state, self._call)
        if "citationsContent" in block:
            block.pop("text", None)  # which it holds
        return block

    def _block(self, part: ContentPart) -> Json | None:
        match part:
            case ProviderPart(block):
                return demanded_block(block, self._call)
            case TextPart(text=text):
                return {"text": text} if text.strip() else None  # the API refuses blank blocks
            case MediaPart():
                return self._media(part)
            case ToolCall(id, name, arguments_json):
                called = {"toolUseId": id, "name": fitting_tool_name(name), "input": _arguments(arguments_json)}
                return {"toolUse": called}
            case ToolResult():
                return self._tool_result(part)
            case ReasoningPart(redacted_data=str(data)) if data:
                return {"reasoningContent": {"redactedContent": data}}
            case ReasoningPart(text, signature) if signature:
                return {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
            case ReasoningPart():
                return None  # without a signature it is another provider's, or needs not go back

    def _tool_result(self, result: ToolResult) -> Json:
        pieces = ((part, self._block(part)) for part in result.parts)
        content = [extended(piece, p.provider_options, self._call) for p, piece in pieces if piece is not None]
        if not content and result.content.strip():
            content = [{"text": result.content}]
        block: Json = {"toolUseId": result.tool_call_id, "content": content}
        if result.is_error:
            block["status"] = "error"
        if not content:
            block["content"] = [_FAILED if result.is_error else _NOTHING]  # a result without content is refused
        return {"toolResult": block}

    def _media(self, part: MediaPart) -> Json:
        kind = part.mime_type.partition("/")[0]
        form = _FORMATS.get(part.mime_type)
        if form is None:
            raise UpstreamRequestRefused(f"the API does not take {part.mime_type}")
        source: Json = {"bytes": b64encode(part.data or b"").decode()}
        if part.data is None:
            source = {"s3Location": {"uri": part.uri}}
        if kind in ("image", "audio", "video"):
            return {kind: {"format": form, "source": source}}
        return {"document": {"format": form, "name": self._name(part.filename), "source": source}}

    def _name(self, filename: str) -> str:
        """A name of the API's characters that no other document of the request has."""
        stem = filename.rpartition(".")[0] or filename
        name = wanted = _UNFIT_IN_DOCUMENT_NAME.sub(" ", stem).strip()[:_LONGEST_DOCUMENT_NAME] or "document"
        number = 1
        while name in self._names:
            number += 1
            name = f"{wanted} ({number})"
        self._names.add(name)
        return name


def called_tools(history: Sequence[Message]) -> list[str]:
    """The names of all tools that the conversation speaks of."""
    calls = (part for message in history for part in message.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(fitting_tool_name(call.name) for call in calls))


def _arguments(arguments_json: str) -> Json:
    try:
        arguments = given_value(arguments_json or "{}")
    except ValueError:
        arguments = None
    return arguments if isinstance(arguments, dict) else {_INVALID_JSON: arguments_json}


def _is_thought(block: Json) -> bool:
    return "reasoningContent" in block
