"""OpenAI's Responses on loopback: refuses what the real one refuses, in its words, and streams its events.

A judge that shares no code with the client. Sources: the API's reference, and the texts of its 400 answers: "Unknown
parameter", "Missing required parameter", "integer below minimum value. Expected a value >= 16", "string too long.
Expected a string with maximum length 64", "Item 'rs_1' of type 'reasoning' was provided without its required following
item", "No tool call found for function call output", "No tool output found for function call", "Item with id 'rs_1' not
found. Items are not persisted when `store` is set to false", "The encrypted content could not be verified", "Encrypted
content is not supported with this model".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.upstream.loopback import RawAnswer, RawRequest, json_answer
from tests.upstream.script import Script

Json = dict[str, Any]

_PARAMETERS = frozenset(
    (
        *("model", "input", "include", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "stream"),
        *("parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention", "reasoning", "safety_identifier"),
        *("service_tier", "store", "stream_options", "temperature", "text", "tool_choice", "tools", "top_logprobs"),
        *("top_p", "truncation", "user", "background", "conversation", "previous_response_id", "prompt"),
    )
)
_INCLUDABLE = frozenset(
    (
        *("reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources"),
        *("file_search_call.results", "code_interpreter_call.outputs", "computer_call_output.output.image_url"),
    )
)
_EFFORTS = frozenset(("none", "minimal", "low", "medium", "high", "xhigh"))
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FIELDS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content"},
    "function_call": {"type", "id", "call_id", "name", "arguments", "status"},
    "function_call_output": {"type", "id", "call_id", "output", "status"},
}
_CONTENTS = {
    "input_text": {"type", "text"},
    "input_image": {"type", "image_url", "file_id", "detail"},
    "input_file": {"type", "file_data", "file_id", "file_url", "filename"},
    "output_text": {"type", "text", "annotations", "logprobs"},
    "refusal": {"type", "refusal"},
    "output_chart": {"type", "chart"},  # what the API will learn to say
}
SEALED = "gAAAAA-sealed-by-the-server-"
"""How everything begins that this server sealed."""


class Refused(Exception):
    """What the API refuses."""

    def __init__(self, message: str, param: str = "input", code: str | None = None) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        self.answer = json_answer({"error": error}, 400)
        super().__init__(message)


def check(body: Json, *, reasons: bool = True) -> None:
    """Refuse what a model that `reasons`, or does not, is not sent."""
    _no_others(body, _PARAMETERS, "")
    for name in ("model", "input"):
        if not body.get(name):
            raise Refused(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if body.get("max_output_tokens", 16) < 16:
        told = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16."
        raise Refused(told, "max_output_tokens", "integer_below_min_value")
    if len(body.get("safety_identifier", "")) > 64:
        raise Refused("Invalid 'safety_identifier': string too long.", "safety_identifier", "string_above_max_length")
    _check_include(body, reasons=reasons)
    if not reasons and body.get("reasoning", {}).get("effort"):
        told = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
        raise Refused(told, "reasoning.effort", "unsupported_parameter")
    if body.get("reasoning", {}).get("effort", "low") not in _EFFORTS:
        raise Refused("Invalid value: 'reasoning.effort'.", "reasoning.effort", "invalid_value")
    _check_tools(body)
    _check_input(body)


def _no_others(item: Json, known: frozenset[str] | set[str], at: str) -> None:
    if unknown := sorted(item.keys() - known):
        where = f"{at}{unknown[0]}"
        raise Refused(f"Unknown parameter: '{where}'.", where, "unknown_parameter")


def _check_include(body: Json, *, reasons: bool) -> None:
    include = body.get("include", [])
    if not set(include) <= _INCLUDABLE or len(set(include)) < len(include):
        raise Refused("Invalid value: 'include'.", "include", "invalid_value")
    if not reasons and "reasoning.encrypted_content" in include:
        raise Refused("Encrypted content is not supported with this model.", "include")
    if "top_logprobs" in body and "message.output_text.logprobs" not in include:
        raise Refused("'top_logprobs' demands 'message.output_text.logprobs'.", "top_logprobs")


def _check_tools(body: Json) -> None:
    tools = body.get("tools", [])
    for place, tool in enumerate(tools):
        if "type" not in tool:
            raise Refused(f"Missing required parameter: 'tools[{place}].type'.", "tools", "missing_required_parameter")
        if tool["type"] != "function":
            continue
        _no_others(tool, {"type", "name", "description", "parameters", "strict", "defer_loading"}, f"tools[{place}].")
        if not _TOOL_NAME.fullmatch(tool.get("name", "")) or tool.get("parameters", {}).get("type") != "object":
            raise Refused(f"Invalid 'tools[{place}]'.", "tools")
        if tool.get("strict", True) and tool["parameters"].get("additionalProperties") is not False:
            told = f"Invalid schema for function '{tool['name']}': 'additionalProperties' is required to be supplied"
            raise Refused(told, f"tools[{place}].parameters", "invalid_function_parameters")
    choice = body.get("tool_choice", "auto")
    if choice not in ("auto", "none", "required"):
        types = {tool["type"] for tool in tools}
        names = {tool.get("name") for tool in tools if tool["type"] == choice["type"]}
        if choice["type"] not in types or ("name" in choice and choice["name"] not in names):
            raise Refused("Tool choice not found in 'tools' parameter.", "tool_choice")
    elif choice == "required" and not tools:
        raise Refused("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")


def _check_input(body: Json) -> None:
    items = body["input"]
    calls: dict[str, bool] = {}
    for place, item in enumerate(items):
        kind = item.get("type", "message")
        _no_others(item, _FIELDS.get(kind, item.keys()), f"input[{place}].")
        match kind:
            case "message":
                _check_message(item, f"input[{place}]")
            case "reasoning":
                _check_reasoning(item, items[place + 1 :])
            case "function_call":
                if len(item["call_id"]) > 64 or not item["call_id"] or item["call_id"] in calls:
                    raise Refused(f"Invalid 'input[{place}].call_id': string too long, empty or used before.")
                if not _TOOL_NAME.fullmatch(item["name"]) or not isinstance(item["arguments"], str):
                    raise Refused(f"Invalid 'input[{place}]'.")
                calls[item["call_id"]] = False
            case "function_call_output":
                if item["call_id"] not in calls:
                    raise Refused(f"No tool call found for function call output with call_id {item['call_id']}.")
                calls[item["call_id"]] = True
                if isinstance(item["output"], list):
                    _check_contents(item["output"], "input_", f"input[{place}].output")
    if open_calls := [call_id for call_id, answered in calls.items() if not answered]:
        raise Refused(f"No tool output found for function call {open_calls[0]}.")
    ids = [item["id"] for item in items if "id" in item]
    if len(set(ids)) < len(ids):
        raise Refused("Duplicate item found with id.")


def _check_message(item: Json, at: str) -> None:
    if item["role"] not in ("user", "system", "developer", "assistant"):
        raise Refused(f"Invalid value: '{item['role']}'.", f"{at}.role", "invalid_value")
    if "id" in item and not item["id"].startswith("msg_"):
        raise Refused(f"Invalid '{at}.id': '{item['id']}'. Expected an ID that begins with 'msg'.")
    if isinstance(item["content"], list):
        _check_contents(item["content"], "output_" if item["role"] == "assistant" else "input_", at)
    elif not isinstance(item["content"], str):
        raise Refused(f"Invalid type for '{at}.content'.", f"{at}.content", "invalid_type")


def _check_contents(contents: list[Json], kind: str, at: str) -> None:
    for content in contents:
        if not content["type"].startswith(kind) and not (kind == "output_" and content["type"] == "refusal"):
            raise Refused(f"Invalid value: '{content['type']}'.", f"{at}.content", "invalid_value")
        _no_others(content, _CONTENTS[content["type"]], f"{at}.content.")


def _check_reasoning(item: Json, following: list[Json]) -> None:
    if "summary" not in item:
        raise Refused("Missing required parameter: 'input.summary'.", "input", "missing_required_parameter")
    if not item.get("encrypted_content"):
        told = f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false."
        raise Refused(told)
    if not item["encrypted_content"].startswith(SEALED):
        raise Refused("The encrypted content could not be verified.", "input", "invalid_encrypted_content")
    after = next((one for one in following if one.get("type") != "reasoning"), {"role": "user"})
    if after.get("role", "assistant") != "assistant" or after.get("type", "").endswith("_output"):
        told = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
        raise Refused(told)


@dataclass
class Responses:
    """The API with its models, those of `plain` without reasoning. `items` are what it answers, if not the script."""

    models: tuple[str, ...] = ("gpt-5.2",)
    plain: tuple[str, ...] = ("gpt-4.1",)
    keys: tuple[str, ...] = ("key-123",)
    script: Script = field(default_factory=Script)
    items: list[Json] | None = None
    fail: Callable[[], bytes] | None = None
    """What stands in a stream after the first token; empty where it ends there."""
    error: Json | None = None

    def __call__(self, request: RawRequest) -> RawAnswer:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            error = {"message": "Incorrect API key provided.", "type": "invalid_request_error"}
            return json_answer({"error": {**error, "param": None, "code": "invalid_api_key"}}, 401)
        if request.path != "/v1/responses":
            return json_answer({"error": {"message": f"Invalid URL (POST {request.path})"}}, 404)
        body = request.json
        if body.get("model") not in (*self.models, *self.plain):
            told = f"The requested model '{body.get('model')}' does not exist."
            error = {"message": told, "type": "invalid_request_error", "param": "model", "code": "model_not_found"}
            return json_answer({"error": error}, 400)
        try:
            if body.get("store") is not False:
                raise Refused("This server keeps nothing.", "store")
            check(body, reasons=body["model"] in self.models)
        except Refused as refused:
            return refused.answer
        if not body.get("stream"):
            return json_answer(self._response(body, self._items(body)), x_request_id="req_1")
        chunks = tuple(self._frames(body))
        return RawAnswer(200, content_type="text/event-stream; charset=utf-8", chunks=chunks)

    def _items(self, body: Json) -> list[Json]:
        if self.items is not None:
            return self.items
        script, items = self.script, []
        if script.reasoning:
            summary = [{"type": "summary_text", "text": script.reasoning}]
            sealed = {"encrypted_content": SEALED + "1"} if "reasoning.encrypted_content" in body["include"] else {}
            items.append({"id": "rs_1", "type": "reasoning", "summary": summary, **sealed})
        if script.tool_name:
            called = {"call_id": "call_1", "name": script.tool_name, "arguments": script.text, "status": "completed"}
            return [*items, {"id": "fc_1", "type": "function_call", **called}]
        part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": script.text}
        if "message.output_text.logprobs" in body.get("include", ()):
            part["logprobs"] = [_logprob(token, body) for token in script.tokens]
        message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
        return [*items, message]

    def _response(self, body: Json, output: list[Json], status: str = "") -> Json:
        script = self.script
        reason = script.finish_reason
        tokens = len(script.tokens)
        details = {"cached_tokens": script.cached_tokens}
        usage = {"input_tokens": script.input_tokens, "input_tokens_details": details, "output_tokens": tokens}
        usage |= {"output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": script.input_tokens + tokens}
        ended = "failed" if self.error else "incomplete" if reason else "completed"
        return {
            "id": "resp_1",
            "object": "response",
            "status": status or ended,
            "error": None if status else self.error,
            "incomplete_details": {"reason": reason} if reason and not status else None,
            "model": f"{body['model']}-2026-01-01",
            "output": output,
            "service_tier": "default",
            "store": False,
            "usage": None if status else usage,
        }

    def _frames(self, body: Json) -> Iterator[bytes]:
        output = self._items(body)
        for number, event in enumerate(self._events(body, output)):
            yield sse({**event, "sequence_number": number})
            if self.fail is not None and event["type"].endswith(".delta"):
                if broken := self.fail():
                    yield broken
                return

    def _events(self, body: Json, output: list[Json]) -> Iterator[Json]:
        yield {"type": "response.created", "response": self._response(body, [], "in_progress")}
        yield {"type": "response.in_progress", "response": self._response(body, [], "in_progress")}
        for index, item in enumerate(output):
            yield from _item_events(index, item)
        response = self._response(body, output)
        yield {"type": f"response.{response['status']}", "response": response}


def _item_events(index: int, item: Json) -> Iterator[Json]:
    at: Json = {"output_index": index, "item_id": item.get("id")}
    match item["type"]:
        case "message":
            begun = {**item, "content": [], "status": "in_progress"}
            inner = [event for place, part in enumerate(item["content"]) for event in _part_events(place, part)]
        case "reasoning":
            begun = {**item, "summary": []}
            if "encrypted_content" in item:
                begun["encrypted_content"] = "not-yet-all-of-it"
            inner = [event for place, part in enumerate(item["summary"]) for event in _thought_events(place, part)]
        case "function_call":
            begun = {**item, "arguments": "", "status": "in_progress"}
            kind = "response.function_call_arguments"
            inner = [{"type": f"{kind}.delta", "delta": piece} for piece in _pieces(item["arguments"])]
            inner.append({"type": f"{kind}.done", "arguments": item["arguments"]})
        case kind:
            begun = {**item, "status": "in_progress"}
            inner = [{"type": f"response.{kind}.in_progress"}, {"type": f"response.{kind}.completed"}]
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    yield from ({**event, **at} for event in inner)
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _part_events(place: int, part: Json) -> Iterator[Json]:
    at = {"content_index": place}
    if part["type"] not in ("output_text", "refusal"):
        yield {"type": "response.content_part.added", "part": {"type": part["type"]}, **at}
        yield {"type": "response.content_part.done", "part": part, **at}
        return
    refusal = part["type"] == "refusal"
    name, kind = ("refusal", "response.refusal") if refusal else ("text", "response.output_text")
    yield {"type": "response.content_part.added", "part": {**part, name: "", "annotations": [], "logprobs": []}, **at}
    logprobs = iter(part.get("logprobs") or ())
    for piece in [entry["token"] for entry in part.get("logprobs") or ()] or _pieces(part[name]):
        said = {} if refusal else {"logprobs": [entry] if (entry := next(logprobs, None)) else []}
        yield {"type": f"{kind}.delta", "delta": piece, **said, **at}
    for number, annotation in enumerate(part.get("annotations") or ()):
        added = {"annotation": annotation, "annotation_index": number}
        yield {"type": "response.output_text.annotation.added", **added, **at}
    yield {"type": f"{kind}.done", name: part[name], **at}
    yield {"type": "response.content_part.done", "part": part, **at}


def _thought_events(place: int, part: Json) -> Iterator[Json]:
    at = {"summary_index": place}
    yield {"type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}, **at}
    for piece in _pieces(part["text"]):
        yield {"type": "response.reasoning_summary_text.delta", "delta": piece, **at}
    yield {"type": "response.reasoning_summary_text.done", "text": part["text"], **at}
    yield {"type": "response.reasoning_summary_part.done", "part": part, **at}


def _pieces(text: str) -> list[str]:
    return [text[place : place + 3] for place in range(0, len(text), 3)]


def _logprob(token: str, body: Json) -> Json:
    top = [{"token": f"{token}{n}", "logprob": -0.1 - n, "bytes": []} for n in range(body.get("top_logprobs", 0))]
    return {"token": token, "logprob": -0.1, "bytes": [], "top_logprobs": top}


def sse(event: Json) -> bytes:
    """One event of a stream."""
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"
