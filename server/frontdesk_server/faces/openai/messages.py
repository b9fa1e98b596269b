"""Chat messages in the contract's words."""

from __future__ import annotations

from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.asked import Asked
from frontdesk_server.faces.carried import MEMBER, read_block, read_reasoning, read_states
from frontdesk_server.faces.openai.parts import DIALECT, content_part, result_part
from frontdesk_server.faces.reading import Fields, add_option, add_state, json_of
from frontdesk_server.faces.vocabulary import FUNCTION, ROLES
from frontdesk_server.rpc.reasons import InvalidReason as Reason

_REASONING = ("reasoning_content", "reasoning")
_STATE = ("reasoning_details",)
_LEGACY_CALL = "call_"
"""What ids of calls begin with that a `function_call` of old has none for."""


class Conversation:
    """Reads messages in their order. Calls of old have no ids: their results answer the last of that name."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._legacy: dict[str, str] = {}

    def add(self, value: Any, at: str) -> None:
        """One message."""
        fields = Fields.of(value, at, self._asked.violations)
        said = fields.text("role")
        if said == FUNCTION:
            self._add_legacy_result(fields)
            return
        role = ROLES.get(said)
        if role is None:
            reason = Reason.UNKNOWN_ENUM_VALUE if said else Reason.ROLE_UNSPECIFIED
            fields.wrong("role", f"is none of {', '.join(ROLES)}", reason)
        elif role == pb.ROLE_TOOL:
            self._add_result(fields)
        elif role == pb.ROLE_ASSISTANT:
            self._add_answer(fields)
        else:
            message = self._asked.add_message(role, at)
            message.name = fields.text("name")
            self._add_content(message, fields)
            add_option(message, DIALECT, fields.rest())

    def _add_content(self, message: pb.Message, fields: Fields) -> None:
        content = fields.any("content")
        at = fields.path("content")
        if isinstance(content, str):
            if content or message.role != pb.ROLE_ASSISTANT:
                self._asked.add_part(message, pb.ContentPart(text=content), at)
        elif isinstance(content, list):
            for index, item in enumerate(content):
                here = f"{at}[{index}]"
                piece = {"type": "text", "text": item} if isinstance(item, str) else item
                part = content_part(Fields.of(piece, here, self._asked.violations), piece)
                self._asked.add_part(message, part, here)
        elif content is not None:
            fields.wrong("content", "is neither a string nor a list of parts")

    def _add_answer(self, fields: Fields) -> None:
        message = self._asked.add_message(pb.ROLE_ASSISTANT, fields.at)
        message.name = fields.text("name")
        self._add_reasoning(message, fields)
        self._add_content(message, fields)
        if refusal := fields.text("refusal"):
            self._asked.add_part(message, pb.ContentPart(text=refusal, refusal=True), fields.path("refusal"))
        for call in fields.objects("tool_calls"):
            self._add_call(message, call)
        if (legacy := fields.members("function_call")) is not None:
            name = legacy.required_text("name")
            self._legacy[name] = f"{_LEGACY_CALL}{len(self._asked.messages)}"
            called = pb.ToolCall(id=self._legacy[name], name=name, arguments_json=legacy.text("arguments") or "{}")
            self._asked.add_part(message, pb.ContentPart(tool_call=called), legacy.at)
        add_option(message, DIALECT, fields.rest())

    def _add_reasoning(self, message: pb.Message, fields: Fields) -> None:
        """Reasoning and what else the provider wants back of an answer, as the answer told it."""
        carried = fields.members(MEMBER)
        if carried is not None:
            for name in _REASONING:
                fields.any(name)
            for one in carried.objects("reasoning"):
                self._asked.add_part(message, read_reasoning(one), one.at)
            for one in carried.objects("blocks"):
                self._asked.add_part(message, read_block(one), one.at)
            read_states(message, carried)
            return
        told: dict[str, Any] = {name: value for name in _STATE if (value := fields.any(name))}
        for name in _REASONING:
            if text := fields.text(name):
                self._asked.add_part(message, pb.ContentPart(reasoning=pb.Reasoning(text=text)), fields.path(name))
                break
        for name in _REASONING:
            fields.any(name)  # one says what the other says
        add_state(message, DIALECT, told)

    def _add_call(self, message: pb.Message, call: Fields) -> None:
        kind = call.text("type", FUNCTION)
        if kind != FUNCTION:
            whole = {"id": call.any("id"), "type": kind, **call.rest()}
            block = pb.ProviderBlock(dialect=DIALECT, json=json_of(whole))
            self._asked.add_part(message, pb.ContentPart(provider_block=block), call.at)
            return
        call.any("index")
        function = call.members(FUNCTION) or Fields({}, call.path(FUNCTION), self._asked.violations)
        arguments = function.any("arguments")
        written = arguments if isinstance(arguments, str) else json_of(arguments or {})
        called = pb.ToolCall(id=call.text("id"), name=function.text("name"), arguments_json=written)
        part = pb.ContentPart(tool_call=called)
        if (carried := call.members(MEMBER)) is not None:
            read_states(part, carried)
        else:
            add_state(part, DIALECT, call.rest())
        self._asked.add_part(message, part, call.at)

    def _add_result(self, fields: Fields) -> None:
        """Results of successive messages stand in messages of their own, as they came."""
        result = pb.ToolResult(tool_call_id=fields.text("tool_call_id"))
        self._put_result(fields, result)

    def _add_legacy_result(self, fields: Fields) -> None:
        name = fields.required_text("name")
        self._put_result(fields, pb.ToolResult(tool_call_id=self._legacy.get(name, name)))

    def _put_result(self, fields: Fields, result: pb.ToolResult) -> None:
        message = self._asked.add_message(pb.ROLE_TOOL, fields.at)
        part = pb.ContentPart(tool_result=result)
        content = fields.any("content")
        if isinstance(content, str):
            part.tool_result.content = content
        elif isinstance(content, list):
            for index, item in enumerate(content):
                here = f"{fields.path('content')}[{index}]"
                piece = {"type": "text", "text": item} if isinstance(item, str) else item
                part.tool_result.parts.append(result_part(Fields.of(piece, here, self._asked.violations), piece))
        elif content is not None:
            fields.wrong("content", "is neither a string nor a list of parts")
        fields.any("name")
        add_option(part, DIALECT, fields.rest())
        self._asked.add_part(message, part, fields.at)
