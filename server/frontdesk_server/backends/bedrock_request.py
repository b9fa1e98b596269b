"""A query as the body of a Converse or ConverseStream request of Amazon Bedrock.

Source: the reference of the Bedrock Runtime API. What models take beyond it lies in `additionalModelRequestFields`.
"""

from __future__ import annotations

import re
from typing import Any

from frontdesk_server.backends.anthropic_request import thinking
from frontdesk_server.backends.bedrock_caching import cache_points, within_cache_limit
from frontdesk_server.backends.bedrock_turns import Turns, called_tools
from frontdesk_server.backends.extensions import demanded_block, extended, note_history
from frontdesk_server.backends.openai_request import parsed
from frontdesk_server.config.clouds import BedrockFamily
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import sendable
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.profile import Profile, Thinking
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonSchemaFormat,
    Query,
    ReasoningEffort,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)

Json = dict[str, Any]

DEFAULT_MAX_TOKENS = 4096
"""Limit of Claude's answer beside its reasoning when nothing else sets one."""

_METADATA_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{1,256}")
_ENDED = "No longer available: do not call it."


def converse_body(call: BackendCall, family: BedrockFamily) -> Json:
    """The request's JSON; the model is named by its address.

    Raises:
        UpstreamRequestRefused: the API or the model has no words for a part of the query.

    """
    query, profile = call.query, call.profile
    if refused := objection(profile, query):
        raise UpstreamRequestRefused(f"by the API {refused}")
    history = sendable(query.messages, profile.tool_call_ids)
    note_history(query, history, call)
    turns = Turns(call)
    body: Json = {"messages": turns.of(history), **_generation(query.generation, _limit(call), family, profile)}
    if system := turns.system(history):
        body["system"] = system
    if tools := _tools(query, called_tools(history), call):
        body["toolConfig"] = tools
    if query.user_id:
        if _METADATA_VALUE.fullmatch(query.user_id):
            body["requestMetadata"] = {"user_id": query.user_id}
        else:
            detail = "left out: the API's metadata hold no such characters"
            call.dispatch.adjustments.append(Adjustment("query.user_id", detail))
    return within_cache_limit(extended(body, query.provider_options, call), call)


def _limit(call: BackendCall) -> int | None:
    """The limit of the answer, which the API takes beside most efforts: the caller's excludes the model before."""
    if call.query.generation.reasoning_effort not in call.profile.unbounded_efforts:
        return call.output_limit
    if call.output_limit is not None:
        detail = "the model's own limit was left out: the API takes none beside this effort"
        call.dispatch.adjustments.append(Adjustment("query.generation.max_output_tokens", detail))
    return None


def _tools(query: Query, called: list[str], call: BackendCall) -> Json | None:
    """The API demands tools where the conversation speaks of some, and has no word for calling none of them."""
    choice = query.tool_choice or ToolChoice()
    if not called and (not query.tools or choice.mode is ToolChoiceMode.NONE):
        return None
    if not query.tools:
        detail = "the tools of the conversation are described as ended, as the API demands a description"
        call.dispatch.adjustments.append(Adjustment("query.tools", detail))
        return {"tools": [_tool(Tool(name, _ENDED)) for name in called]}
    config: Json = {"tools": [item for tool in query.tools for item in _offered(tool, call)]}
    if choice.tool_name:
        config["toolChoice"] = {"tool": {"name": choice.tool_name}}
    elif choice.mode is ToolChoiceMode.REQUIRED:
        config["toolChoice"] = {"any": {}}
    elif query.tool_choice is not None:
        config["toolChoice"] = {"auto": {}}
    return config


def _offered(tool: Tool, call: BackendCall) -> list[Json]:
    item = _tool(tool) if tool.provider_tool is None else demanded_block(tool.provider_tool, call)
    points = cache_points(tool.cache_hint, call) if call.profile.cached_tools else []
    return [extended(item, tool.provider_options, call), *points]


def _tool(tool: Tool) -> Json:
    schema = parsed(tool.parameters_json, f"the parameters of tool {tool.name!r}") if tool.parameters_json else {}
    spec: Json = {"name": tool.name, "inputSchema": {"json": {"type": "object", **schema}}}
    if tool.description.strip():
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": spec}


def _generation(generation: GenerationConfig, limit: int | None, family: BedrockFamily, profile: Profile) -> Json:
    max_tokens, further = _of_model(generation, limit, family, profile)
    inference = {
        "maxTokens": max_tokens,
        "temperature": generation.temperature,
        "topP": generation.top_p,
        "stopSequences": list(generation.stop_sequences) or None,
    }
    settings: Json = {
        "inferenceConfig": {name: value for name, value in inference.items() if value is not None},
        "additionalModelRequestFields": further,
    }
    if isinstance(generation.response_format, JsonSchemaFormat):
        settings["outputConfig"] = {"textFormat": _text_format(generation.response_format)}
    return {name: value for name, value in settings.items() if value}


def _of_model(
    generation: GenerationConfig, limit: int | None, family: BedrockFamily, profile: Profile
) -> tuple[int | None, Json]:
    """The limit of the answer, and what this family of models takes beyond the API's own fields."""
    fields: Json = {}
    effort = generation.reasoning_effort
    if generation.top_k is not None:
        fields = {"inferenceConfig": {"topK": generation.top_k}} if family == "nova" else {"top_k": generation.top_k}
    if family == "claude":
        settings = thinking(generation, limit, DEFAULT_MAX_TOKENS, profile)
        max_tokens: int | None = settings.pop("max_tokens", limit)
        return max_tokens, {**fields, **settings}
    if effort is not None and profile.thinking is Thinking.NONE:
        return limit, fields  # it rests, as it always does
    if effort is not None and family == "nova":
        on = {"type": "enabled", "maxReasoningEffort": effort.value}
        fields["reasoningConfig"] = {"type": "disabled"} if effort is ReasoningEffort.NONE else on
    elif effort is not None:
        fields["reasoning_effort"] = effort.value
    return limit, fields


def _text_format(form: JsonSchemaFormat) -> Json:
    parsed(form.schema_json, "the schema of the response format")
    schema = {"schema": form.schema_json, "name": form.name}
    if form.description:
        schema["description"] = form.description
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}
