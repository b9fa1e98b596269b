"""A stateless Responses request in the contract's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.asked import Asked, Words
from frontdesk_server.faces.carried import read_foreign, unsealed
from frontdesk_server.faces.openai.parts import linked_media
from frontdesk_server.faces.openai.request import add_function, pass_on, read_schema, read_tool_choice
from frontdesk_server.faces.policy import name_model, read_headers, read_metadata
from frontdesk_server.faces.reading import Fields, Json, add_option, block_of, data_uri, from_base64
from frontdesk_server.faces.vocabulary import DETAILS, EFFORTS, FUNCTION, LONGEST_NAME, PDF, ROLES
from frontdesk_server.rpc.reasons import InvalidReason as Reason

DIALECT = "openai_responses"

_STATEFUL = ("previous_response_id", "conversation", "background")
_SEALED, _LOGPROBS = "reasoning.encrypted_content", "message.output_text.logprobs"
WORDS = Words(
    fields={
        "generation.max_output_tokens": "max_output_tokens",
        "generation.response_format": "text.format",
        "generation.reasoning_effort": "reasoning.effort",
        **{f"generation.{name}": name for name in ("temperature", "top_p", "top_logprobs", "parallel_tool_calls")},
        "messages": "input",
        "user_id": "user",
        "tool_choice": "tool_choice",
        "labels": "metadata",
        "provider_options": "",
    },
    ends={
        ".role": ".role",
        ".parts": ".content",
        ".tool_call.id": ".call_id",
        ".tool_call.name": ".name",
        ".tool_result.tool_call_id": ".call_id",
        ".media.uri": ".image_url",
        ".name": ".name",
        ".parameters_json": ".parameters",
    },
)


def read_responses_request(body: Json, headers: Mapping[str, str]) -> Asked:
    """What is asked; whatever is wrong with it waits in its violations."""
    asked = Asked(WORDS)
    fields = Fields(body, "", asked.violations)
    read_headers(asked, headers)
    if (metadata := fields.members("metadata")) is not None:
        read_metadata(asked, metadata.left, "metadata")
    name_model(asked, fields.text("model"))
    asked.stream = bool(fields.flag("stream"))
    for name in _STATEFUL:
        if fields.any(name):
            fields.wrong(name, "nothing is kept between requests here: send the whole conversation as input")
    fields.flag("store")
    if instructions := fields.text("instructions"):
        message = asked.add_message(pb.ROLE_SYSTEM, "instructions")
        asked.add_part(message, pb.ContentPart(text=instructions), "instructions")
    _read_input(asked, fields)
    for tool in fields.objects("tools"):
        _add_tool(asked, tool)
    read_tool_choice(asked, fields.any("tool_choice"), fields)
    _read_settings(asked, fields)
    pass_on(asked, fields, DIALECT)
    return asked


def _read_input(asked: Asked, fields: Fields) -> None:
    told = fields.any("input")
    if isinstance(told, str):
        asked.add_part(asked.add_message(pb.ROLE_USER, "input"), pb.ContentPart(text=told), "input")
    elif isinstance(told, list):
        for index, item in enumerate(told):
            at = f"input[{index}]"
            _add_item(asked, Fields.of(item, at, asked.violations), item if isinstance(item, dict) else {})
    elif told is not None:
        fields.wrong("input", "is neither a string nor a list of items")


def _add_item(asked: Asked, item: Fields, whole: Json) -> None:
    kind = item.text("type", "message")
    match kind:
        case "message":
            _add_message(asked, item)
        case "function_call":
            called = pb.ToolCall(id=item.text("call_id"), name=item.text("name"))
            called.arguments_json = item.text("arguments") or "{}"
            asked.add_part(_answer(asked, item.at), pb.ContentPart(tool_call=called), item.at)
        case "function_call_output":
            message = asked.add_message(pb.ROLE_TOOL, item.at)
            asked.add_part(message, pb.ContentPart(tool_result=_result(item)), item.at)
        case "reasoning":
            _add_reasoning(asked, item)
        case "item_reference":
            item.wrong("id", "nothing is kept between requests here: send the item itself")
        case _:
            message = _answer(asked, item.at)
            asked.add_part(message, pb.ContentPart(provider_block=block_of(DIALECT, whole)), item.at)


def _answer(asked: Asked, at: str) -> pb.Message:
    """The assistant's message that goes on, or a new one."""
    messages = asked.query.messages
    if messages and messages[-1].role == pb.ROLE_ASSISTANT:
        return messages[-1]
    return asked.add_message(pb.ROLE_ASSISTANT, at)


def _add_message(asked: Asked, item: Fields) -> None:
    said = item.text("role")
    role = ROLES.get(said)
    if role is None or role == pb.ROLE_TOOL:
        reason = Reason.UNKNOWN_ENUM_VALUE if said else Reason.ROLE_UNSPECIFIED
        item.wrong("role", "is none of system, developer, user, assistant", reason)
        return
    for name in ("id", "status", "phase"):
        item.any(name)
    message = _answer(asked, item.at) if role == pb.ROLE_ASSISTANT else asked.add_message(role, item.at)
    content = item.any("content")
    if isinstance(content, str):
        asked.add_part(message, pb.ContentPart(text=content), item.path("content"))
    elif isinstance(content, list):
        for index, piece in enumerate(content):
            fields = item.part(piece, f"content[{index}]")
            asked.add_part(message, _content(fields, piece if isinstance(piece, dict) else {}), fields.at)
    else:
        item.wrong("content", "is neither a string nor a list of contents")
    add_option(message, DIALECT, item.rest())


def _content(fields: Fields, whole: Json) -> pb.ContentPart:
    kind = fields.text("type")
    match kind:
        case "input_text" | "output_text" | "text":
            fields.any("annotations")
            fields.any("logprobs")
            part = pb.ContentPart(text=fields.required_text("text"))
        case "refusal":
            part = pb.ContentPart(text=fields.text("refusal"), refusal=True)
        case "input_image" if isinstance(fields.left.get("image_url"), str):
            part = linked_media(fields, "image_url")
            if isinstance(detail := fields.left.get("detail"), str) and detail in DETAILS:
                part.media.detail = DETAILS[fields.text("detail")]
        case "input_file" if isinstance(fields.left.get("file_data"), str):
            text = fields.text("file_data")
            mime_type, data = data_uri(text) or (PDF, from_base64(text) or b"")
            if not data:
                fields.wrong("file_data", "is no data in base 64")
            part = pb.ContentPart(media=pb.Media(mime_type=mime_type, data=data, filename=fields.text("filename")))
        case "input_file" if isinstance(fields.left.get("file_url"), str):
            part = pb.ContentPart(media=pb.Media(mime_type=PDF, uri=fields.text("file_url")))
        case _:
            return pb.ContentPart(provider_block=block_of(DIALECT, whole))
    add_option(part, DIALECT, fields.rest())
    return part


def _result(item: Fields) -> pb.ToolResult:
    result = pb.ToolResult(tool_call_id=item.text("call_id"))
    output = item.any("output")
    if isinstance(output, str):
        result.content = output
    elif isinstance(output, list):
        for index, piece in enumerate(output):
            part = _content(item.part(piece, f"output[{index}]"), piece if isinstance(piece, dict) else {})
            if part.HasField("media"):
                result.parts.add(media=part.media)
            elif part.HasField("provider_block"):
                result.parts.add(provider_block=part.provider_block)
            else:
                result.parts.add(text=part.text)
    else:
        item.wrong("output", "is neither a string nor a list of contents")
    return result


def _add_reasoning(asked: Asked, item: Fields) -> None:
    """Reasoning: ours carries what its provider wants back, OpenAI's own is sealed by OpenAI."""
    message = _answer(asked, item.at)
    sealed = item.text("encrypted_content")
    text = "".join(one.text("text") for one in item.objects("summary"))
    carried = unsealed(sealed)
    if carried is not None:
        for part in read_foreign(message, item.part(carried, "encrypted_content")):
            asked.add_part(message, part, item.at)
    elif text or sealed:
        reasoning = pb.Reasoning(text=text, signature=sealed, dialect=DIALECT if sealed else "")
        asked.add_part(message, pb.ContentPart(reasoning=reasoning), item.at)


def _add_tool(asked: Asked, tool: Fields) -> None:
    whole = dict(tool.left)
    if tool.text("type", FUNCTION) != FUNCTION:
        asked.query.tools.add(provider_tool=block_of(DIALECT, whole))
    else:
        add_function(asked, tool, nested=False, dialect=DIALECT)


def _read_settings(asked: Asked, fields: Fields) -> None:
    config = asked.query.generation
    for name in ("max_output_tokens", "top_logprobs"):
        if (whole := fields.integer(name)) is not None:
            setattr(config, name, whole)
    for name in ("temperature", "top_p"):
        if (number := fields.number(name)) is not None:
            setattr(config, name, number)
    if (parallel := fields.flag("parallel_tool_calls")) is not None and asked.query.tools:
        config.parallel_tool_calls = parallel
    included = fields.items("include")
    config.logprobs = _LOGPROBS in included or config.top_logprobs > 0
    if others := [one for one in included if one not in (_SEALED, _LOGPROBS)]:
        fields.left["include"] = others
    for name in ("user", "safety_identifier"):
        if isinstance(user := fields.left.get(name), str) and len(user) <= LONGEST_NAME:
            asked.query.user_id = fields.text(name)
    _read_nested(config, fields)


def _read_nested(config: pb.GenerationConfig, fields: Fields) -> None:
    reasoning: Any = fields.left.get("reasoning")
    if isinstance(reasoning, dict) and isinstance(reasoning.get("effort"), str) and reasoning["effort"] in EFFORTS:
        config.reasoning_effort = EFFORTS[reasoning["effort"]]
        fields.left["reasoning"] = {name: value for name, value in reasoning.items() if name != "effort"} or None
    text: Any = fields.left.get("text")
    told = text.get("format") if isinstance(text, dict) else None
    match told:
        case {"type": "text"}:
            pass
        case {"type": "json_object"}:
            config.response_format.json_object.SetInParent()
        case {"type": "json_schema"}:
            schema = fields.part(told, "text.format")
            schema.any("type")
            read_schema(config, schema)
        case _:
            return
    fields.left["text"] = {name: value for name, value in text.items() if name != "format"} or None
