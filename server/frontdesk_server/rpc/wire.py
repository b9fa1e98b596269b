"""Finds the string field whose bytes are not UTF-8 in a message that protobuf refuses to parse.

Protobuf names neither the field nor the cause. This walk runs only after a parse has failed.
"""

from __future__ import annotations

from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def find_invalid_utf8(raw: bytes, message_type: type[Message]) -> str | None:
    """Path of the first string field that is not UTF-8; None when there is none or the wire format itself is broken."""
    try:
        return _search(memoryview(raw), cast("Descriptor", message_type.DESCRIPTOR), "")
    except (IndexError, ValueError):
        return None


def _search(raw: memoryview, descriptor: Descriptor, path: str) -> str | None:
    """Search one message. The contract's messages nest a few levels deep, so recursion is bounded by the schema."""
    position = 0
    seen: dict[int, int] = {}
    while position < len(raw):
        tag, position = _varint(raw, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            _, position = _varint(raw, position)
        elif wire_type == _FIXED64:
            position += 8
        elif wire_type == _FIXED32:
            position += 4
        elif wire_type == _LENGTH:
            length, position = _varint(raw, position)
            content = raw[position : position + length]
            position += length
            if len(content) < length:
                raise ValueError("cut")
            field = descriptor.fields_by_number.get(number)
            if field is not None:
                index = seen[number] = seen.get(number, -1) + 1
                found = _search_field(content, field, f"{path}{field.name}", index)
                if found is not None:
                    return found
        else:
            raise ValueError("no such wire type")
    return None


def _search_field(content: memoryview, field: FieldDescriptor, path: str, index: int) -> str | None:
    if field.is_repeated:
        path = f"{path}[{index}]"
    if field.type == FieldDescriptor.TYPE_STRING:
        try:
            str(content, "utf-8")
        except UnicodeDecodeError:
            return path
    elif field.message_type is not None:
        return _search(content, field.message_type, f"{path}.")
    return None


def _varint(raw: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("varint too long")
