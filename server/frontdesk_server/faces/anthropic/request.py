"""A Messages request in the contract's words."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.anthropic.blocks import DIALECT, read_cache_hint
from frontdesk_server.faces.anthropic.turns import add_system, add_turn
from frontdesk_server.faces.asked import Asked, Words
from frontdesk_server.faces.policy import name_model, read_headers, read_metadata
from frontdesk_server.faces.reading import Fields, Json, add_option, block_of, json_of
from frontdesk_server.faces.vocabulary import EFFORTS, LONGEST_NAME
from frontdesk_server.rpc.reasons import InvalidReason as Reason

_CHOICES = {"auto": pb.ToolChoice.MODE_AUTO, "any": pb.ToolChoice.MODE_REQUIRED, "none": pb.ToolChoice.MODE_NONE}
_BETAS = "anthropic-beta"
_SCHEMA_NAME = "answer"
WORDS = Words(
    fields={
        "generation.max_output_tokens": "max_tokens",
        "generation.stop_sequences": "stop_sequences",
        "generation.response_format": "output_config.format",
        "generation.reasoning_effort": "output_config.effort",
        "generation.reasoning_budget_tokens": "thinking.budget_tokens",
        "generation.parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
        **{f"generation.{name}": name for name in ("temperature", "top_p", "top_k")},
        "user_id": "metadata.user_id",
        "tool_choice": "tool_choice",
        "labels": "metadata",
        "provider_options": "",
    },
    ends={
        ".role": ".role",
        ".parts": ".content",
        ".tool_call.id": ".id",
        ".tool_call.name": ".name",
        ".tool_result.tool_call_id": ".tool_use_id",
        ".media.uri": ".source.url",
        ".media.source": ".source",
        ".media.mime_type": ".source.media_type",
        ".name": ".name",
        ".parameters_json": ".input_schema",
    },
)


def read_messages_request(body: Json, headers: Mapping[str, str], *, counting: bool = False) -> Asked:
    """What is asked; whatever is wrong with it waits in its violations. `counting`: no answer is asked for."""
    asked = Asked(WORDS)
    fields = Fields(body, "", asked.violations)
    read_headers(asked, headers)
    _read_metadata(asked, fields)
    name_model(asked, fields.text("model"))
    asked.stream = bool(fields.flag("stream"))
    add_system(asked, fields.any("system"))
    for index, message in enumerate(fields.items("messages")):
        add_turn(asked, message, f"messages[{index}]")
    for tool in fields.objects("tools"):
        _add_tool(asked, tool)
    _read_tool_choice(asked, fields)
    _read_generation(asked.query.generation, fields, counting=counting)
    rest = fields.rest()
    if betas := [beta.strip() for beta in headers.get(_BETAS, "").split(",") if beta.strip()]:
        rest["anthropic_beta"] = betas  # what the header is called where it is a member
    asked.passed.extend(rest)
    add_option(asked.query, DIALECT, rest)
    return asked


def _read_metadata(asked: Asked, fields: Fields) -> None:
    metadata = fields.members("metadata")
    if metadata is None:
        return
    user = metadata.text("user_id")
    if len(user) <= LONGEST_NAME:
        asked.query.user_id = user
    else:
        fields.left["metadata"] = {"user_id": user}
    read_metadata(asked, metadata.left, "metadata")


def _add_tool(asked: Asked, tool: Fields) -> None:
    whole = dict(tool.left)
    if tool.text("type", "custom") != "custom":
        asked.query.tools.add(provider_tool=block_of(DIALECT, whole))
        return
    given = asked.query.tools.add(name=tool.text("name"), description=tool.text("description"))
    if (schema := tool.any("input_schema")) is not None:
        given.parameters_json = json_of(schema)
    if (strict := tool.flag("strict")) is not None:
        given.strict = strict
    read_cache_hint(given, tool)
    add_option(given, DIALECT, tool.rest())


def _read_tool_choice(asked: Asked, fields: Fields) -> None:
    choice = fields.members("tool_choice")
    if choice is None:
        return
    kind = choice.required_text("type")
    if kind == "tool":
        _choose(asked, choice.text("name"))
    elif kind in _CHOICES:
        if asked.query.tools or kind == "any":
            asked.query.tool_choice.mode = _CHOICES[kind]
    else:
        choice.wrong("type", f"is none of tool, {', '.join(_CHOICES)}", Reason.UNKNOWN_ENUM_VALUE)
    if (alone := choice.flag("disable_parallel_tool_use")) is not None and asked.query.tools:
        asked.query.generation.parallel_tool_calls = not alone
    if rest := choice.rest():
        fields.left["tool_choice"] = rest


def _choose(asked: Asked, name: str) -> None:
    """The one tool; a tool of the provider's own bears the name only where it is chosen by it."""
    asked.query.tool_choice.tool_name = name
    for tool in asked.query.tools:
        if tool.HasField("provider_tool") and f'"name":{json_of(name)}' in tool.provider_tool.json:
            tool.name = name


def _read_generation(config: pb.GenerationConfig, fields: Fields, *, counting: bool) -> None:
    if (limit := fields.integer("max_tokens")) is not None:
        config.max_output_tokens = limit
    elif not counting:
        fields.wrong("max_tokens", Reason.FIELD_REQUIRED.value, Reason.FIELD_REQUIRED)
    for name in ("temperature", "top_p"):
        if (number := fields.number(name)) is not None:
            setattr(config, name, number)
    if (top_k := fields.integer("top_k")) is not None:
        config.top_k = top_k
    config.stop_sequences.extend(fields.texts("stop_sequences"))
    _read_format(config, fields)
    _read_thinking(config, fields)


def _read_format(config: pb.GenerationConfig, fields: Fields) -> None:
    """The schema of the answer, where the API has it now, or where it had it before."""
    output = fields.left.get("output_config")
    told = output.get("format") if isinstance(output, dict) else fields.left.get("output_format")
    if not isinstance(told, dict) or told.get("type") != "json_schema" or "schema" not in told:
        return
    config.response_format.json_schema.name = _SCHEMA_NAME
    config.response_format.json_schema.schema_json = json_of(told["schema"])
    fields.any("output_format")
    if isinstance(output, dict):
        _leave(fields, "output_config", _without(output, "format"))


def _read_thinking(config: pb.GenerationConfig, fields: Fields) -> None:
    """How much to reason: by an effort or by a budget; who says both says it to Claude alone."""
    thinking, output = fields.left.get("thinking"), fields.left.get("output_config")
    effort = output.get("effort") if isinstance(output, dict) else None
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if isinstance(thinking, dict) and effort is None and kind in ("enabled", "disabled"):
        budget = thinking.get("budget_tokens")
        if kind == "disabled":
            config.reasoning_effort = EFFORTS["none"]
        elif isinstance(budget, int) and 0 < budget < 2**31:
            config.reasoning_budget_tokens = budget
        else:
            return
        _leave(fields, "thinking", _without(thinking, "type", "budget_tokens"))
    elif isinstance(output, dict) and isinstance(effort, str) and effort in EFFORTS and kind in (None, "adaptive"):
        config.reasoning_effort = EFFORTS[effort]
        _leave(fields, "output_config", _without(output, "effort"))
        if isinstance(thinking, dict):
            _leave(fields, "thinking", _without(thinking, "type"))


def _without(value: Json, *names: str) -> Json:
    return {name: member for name, member in value.items() if name not in names}


def _leave(fields: Fields, name: str, rest: Json) -> None:
    """Leave of a member what has not been read."""
    fields.any(name)
    if rest:
        fields.left[name] = rest
