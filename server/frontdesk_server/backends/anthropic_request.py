"""A query as the body of an Anthropic Messages request."""

from __future__ import annotations

from typing import Any

from frontdesk_server.backends.anthropic_turns import (
    called_tools,
    container_of,
    system_of,
    turns_of,
    within_cache_limit,
    without_prompt,
)
from frontdesk_server.backends.extensions import cache_control, demanded_block, extended, note_history
from frontdesk_server.backends.openai_request import parsed
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import sendable
from frontdesk_server.domain.objections import objection, room_objection
from frontdesk_server.domain.profile import MIN_THINKING_TOKENS, Profile, Thinking
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

_THINKING_TOKENS = {
    ReasoningEffort.MINIMAL: MIN_THINKING_TOKENS,
    ReasoningEffort.LOW: 1024,
    ReasoningEffort.MEDIUM: 4096,
    ReasoningEffort.HIGH: 16384,
    ReasoningEffort.XHIGH: 32768,
    ReasoningEffort.MAX: 65536,
}
_TOOL_CHOICES = {
    ToolChoiceMode.AUTO: {"type": "auto"},
    ToolChoiceMode.NONE: {"type": "none"},
    ToolChoiceMode.REQUIRED: {"type": "any"},
}


def messages_body(call: BackendCall, default_max_tokens: int) -> Json:
    """The request's JSON; the API demands a limit of the output, so there is a default.

    Raises:
        UpstreamRequestRefused: the API has no words for a part of the query.

    """
    query, profile = call.query, call.profile
    if refused := objection(profile, query):
        raise UpstreamRequestRefused(f"by the API {refused}")
    history = sendable(query.messages, profile.tool_call_ids)
    note_history(query, history, call)
    systems, conversation = without_prompt(history, call)
    body: Json = {
        "model": call.upstream_model,
        "messages": turns_of(conversation, call),
        **_generation(query.generation, call.output_limit, default_max_tokens, profile),
    }
    if system := system_of(systems, call):
        body["system"] = system
    if call.stream:
        body["stream"] = True
    if query.tools:
        body["tools"] = [_offered(tool, call) for tool in query.tools]
    if choice := _tool_choice(query):
        body["tool_choice"] = choice
    if query.user_id:
        body["metadata"] = {"user_id": query.user_id}
    if container := container_of(history, call):
        body["container"] = container
    if not query.tools and (called := called_tools(history)):
        # The API demands a definition of every tool that the conversation speaks of; none may be called any more.
        body["tools"] = [_tool(Tool(name)) for name in called]
        body["tool_choice"] = _TOOL_CHOICES[ToolChoiceMode.NONE]
    return within_cache_limit(extended(body, query.provider_options, call), call)


def _offered(tool: Tool, call: BackendCall) -> Json:
    item = _tool(tool) if tool.provider_tool is None else demanded_block(tool.provider_tool, call)
    item = extended(item, tool.provider_options, call)
    return item if tool.cache_hint is None else {**item, "cache_control": cache_control(tool.cache_hint)}


def _tool(tool: Tool) -> Json:
    schema = parsed(tool.parameters_json, f"the parameters of tool {tool.name!r}") if tool.parameters_json else {}
    item: Json = {"name": tool.name, "input_schema": {"type": "object", **schema}}
    if tool.description:
        item["description"] = tool.description
    if tool.strict is not None:
        item["strict"] = tool.strict
    return item


def _tool_choice(query: Query) -> Json | None:
    """The API tells by the choice, too, whether calls may be parallel, which they are unless it says otherwise."""
    chosen = query.tool_choice
    one_at_a_time = query.generation.parallel_tool_calls is False
    if chosen is None and not one_at_a_time:
        return None
    chosen = chosen or ToolChoice()
    choice = {"type": "tool", "name": chosen.tool_name} if chosen.tool_name else _TOOL_CHOICES[chosen.mode]
    if one_at_a_time and chosen.mode is not ToolChoiceMode.NONE:
        return {**choice, "disable_parallel_tool_use": True}
    return choice


def _generation(generation: GenerationConfig, limit: int | None, default_max_tokens: int, profile: Profile) -> Json:
    settings: Json = {
        "max_tokens": default_max_tokens if limit is None else limit,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "stop_sequences": list(generation.stop_sequences) or None,
    }
    output: Json = {}
    if isinstance(generation.response_format, JsonSchemaFormat):
        schema = parsed(generation.response_format.schema_json, "the schema of the response format")
        output["format"] = {"type": "json_schema", "schema": schema}
    said = thinking(generation, limit, default_max_tokens, profile)
    output |= said.pop("output_config", {})
    settings |= {**said, "output_config": output or None}
    return {name: value for name, value in settings.items() if value is not None}


def thinking(generation: GenerationConfig, limit: int | None, default_max_tokens: int, profile: Profile) -> Json:
    """Claude's `thinking` and effort, with the `max_tokens` that they need; nothing where reasoning is left to it.

    Raises:
        UpstreamRequestRefused: the limit of the answer leaves no room for it.

    """
    effort = generation.reasoning_effort
    if generation.reasoning_budget_tokens is not None:
        return _within_budget(generation.reasoning_budget_tokens, limit, default_max_tokens)
    if effort is None or (effort is ReasoningEffort.NONE and not profile.reasons_unasked):
        return {}
    if effort is ReasoningEffort.NONE:
        return {"thinking": {"type": profile.unthinking}}
    if profile.thinking is not Thinking.ADAPTIVE:
        return _with_effort(_THINKING_TOKENS[effort], limit, default_max_tokens)
    max_tokens = default_max_tokens + _THINKING_TOKENS[effort] if limit is None else limit
    return {"max_tokens": max_tokens, "thinking": {"type": "adaptive"}, "output_config": {"effort": effort.value}}


def _with_effort(budget_tokens: int, limit: int | None, default_max_tokens: int) -> Json:
    """A budget of at most half of a limited answer."""
    if limit is not None:
        budget_tokens = max(MIN_THINKING_TOKENS, min(budget_tokens, limit // 2))
    return _within_budget(budget_tokens, limit, default_max_tokens)


def _within_budget(budget_tokens: int, limit: int | None, default_max_tokens: int) -> Json:
    """Exactly this budget; it comes on top of the default answer where nothing limits that."""
    if limit is not None and (refused := room_objection(limit, budget_tokens)):
        raise UpstreamRequestRefused(f"by the API {refused}")
    max_tokens = default_max_tokens + budget_tokens if limit is None else limit
    return {"max_tokens": max_tokens, "thinking": {"type": "enabled", "budget_tokens": budget_tokens}}
