"""A chat completions request in the contract's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.asked import Asked, Words
from frontdesk_server.faces.openai.messages import Conversation
from frontdesk_server.faces.openai.parts import DIALECT
from frontdesk_server.faces.policy import name_model, read_headers, read_metadata
from frontdesk_server.faces.reading import Fields, Json, add_option, block_of, json_of
from frontdesk_server.faces.vocabulary import EFFORTS, FUNCTION, LONGEST_NAME, MODES
from frontdesk_server.rpc.reasons import InvalidReason as Reason

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
WORDS = Words(
    fields={
        "generation.max_output_tokens": "max_completion_tokens",
        "generation.stop_sequences": "stop",
        "generation.response_format": "response_format",
        "generation.reasoning_effort": "reasoning_effort",
        "generation.reasoning_budget_tokens": "reasoning_effort",
        **{f"generation.{name}": name for name in (*_NUMBERS, "seed", "logprobs", "top_logprobs", "top_k")},
        "generation.parallel_tool_calls": "parallel_tool_calls",
        "user_id": "user",
        "tool_choice": "tool_choice",
        "labels": "metadata",
        "provider_options": "",
    },
    ends={
        ".role": ".role",
        ".parts": ".content",
        ".tool_call.id": ".id",
        ".tool_call.name": ".function.name",
        ".tool_result.tool_call_id": ".tool_call_id",
        ".media.uri": ".image_url.url",
        ".media.source": ".image_url.url",
        ".media.detail": ".image_url.detail",
        ".name": ".function.name",
        ".parameters_json": ".function.parameters",
    },
)


def read_chat_request(body: Json, headers: Mapping[str, str]) -> Asked:
    """What is asked; whatever is wrong with it waits in its violations."""
    asked = Asked(WORDS)
    fields = Fields(body, "", asked.violations)
    read_headers(asked, headers)
    if (metadata := fields.members("metadata")) is not None:
        read_metadata(asked, metadata.left, "metadata")
    name_model(asked, fields.text("model"))
    asked.stream = bool(fields.flag("stream"))
    _read_choices(fields)
    conversation = Conversation(asked)
    for index, message in enumerate(fields.items("messages")):
        conversation.add(message, f"messages[{index}]")
    _read_tools(asked, fields)
    _read_generation(asked.query.generation, fields)
    if isinstance(user := fields.left.get("user"), str) and len(user) <= LONGEST_NAME:
        asked.query.user_id = fields.text("user")
    pass_on(asked, fields, DIALECT)
    return asked


def wants_usage(body: Json) -> bool:
    """Whether the stream is to end with a chunk that tells usage."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def pass_on(asked: Asked, fields: Fields, dialect: str) -> None:
    """Let what has not been read pass to the dialect."""
    rest = fields.rest()
    asked.passed.extend(rest)
    add_option(asked.query, dialect, rest)


def _read_choices(fields: Fields) -> None:
    """One answer: that is what is routed, priced and recorded."""
    count = fields.integer("n")
    if count is not None and count != 1:
        fields.wrong("n", "is not 1: one request has one answer here")
    if (options := fields.members("stream_options")) is not None:
        options.flag("include_usage")
        if rest := options.rest():
            fields.left["stream_options"] = rest


def _read_tools(asked: Asked, fields: Fields) -> None:
    for tool in fields.objects("tools"):
        add_tool(asked, tool)
    for function in fields.objects("functions"):  # what tools were called once
        add_function(asked, function)
    read_tool_choice(asked, fields.any("tool_choice"), fields)
    match fields.any("function_call"):
        case None:
            pass
        case str(mode) if mode in MODES:
            asked.query.tool_choice.mode = MODES[mode]
        case {"name": str(name)}:
            asked.query.tool_choice.tool_name = name
        case _:
            fields.wrong("function_call", "is neither auto, none nor the name of a function")
    if asked.query.tools or fields.left.get("parallel_tool_calls") is not True:
        if (parallel := fields.flag("parallel_tool_calls")) is not None:
            asked.query.generation.parallel_tool_calls = parallel
    else:
        fields.any("parallel_tool_calls")  # without tools it says nothing, and SDKs send it


def add_tool(asked: Asked, tool: Fields) -> None:
    """One tool of a chat request."""
    whole = dict(tool.left)
    function = tool.members(FUNCTION) if isinstance(tool.left.get(FUNCTION), dict) else None
    if tool.text("type", FUNCTION) != FUNCTION:
        asked.query.tools.add(provider_tool=block_of(DIALECT, whole))
        return
    given = add_function(asked, function or Fields({}, tool.path(FUNCTION), asked.violations))
    add_option(given, DIALECT, tool.rest())


def add_function(asked: Asked, function: Fields, *, nested: bool = True, dialect: str = DIALECT) -> pb.Tool:
    """A function that may be called; `nested`: its members stand in a member of the tool."""
    given = asked.query.tools.add(name=function.text("name"), description=function.text("description"))
    if (parameters := function.any("parameters")) is not None:
        given.parameters_json = json_of(parameters)
    if (strict := function.flag("strict")) is not None:
        given.strict = strict
    if rest := function.rest():
        add_option(given, dialect, {FUNCTION: rest} if nested else rest)
    return given


def read_tool_choice(asked: Asked, choice: Any, fields: Fields) -> None:
    """Which tool is to be called; what only the dialect can say passes on to it."""
    match choice:
        case None:
            pass
        case str(mode) if mode in MODES:
            if asked.query.tools or mode == "required":
                asked.query.tool_choice.mode = MODES[mode]
        case {"type": "function", "function": {"name": str(name)}} | {"type": "function", "name": str(name)}:
            asked.query.tool_choice.tool_name = name
        case {"type": str()}:
            fields.left["tool_choice"] = choice
        case _:
            fields.wrong("tool_choice", f"is none of {', '.join(MODES)}, nor names a function")


def _read_generation(config: pb.GenerationConfig, fields: Fields) -> None:
    legacy = fields.integer("max_tokens")
    limit = fields.integer("max_completion_tokens")
    if (told := legacy if limit is None else limit) is not None:
        config.max_output_tokens = told
    for name in _NUMBERS:
        if (number := fields.number(name)) is not None:
            setattr(config, name, number)
    if (seed := fields.long_integer("seed")) is not None:
        config.seed = seed
    if (top_k := fields.integer("top_k")) is not None:
        config.top_k = top_k
    config.stop_sequences.extend(fields.texts("stop"))
    if (logprobs := fields.flag("logprobs")) is not None:
        config.logprobs = logprobs
    if (top := fields.integer("top_logprobs")) is not None:
        config.top_logprobs = top
    if isinstance(effort := fields.left.get("reasoning_effort"), str) and effort in EFFORTS:
        config.reasoning_effort = EFFORTS[fields.text("reasoning_effort")]
    read_response_format(config, fields)


def read_response_format(config: pb.GenerationConfig, fields: Fields) -> None:
    """How the answer is to be written."""
    told = fields.left.get("response_format")
    if told is None:
        return
    match told:
        case {"type": "text"}:
            fields.any("response_format")
        case {"type": "json_object"}:
            fields.any("response_format")
            config.response_format.json_object.SetInParent()
        case {"type": "json_schema", "json_schema": dict()}:
            wanted = fields.members("response_format")
            assert wanted is not None  # noqa: S101 - it is an object
            schema = wanted.members("json_schema")
            assert schema is not None  # noqa: S101
            read_schema(config, schema)
        case {"type": str()}:
            pass  # only the dialect knows it
        case _:
            fields.any("response_format")
            fields.wrong("response_format", "is no format", Reason.MALFORMED_REQUEST)


def read_schema(config: pb.GenerationConfig, schema: Fields) -> None:
    """JSON which satisfies a schema."""
    given = config.response_format.json_schema
    given.name, given.description = schema.text("name"), schema.text("description")
    if (told := schema.any("schema")) is not None:
        given.schema_json = json_of(told)
    if (strict := schema.flag("strict")) is not None:
        given.strict = strict
