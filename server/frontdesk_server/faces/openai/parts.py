"""Parts of a chat message's content in the contract's words; what it has none for goes as a block of the dialect."""

from __future__ import annotations

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.reading import Fields, Json, add_option, block_of, data_uri, from_base64
from frontdesk_server.faces.vocabulary import AUDIO, DETAILS, PDF, UNTOLD_IMAGE

DIALECT = "openai"


def content_part(fields: Fields, whole: Json) -> pb.ContentPart:
    """One part of a content list."""
    kind = fields.text("type", "text")
    part, inner = _worded(kind, fields)
    if part is None:
        return pb.ContentPart(provider_block=block_of(DIALECT, whole))
    add_option(part, DIALECT, {**fields.rest(), **({kind: inner} if inner else {})})
    return part


def result_part(fields: Fields, whole: Json) -> pb.ToolResultPart:
    """One part of what a tool returned."""
    part = content_part(fields, whole)
    if part.provider_options or part.HasField("provider_block"):
        return pb.ToolResultPart(provider_block=block_of(DIALECT, whole))
    return pb.ToolResultPart(media=part.media) if part.HasField("media") else pb.ToolResultPart(text=part.text)


def _worded(kind: str, fields: Fields) -> tuple[pb.ContentPart | None, Json]:
    """The part as the contract words it, and what within its member only the dialect understands."""
    match kind:
        case "text" | "input_text" | "output_text":
            return pb.ContentPart(text=fields.required_text("text")), {}
        case "refusal":
            return pb.ContentPart(text=fields.text("refusal"), refusal=True), {}
        case "image_url":
            return _image(fields)
        case "input_audio":
            return _audio(fields)
        case "file":
            return _file(fields)
    return None, {}


def _image(fields: Fields) -> tuple[pb.ContentPart | None, Json]:
    if isinstance(fields.left.get("image_url"), str):
        return linked_media(fields, "image_url"), {}
    image = fields.members("image_url")
    if image is None:
        return pb.ContentPart(media=pb.Media(mime_type=UNTOLD_IMAGE)), {}
    part = linked_media(image, "url")
    if isinstance(detail := image.left.get("detail"), str) and detail in DETAILS:
        part.media.detail = DETAILS[image.text("detail")]
    return part, image.rest()


def _audio(fields: Fields) -> tuple[pb.ContentPart | None, Json]:
    told = fields.left.get("input_audio")
    if not isinstance(told, dict) or told.get("format") not in AUDIO:
        return None, {}
    audio = fields.members("input_audio")
    assert audio is not None  # noqa: S101 - it is an object
    data = _decoded(audio, "data")
    media = pb.Media(mime_type=AUDIO[audio.text("format")], data=data)
    return pb.ContentPart(media=media), audio.rest()


def _file(fields: Fields) -> tuple[pb.ContentPart | None, Json]:
    told = fields.left.get("file")
    if not isinstance(told, dict) or not isinstance(told.get("file_data"), str):
        return None, {}  # a file that was uploaded to the provider
    file = fields.members("file")
    assert file is not None  # noqa: S101 - it is an object
    text = file.text("file_data")
    mime_type, data = data_uri(text) or (PDF, from_base64(text) or b"")
    if not data:
        file.wrong("file_data", "is no data in base 64")
    part = pb.ContentPart(media=pb.Media(mime_type=mime_type, data=data, filename=file.text("filename")))
    return part, file.rest()


def _decoded(fields: Fields, name: str) -> bytes:
    data = from_base64(fields.text(name))
    if data is None:
        fields.wrong(name, "is no data in base 64")
    return data or b""


def linked_media(fields: Fields, name: str) -> pb.ContentPart:
    """An image by a data URI or an address; what is neither is left to validation."""
    url = fields.text(name)
    held = data_uri(url)
    if held is not None:
        return pb.ContentPart(media=pb.Media(mime_type=held[0] or UNTOLD_IMAGE, data=held[1]))
    if url.startswith("data:"):
        fields.wrong(name, "is no data URI in base 64")
    return pb.ContentPart(media=pb.Media(mime_type=UNTOLD_IMAGE, uri=url))
