"""What a message says, as the content of an OpenAI-compatible chat message."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from frontdesk_server.backends.extensions import answered_block, cache_control, demanded_block, extended, given_back
from frontdesk_server.backends.foreign_calls import is_foreign_call
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import fitting_tool_name
from frontdesk_server.domain.profile import Caching
from frontdesk_server.domain.provider import CacheHint
from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    Message,
    ProviderPart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from frontdesk_server.domain.value import value

Json = dict[str, Any]

_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


@value
class Contents:
    """Words for one API: plain text wherever it will do, for not every server takes parts."""

    call: BackendCall

    def of_message(self, message: Message) -> str | list[Json]:
        """What a user or the system says."""
        plain = all(isinstance(part, TextPart) and not self._stands_at(part) for part in message.parts)
        if plain and not self._hinted(message.cache_hint):
            return message.text
        return self._with_hint(self._items(message.parts), message.cache_hint)

    def of_assistant(self, message: Message, *, thinking: bool = False) -> str | list[Json]:
        """What the assistant says beside its calls and, where the API tells them apart, refusals.

        `thinking`: its reasoning stands in it, as Mistral's does.
        """
        kinds = TextPart | ProviderPart | ReasoningPart if thinking else TextPart | ProviderPart
        parts = [part for part in message.parts if isinstance(part, kinds)]
        parts = [p for p in parts if not isinstance(p, ProviderPart) or self._foreign_call(p) is None]
        if self.call.profile.refusals:
            parts = [part for part in parts if not (isinstance(part, TextPart) and part.refusal)]
        own = [p for p in parts if not isinstance(p, ProviderPart) or p.block.dialect == self.call.provider]
        if any(not isinstance(part, TextPart) or self._stands_at(part) for part in own):
            return self._with_hint(self._items(own), message.cache_hint)
        text = "".join(part.text for part in own if isinstance(part, TextPart))
        if text and self._hinted(message.cache_hint):
            return self._with_hint([{"type": "text", "text": text}], message.cache_hint)
        return text

    def of_result(self, result: ToolResult) -> str | list[Json]:
        """What a tool returned; the API has no other word for an error."""
        plain = all(isinstance(part, TextPart) and not self._stands_at(part) for part in result.parts)
        if plain and not self._hinted(result.cache_hint):
            return f"Error: {result.text}" if result.is_error else result.text
        items = self._items(result.parts or (TextPart(result.content),))
        said = [{"type": "text", "text": "Error:"}, *items] if result.is_error else items
        return self._with_hint(said, result.cache_hint)

    def of_calls(self, message: Message) -> Iterator[Json]:
        """The calls that the assistant made, those of the provider's own kinds of tools as they came."""
        for part in message.parts:
            if isinstance(part, ToolCall):
                yield self.of_call(part)
            elif isinstance(part, ProviderPart) and (block := self._foreign_call(part)) is not None:
                yield extended(block, part.provider_options, self.call)

    def _foreign_call(self, part: ProviderPart) -> Json | None:
        block = answered_block(part.block, self.call)
        return block if block is not None and is_foreign_call(block) else None

    def of_call(self, called: ToolCall) -> Json:
        """A call that the assistant made."""
        function = {"name": fitting_tool_name(called.name), "arguments": called.arguments_json or "{}"}
        item: Json = {"id": called.id, "type": "function", "function": function}
        return given_back(extended(item, called.provider_options, self.call), called.provider_state, self.call)

    def _items(self, parts: Iterable[ContentPart]) -> list[Json]:
        items = []
        for part in parts:
            match part:
                case TextPart(text=text) if text:
                    item: Json = {"type": "text", "text": text}
                case MediaPart():
                    item = _media(part)
                case ProviderPart(block=block):
                    item = demanded_block(block, self.call)
                case ReasoningPart(text=text) if text and not part.signed:
                    item = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
                case _:
                    continue
            items.append(self._hint(extended(item, part.provider_options, self.call), part.cache_hint))
        return items

    def _stands_at(self, part: ContentPart) -> bool:
        """Whether something stands at the part for which a plain text has no room."""
        mine = (options.dialect in self.call.dialects for options in part.provider_options)
        return self._hinted(part.cache_hint) or any(mine)

    def _hinted(self, hint: CacheHint | None) -> bool:
        profile = self.call.profile
        return hint is not None and profile.prompt_caching is Caching.EXPLICIT and profile.content_lists

    def _with_hint(self, items: list[Json], hint: CacheHint | None) -> list[Json]:
        return [*items[:-1], self._hint(items[-1], hint)] if items else items

    def _hint(self, item: Json, hint: CacheHint | None) -> Json:
        if hint is None or self.call.profile.prompt_caching is not Caching.EXPLICIT:
            return item
        return {**item, "cache_control": cache_control(hint)}


def _media(part: MediaPart) -> Json:
    kind = part.mime_type.partition("/")[0]
    if kind == "image":
        image: Json = {"url": part.uri or _data_uri(part)}
        if part.detail is not None:
            image["detail"] = part.detail.value
        return {"type": "image_url", "image_url": image}
    if part.data is None:
        raise UpstreamRequestRefused(f"the API takes {part.mime_type} as bytes only, not by URI")
    if kind == "audio":
        audio_format = _AUDIO_FORMATS.get(part.mime_type)
        if audio_format is None:
            raise UpstreamRequestRefused(f"the API takes wav and mp3 only, not {part.mime_type}")
        return {"type": "input_audio", "input_audio": {"data": b64encode(part.data).decode(), "format": audio_format}}
    filename = part.filename or f"document.{part.mime_type.partition('/')[2]}"
    return {"type": "file", "file": {"filename": filename, "file_data": _data_uri(part)}}


def _data_uri(part: MediaPart) -> str:
    return f"data:{part.mime_type};base64,{b64encode(part.data or b'').decode()}"
