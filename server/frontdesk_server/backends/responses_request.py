"""A query as the body of a stateless request to OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

from frontdesk_server.backends.extensions import demanded_block, extended, note_history
from frontdesk_server.backends.openai_request import parsed
from frontdesk_server.backends.responses_turns import input_items
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import sendable
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    Query,
    ResponseFormat,
    Tool,
    ToolChoice,
)

Json = dict[str, Any]

_LONGEST_USER = 64
_NO_PARAMETERS: Json = {"type": "object", "properties": {}}
_SEALED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
_CHOSEN_BY = ("type", "name", "server_label")
"""What names one of the provider's own tools."""


def response_body(call: BackendCall) -> Json:
    """The request's JSON; nothing of it is stored.

    Raises:
        UpstreamRequestRefused: the API has no words for a part of the query.

    """
    query, profile = call.query, call.profile
    if refused := objection(profile, query):
        raise UpstreamRequestRefused(f"by the API {refused}")
    history = sendable(query.messages, profile.tool_call_ids)
    note_history(query, history, call)
    body: Json = {
        "model": call.upstream_model,
        "input": input_items(history, call),
        "store": False,
        **_generation(query.generation, _limit(call)),
        **_tools(query, call),
    }
    if call.stream:
        body["stream"] = True
    if query.user_id and profile.user_field is not None:
        body |= _user(query.user_id, profile.user_field, call)
    body = _including(extended(body, query.provider_options, call), call)
    if call.cache_key and profile.cache_key_field is not None:
        body.setdefault(profile.cache_key_field, call.cache_key)
    return body


def _limit(call: BackendCall) -> int | None:
    limit, least = call.output_limit, call.profile.least_output_tokens
    if limit is not None and limit < least:
        raise UpstreamRequestRefused(f"{limit} tokens are left to the answer, the API takes no limit below {least}")
    return limit


def _user(user_id: str, field: str, call: BackendCall) -> Json:
    if len(user_id) <= _LONGEST_USER:
        return {field: user_id}
    detail = f"left out: the API takes at most {_LONGEST_USER} characters"
    call.dispatch.adjustments.append(Adjustment("query.user_id", detail))
    return {}


def _including(body: Json, call: BackendCall) -> Json:
    """What the answer is to hold beside what it always does: of ours first, then what the caller's options ask for."""
    generation = call.query.generation
    wanted = [_SEALED] if call.profile.sealed_reasoning else []
    if generation.logprobs or generation.top_logprobs:
        wanted.append(_LOGPROBS)
    asked = body.get("include")
    if isinstance(asked, list):
        wanted += [one for one in asked if one not in wanted]
    return {**body, "include": wanted} if wanted else body


def _tools(query: Query, call: BackendCall) -> Json:
    if not query.tools:
        return {}
    settings: Json = {"tools": [_offered(tool, call) for tool in query.tools]}
    if query.tool_choice is not None:
        settings["tool_choice"] = _tool_choice(query.tool_choice, query.tools, call)
    if query.generation.parallel_tool_calls is not None:
        settings["parallel_tool_calls"] = query.generation.parallel_tool_calls
    return settings


def _offered(tool: Tool, call: BackendCall) -> Json:
    item = _tool(tool) if tool.provider_tool is None else demanded_block(tool.provider_tool, call)
    return extended(item, tool.provider_options, call)


def _tool(tool: Tool) -> Json:
    """A function; the API takes one for strict that does not say that it is not."""
    parameters = _NO_PARAMETERS
    if tool.parameters_json:
        parameters = parsed(tool.parameters_json, f"the parameters of tool {tool.name!r}")
    function: Json = {"type": "function", "name": tool.name, "parameters": parameters, "strict": bool(tool.strict)}
    return {**function, "description": tool.description} if tool.description else function


def _tool_choice(choice: ToolChoice, tools: tuple[Tool, ...], call: BackendCall) -> str | Json:
    if not choice.tool_name:
        return choice.mode.value
    for tool in tools:
        if tool.name == choice.tool_name and tool.provider_tool is not None:
            block = demanded_block(tool.provider_tool, call)
            return {name: block[name] for name in _CHOSEN_BY if name in block}
    return {"type": "function", "name": choice.tool_name}


def _generation(generation: GenerationConfig, limit: int | None) -> Json:
    effort, form = generation.reasoning_effort, generation.response_format
    settings: Json = {
        "max_output_tokens": limit,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_logprobs": generation.top_logprobs or None,
        "reasoning": None if effort is None else {"effort": effort.value},
        "text": None if form is None else {"format": _text_format(form)},
    }
    return {name: value for name, value in settings.items() if value is not None}


def _text_format(form: ResponseFormat) -> Json:
    match form:
        case JsonObjectFormat():
            return {"type": "json_object"}
        case JsonSchemaFormat(name, schema_json, description, strict):
            schema: Json = {
                "type": "json_schema",
                "name": name,
                "schema": parsed(schema_json, "the schema of the response format"),
            }
            if description:
                schema["description"] = description
            return schema if strict is None else {**schema, "strict": strict}
