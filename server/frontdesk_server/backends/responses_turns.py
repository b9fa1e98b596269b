"""A conversation as the input items of a Responses request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from frontdesk_server.backends.extensions import answered_block, demanded_block, extended, given_back
from frontdesk_server.backends.responses_items import called, spoken_text, thought
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import fitting_tool_name
from frontdesk_server.domain.provider import ProviderState
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

_CONTENT = "input_"
"""How the types of contents begin; a block of any other type is an item of its own."""


def input_items(history: Sequence[Message], call: BackendCall) -> list[Json]:
    """What everyone said, called, returned and thought, in order.

    An item of an earlier answer is what it was when it came. Reasoning stands only before what it led to.
    """
    items: list[Json] = []
    answered: list[bool] = []
    for message in history:
        said = [extended(item, message.provider_options, call) for item in _items(message, call)]
        items += said
        answered += [message.role is Role.ASSISTANT] * len(said)
    return _led_to_something(items, answered, call)


def _led_to_something(items: Sequence[Json], answered: Sequence[bool], call: BackendCall) -> list[Json]:
    """The items without reasoning that nothing of its answer follows, as when a limit cut it: the API refuses it."""
    kept: list[Json] = []
    led = False
    for item, own in zip(reversed(items), reversed(answered), strict=True):
        thinks = own and item.get("type") == "reasoning"
        led = own and (led or not thinks)
        if led or not thinks:
            kept.append(item)
    if len(kept) < len(items):
        detail = "reasoning that led to nothing was left out, as the API refuses it"
        call.dispatch.adjustments.append(Adjustment("query.messages", detail))
    return kept[::-1]


def _items(message: Message, call: BackendCall) -> Iterator[Json]:
    match message.role:
        case Role.TOOL:
            yield from (_result(part, call) for part in message.parts)
        case Role.ASSISTANT:
            yield from _answer(message, call)
        case _:
            yield from _said(message, call)


def _said(message: Message, call: BackendCall) -> Iterator[Json]:
    """What a user or the system says; blocks that are no contents stand between the messages."""
    if all(isinstance(part, TextPart) and not _stands_at(part, call) for part in message.parts):
        said = f"{message.name}: {message.text}" if message.name and message.text else message.text
        yield {"role": message.role.value, "content": said}
        return
    contents: list[Json] = [{"type": "input_text", "text": f"{message.name}:"}] if message.name else []
    for part in message.parts:
        content = _content(part, call)
        if content is None or str(content.get("type", "")).startswith(_CONTENT):
            contents += [content] if content else []
            continue
        if contents:
            yield {"role": message.role.value, "content": contents}
        contents = []
        yield content
    if contents:
        yield {"role": message.role.value, "content": contents}


def _stands_at(part: ContentPart, call: BackendCall) -> bool:
    """Whether something stands at the part for which a plain text has no room."""
    return any(options.dialect in call.dialects for options in part.provider_options)


def _content(part: ContentPart, call: BackendCall) -> Json | None:
    match part:
        case TextPart(text=text) if text:
            item: Json = {"type": "input_text", "text": text}
        case MediaPart():
            item = _media(part)
        case ProviderPart(block):
            item = demanded_block(block, call)
        case _:
            return None
    return extended(item, part.provider_options, call)


def _result(part: ContentPart, call: BackendCall) -> Json:
    """What a tool returned; the API has no other word for an error."""
    if isinstance(part, ProviderPart):
        return demanded_block(part.block, call)
    if not isinstance(part, ToolResult):
        raise UpstreamRequestRefused("a tool says nothing but results")
    output: str | list[Json] = f"Error: {part.text}" if part.is_error else part.text
    if not all(isinstance(piece, TextPart) and not _stands_at(piece, call) for piece in part.parts):
        pieces = [content for piece in part.parts if (content := _content(piece, call))]
        output = [{"type": "input_text", "text": "Error:"}, *pieces] if part.is_error else pieces
    item = {"type": "function_call_output", "call_id": part.tool_call_id, "output": output}
    return extended(item, part.provider_options, call)


def _answer(message: Message, call: BackendCall) -> Iterable[Json]:
    """The items of an answer: this provider's own as they came, anyone else's words as plain messages."""
    items: list[Json] = []
    for part in message.parts:
        match part:
            case TextPart() if part.text:
                _add_text(items, part, message.name, call)
            case ToolCall(id, name, arguments):
                item = called(id, fitting_tool_name(name), arguments or "{}")
                items.append(extended({**item, **_own(part.provider_state, call)}, part.provider_options, call))
            case ReasoningPart():
                items += filter(None, [_thought(part, call)])
            case ProviderPart(block):
                if (answered := answered_block(block, call)) is not None:
                    _add_block(items, extended(answered, part.provider_options, call), _own(part.provider_state, call))
    return items


def _add_text(items: list[Json], part: TextPart, name: str, call: BackendCall) -> None:
    """Texts of one message of the provider's stand in one item; what it did not say itself is a message by itself."""
    own = _own(part.provider_state, call)
    content = {**spoken_text(part.text, refusal=part.refusal), **own.pop("content", {})}
    content = extended(content, part.provider_options, call)
    if not own:
        text = f"{name}: {part.text}" if name else part.text
        plain = content == spoken_text(part.text, refusal=False)
        items.append({"role": "assistant", "content": text if plain else [content]})
    else:
        _add_content(items, content, own)


def _add_block(items: list[Json], block: Json, own: Json) -> None:
    """A block of an answer is an item, or a content of the message that its state tells of."""
    if own:
        _add_content(items, block, {name: value for name, value in own.items() if name != "type"})
    else:
        items.append(block)


def _add_content(items: list[Json], content: Json, own: Json) -> None:
    """A content of the provider's own message, in the item before it if that is the same."""
    if items and "id" in own and _beside(items[-1]) == own:
        items[-1]["content"].append(content)
    else:
        items.append({"type": "message", "role": "assistant", **own, "content": [content]})


def _beside(item: Json) -> Json:
    """What an item of a message holds beside what every one does."""
    return {name: value for name, value in item.items() if name not in ("type", "role", "content")}


def _thought(part: ReasoningPart, call: BackendCall) -> Json | None:
    """Reasoning goes back sealed to who sealed it, or open to who thinks in the open; nobody takes anyone else's."""
    own = _own(part.provider_state, call)
    sealed = part.signature if part.dialect == call.provider else ""
    if not sealed and not own.get("content"):
        return None
    return extended({**thought(part.text, sealed), **own}, part.provider_options, call)


def _own(states: Iterable[ProviderState], call: BackendCall) -> Json:
    return given_back({}, states, call)


def _media(part: MediaPart) -> Json:
    kind, _, form = part.mime_type.partition("/")
    if kind in ("audio", "video"):
        raise UpstreamRequestRefused(f"the API takes images and documents, not {part.mime_type}")
    data = f"data:{part.mime_type};base64,{b64encode(part.data or b'').decode()}"
    if kind == "image":
        image: Json = {"type": "input_image", "image_url": part.uri or data}
        return image if part.detail is None else {**image, "detail": part.detail.value}
    if part.data is None:
        named = {"filename": part.filename} if part.filename else {}
        return {"type": "input_file", "file_url": part.uri, **named}
    return {"type": "input_file", "filename": part.filename or f"document.{form}", "file_data": data}
