"""A query as the body of an OpenAI-compatible /chat/completions request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson

from frontdesk_server.backends.cache_marks import within_limit
from frontdesk_server.backends.extensions import cache_control, demanded_block, extended, given_back, note_history
from frontdesk_server.backends.json_reading import given_value
from frontdesk_server.backends.message_order import in_order
from frontdesk_server.backends.openai_content import Contents
from frontdesk_server.backends.provider_state import REASONING_FIELDS
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import sendable
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.profile import Caching, Profile, Thinking
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    Message,
    ProviderPart,
    ReasoningEffort,
    ReasoningPart,
    ResponseFormat,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Json = dict[str, Any]

_UNFIT_IN_NAME = re.compile(r"[\s<|\\/>]+")
_LONGEST_NAME = 64
_SPEAKING = frozenset(("tool_calls", "refusal"))


def chat_completion_body(call: BackendCall) -> Json:
    """The request's JSON.

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
        "messages": _messages(history, call),
        **_generation(query.generation, call.output_limit, profile),
    }
    if call.stream:
        body["stream"] = True
        if profile.stream_options:
            body["stream_options"] = {"include_usage": True}
    if query.tools:
        body["tools"] = [_offered(tool, call) for tool in query.tools]
        if query.generation.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = query.generation.parallel_tool_calls
    if query.tool_choice is not None:
        body["tool_choice"] = _tool_choice(query.tool_choice)
    if query.user_id and profile.user_field is not None:
        body[profile.user_field] = query.user_id
    body = extended(body, query.provider_options, call)
    if call.cache_key and profile.cache_key_field is not None:
        body.setdefault(profile.cache_key_field, call.cache_key)
    if profile.prompt_caching is Caching.EXPLICIT:
        contents = [item["content"] for item in body["messages"] if isinstance(item.get("content"), list)]
        within_limit([*body.get("tools", ()), *chain.from_iterable(contents)], call)
    return body


def parsed(json: str, what: str) -> Any:
    """A JSON value that the caller gave as text.

    Raises:
        UpstreamRequestRefused: it is not JSON.

    """
    try:
        return given_value(json)
    except ValueError as error:
        raise UpstreamRequestRefused(f"{what} is not valid JSON") from error


def _messages(history: Sequence[Message], call: BackendCall) -> list[Json]:
    """What the assistant did not say is left out where the API refuses an empty answer."""
    if not call.profile.later_system_messages:
        history = _systems_first(history, call)
    items = [item for message in history for item in _items(message, call)]
    if not call.profile.empty_answers:
        said = [item for item in items if item["role"] != "assistant" or item["content"] or _SPEAKING & item.keys()]
        if len(said) != len(items):
            detail = "answers without content were left out, as the API refuses them"
            call.dispatch.adjustments.append(Adjustment("query.messages", detail))
        items = said
    return in_order(items, call)


def _systems_first(history: Sequence[Message], call: BackendCall) -> Sequence[Message]:
    """The history with one system message, before all others, that says what all of them say."""
    systems = [message for message in history if message.role is Role.SYSTEM]
    if not systems or (len(systems) == 1 and history[0].role is Role.SYSTEM):
        return history
    call.dispatch.adjustments.append(Adjustment("query.messages", "system messages were put together at the beginning"))
    parts = tuple(part for message in systems for part in message.parts)
    return [replace(systems[0], parts=parts), *(message for message in history if message.role is not Role.SYSTEM)]


def _items(message: Message, call: BackendCall) -> Iterator[Json]:
    for item in _bare_items(message, call):
        yield extended(item, message.provider_options, call)


def _bare_items(message: Message, call: BackendCall) -> Iterator[Json]:
    contents, profile = Contents(call), call.profile
    match message.role:
        case Role.TOOL:
            for part in message.parts:
                if isinstance(part, ToolResult):
                    item = {"role": "tool", "tool_call_id": part.tool_call_id, "content": contents.of_result(part)}
                    yield extended(item, part.provider_options, call)
                elif isinstance(part, ProviderPart):
                    yield demanded_block(part.block, call)
        case Role.ASSISTANT:
            item = _named(message, _assistant(message, call, contents), profile)
            yield _whole(item, message, call) if profile.state else item
        case _:
            yield _named(message, {"role": message.role.value, "content": contents.of_message(message)}, profile)


def _named(message: Message, item: Json, profile: Profile) -> Json:
    if not profile.names:
        return _prefixed(item, message.name)
    name = _UNFIT_IN_NAME.sub("_", message.name)[:_LONGEST_NAME]
    return {**item, "name": name} if name else item


def _prefixed(item: Json, name: str) -> Json:
    """The name before what is said, where the API has no field for it."""
    content = item["content"]
    if not name or not content:
        return item
    if isinstance(content, str):
        return {**item, "content": f"{name}: {content}"}
    return {**item, "content": [{"type": "text", "text": f"{name}:"}, *content]}


def _whole(item: Json, message: Message, call: BackendCall) -> Json:
    """The item with what the provider wants back with it; reasoning that its caller took out is no state any more."""
    whole = given_back(item, message.provider_state, call)
    audio = whole.get("audio")
    if isinstance(audio, dict) and "id" in audio:  # by which the provider knows the sound
        whole["audio"] = {"id": audio["id"]}
    return {name: value for name, value in whole.items() if value is not None or name == "content"}


def _assistant(message: Message, call: BackendCall, contents: Contents) -> Json:
    profile = call.profile
    calls = list(contents.of_calls(message))
    refused = [p.text for p in message.parts if isinstance(p, TextPart) and p.refusal] if profile.refusals else []
    fields = _reasoning_fields(message, call)
    said = contents.of_assistant(message, thinking="content" in fields)
    item: Json = {"role": "assistant", "content": said or (None if calls or refused else "")}
    if refused:
        item["refusal"] = "".join(refused)
    if calls:
        item["tool_calls"] = calls
    reasoning = "".join(p.text for p in message.parts if isinstance(p, ReasoningPart) and not p.signed)
    if reasoning:
        item |= dict.fromkeys(fields - {"content"}, reasoning)
    return item


def _reasoning_fields(message: Message, call: BackendCall) -> frozenset[str]:
    """Where the reasoning of a message goes: to the provider that gave it, as it gave it.

    Others' goes back only in a tool loop, where several APIs demand some. None of it is signed.
    """
    field = call.profile.reasoning_field
    if field is None:
        return frozenset()
    own = (orjson.loads(state.json) for state in message.provider_state if state.dialect == call.provider)
    if used := frozenset(name for state in own for name in state if name in REASONING_FIELDS):
        return used
    called = any(isinstance(part, ToolCall) for part in message.parts)
    return frozenset((field,)) if called and field != "content" else frozenset()


def _offered(tool: Tool, call: BackendCall) -> Json:
    item = _tool(tool) if tool.provider_tool is None else demanded_block(tool.provider_tool, call)
    item = extended(item, tool.provider_options, call)
    if tool.cache_hint is None or call.profile.prompt_caching is not Caching.EXPLICIT:
        return item
    return {**item, "cache_control": cache_control(tool.cache_hint)}


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters_json:
        function["parameters"] = parsed(tool.parameters_json, f"the parameters of tool {tool.name!r}")
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | Json:
    if choice.tool_name:
        return {"type": "function", "function": {"name": choice.tool_name}}
    return choice.mode.value


def _generation(generation: GenerationConfig, limit: int | None, profile: Profile) -> Json:
    settings: Json = {
        profile.output_limit_field: limit,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "stop": list(generation.stop_sequences) or None,
        profile.seed_field: generation.seed,
        "frequency_penalty": generation.frequency_penalty,
        "presence_penalty": generation.presence_penalty,
        "logprobs": True if generation.logprobs or generation.top_logprobs else None,
        "top_logprobs": generation.top_logprobs or None,
        "response_format": None if generation.response_format is None else _response_format(generation.response_format),
        **_reasoning(generation, profile.thinking),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _reasoning(generation: GenerationConfig, thinking: Thinking) -> Json:
    """How much the model is to reason, in the words that it understands."""
    effort, budget = generation.reasoning_effort, generation.reasoning_budget_tokens
    if effort is None and budget is None:
        return {}
    at_rest = effort is ReasoningEffort.NONE
    said = None if effort is None else effort.value
    match thinking:
        case Thinking.OBJECT:
            return {"reasoning": {"effort": said} if budget is None else {"max_tokens": budget}}
        case Thinking.TOGGLE if at_rest:
            return {"thinking": {"type": "disabled"}}
        case Thinking.TOGGLE:
            return {"thinking": {"type": "enabled"}, "reasoning_effort": said}
        case Thinking.SWITCH:
            return {"enable_thinking": not at_rest, "thinking_budget": budget}
        case _:
            return {"reasoning_effort": said}


def _response_format(response_format: ResponseFormat) -> Json:
    match response_format:
        case JsonObjectFormat():
            return {"type": "json_object"}
        case JsonSchemaFormat(name, schema_json, description, strict):
            schema: Json = {"name": name, "schema": parsed(schema_json, "the schema of the response format")}
            if description:
                schema["description"] = description
            if strict is not None:
                schema["strict"] = strict
            return {"type": "json_schema", "json_schema": schema}
