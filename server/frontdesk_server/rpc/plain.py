"""Conversations of nothing but text, which are by far the most: looked at and decoded in one walk.

Every look at a field of a message costs more than all else that is done with it, so a message is asked once for the
fields that are set.
"""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk.v1 import chat_pb2

from frontdesk_server.domain.query import Message, Role, TextPart
from frontdesk_server.rpc.enums import ROLE_OF
from frontdesk_server.rpc.violations import Limits

_ROLE = chat_pb2.Message.DESCRIPTOR.fields_by_name["role"]
_PARTS = chat_pb2.Message.DESCRIPTOR.fields_by_name["parts"]
_TEXT = chat_pb2.ContentPart.DESCRIPTOR.fields_by_name["text"]
_SPEAKERS = {number: role for number, role in ROLE_OF.items() if role is not Role.TOOL}


def plain_messages(query: chat_pb2.Query, limits: Limits) -> tuple[Message, ...] | None:
    """The messages of a conversation in which nothing can be wrong, as each is a role and its texts.

    None for every other: one that holds anything else, that an answer is to continue, or that is empty or too long.
    """
    if not 0 < len(query.messages) <= limits.messages:
        return None
    room, messages, role = limits.parts, [], Role.USER
    for message in query.messages:
        fields = message.ListFields()
        if len(fields) != 2 or fields[0][0] is not _ROLE or fields[1][0] is not _PARTS:
            return None
        speaker = _SPEAKERS.get(fields[0][1])
        texts = _texts(fields[1][1])
        if speaker is None or texts is None or len(texts) > room:
            return None
        room -= len(texts)
        role = speaker
        messages.append(Message(role, texts))
    return None if role is Role.ASSISTANT else tuple(messages)


def _texts(parts: Iterable[chat_pb2.ContentPart]) -> tuple[TextPart, ...] | None:
    texts = []
    for part in parts:
        fields = part.ListFields()
        if len(fields) != 1 or fields[0][0] is not _TEXT:
            return None
        texts.append(TextPart(fields[0][1]))
    return tuple(texts)
