"""What Anthropic's documentation and refusals demand of a Messages request.

A judge that shares no code with the client. Sources: the API reference (create a message), the pages on tool use,
extended thinking and vision, and the texts of its 400 answers: "text content blocks must contain non-whitespace
text", "`tool_use` ids were found without `tool_result` blocks immediately after", "`tool_use` ids must be unique",
"first message must use the user role", "the final block in an assistant message cannot be `thinking`", "content
cannot be empty if `is_error` is true", "a final `assistant` message must start with a thinking block"; the page on
mid-conversation system messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_THOUGHT = ("thinking", "redacted_thinking")
_BLOCKS = {
    "user": {"text", "image", "document", "tool_result"},
    "assistant": {"text", "tool_use", *_THOUGHT},
    "system": {"text"},
}
_BODY = {"model", "messages", "max_tokens", "system", "stream", "tools", "tool_choice"} | {
    "temperature",
    "top_p",
    "stop_sequences",
    "thinking",
    "output_config",
}


def broken_rules(body: Json) -> list[str]:
    """Every rule that the request breaks."""
    return [
        *_of_body(body),
        *_of_system_turns(body["messages"]),
        *_of_turns([turn for turn in body["messages"] if turn["role"] != "system"]),
        *_of_tools(body),
        *_of_thinking(body),
        *(fault for turn in body["messages"] for block in turn["content"] for fault in _of_block(block)),
    ]


def _of_body(body: Json) -> Iterator[str]:
    if unknown := body.keys() - _BODY:
        yield f"unknown fields {unknown}"
    if not body["max_tokens"] >= 1:
        yield "max_tokens is less than 1"
    if "system" in body and not body["system"].strip():
        yield "the system prompt is blank"
    if not 0 <= body.get("temperature", 1) <= 1:
        yield "the temperature is not in [0, 1]"
    if any(not sequence.strip() for sequence in body.get("stop_sequences", ())):
        yield "a stop sequence is blank"


def _of_system_turns(turns: list[Json]) -> Iterator[str]:
    roles = ["", *(turn["role"] for turn in turns), ""]
    for before, role, after in zip(roles, roles[1:], roles[2:], strict=False):
        if role == "system" and (before != "user" or after not in ("assistant", "")):
            yield f"a system message between {before} and {after}"
    if any({block["type"] for block in turn["content"]} != {"text"} for turn in turns if turn["role"] == "system"):
        yield "a system message holds more than text"


def _of_turns(turns: list[Json]) -> Iterator[str]:
    roles = [turn["role"] for turn in turns]
    if not roles or roles[0] != "user" or roles[-1] != "user":
        yield "the first and the last turn are not the user's"
    if any(one == next_one for one, next_one in pairwise(roles)):
        yield "two turns of one role follow each other"
    ids: list[str] = []
    for place, turn in enumerate(turns):
        kinds = [block["type"] for block in turn["content"]]
        if turn["role"] == "assistant" and kinds and kinds[-1] in _THOUGHT:
            yield f"the final block of turn {place} is thinking"
        if turn.keys() != {"role", "content"}:
            yield f"turn {place} has unknown fields"
        if not kinds or set(kinds) - _BLOCKS[turn["role"]]:
            yield f"turn {place} holds {kinds}"
        called = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        ids += called
        answers = turns[place + 1]["content"][: len(called)] if place + 1 < len(turns) else []
        if called and sorted(called) != sorted(block.get("tool_use_id", "") for block in answers):
            yield f"the calls of turn {place} are not answered at once, each by one result, first in the next turn"
        results = sum(kind == "tool_result" for kind in kinds)
        asked = sum(block["type"] == "tool_use" for block in turns[place - 1]["content"]) if place else 0
        if results != asked:
            yield f"turn {place} holds {results} results of {asked} calls"
    if len(set(ids)) < len(ids):
        yield "ids of calls are not unique"


def _of_block(block: Json) -> Iterator[str]:
    match block:
        case {"type": "text", "text": text}:
            if not text.strip():
                yield "a text block is blank"
        case {"type": "tool_use", "id": call_id, "name": name, "input": arguments}:
            if not _ID.fullmatch(call_id) or not _NAME.fullmatch(name) or not isinstance(arguments, dict):
                yield f"a malformed call {block}"
        case {"type": "tool_result"}:
            if not block.get("content", "error" if not block.get("is_error") else "").strip():
                yield f"a result without words {block}"
        case {"type": "thinking", "signature": signature}:
            if not signature:
                yield "thinking is not signed"
        case {"type": "redacted_thinking", "data": data}:
            if not data:
                yield "redacted thinking is empty"
        case {"type": "image" | "document"}:
            pass
        case _:
            yield f"a malformed block {block}"


def _of_tools(body: Json) -> Iterator[str]:
    names = [tool["name"] for tool in body.get("tools", ())]
    kinds = {block["type"] for turn in body["messages"] for block in turn["content"]}
    if len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        yield "names of tools are malformed or not unique"
    if any(tool["input_schema"].get("type") != "object" for tool in body.get("tools", ())):
        yield "an input schema does not describe an object"
    if not names and (kinds & {"tool_use", "tool_result"} or "tool_choice" in body):
        yield "no tools are defined"


def _of_thinking(body: Json) -> Iterator[str]:
    thinking = body.get("thinking")
    if thinking is None:
        return
    if thinking["type"] == "enabled" and not 1024 <= thinking["budget_tokens"] < body["max_tokens"]:
        yield f"the thinking budget {thinking['budget_tokens']} is not in [1024, {body['max_tokens']})"
    if body.get("temperature", 1) != 1 or body.get("top_p", 1) < 0.95:
        yield "thinking does not go with this temperature or top_p"
    if body.get("tool_choice", {"type": "auto"})["type"] not in ("auto", "none"):
        yield "thinking does not go with a demanded tool"
    turns = [turn for turn in body["messages"] if turn["role"] != "system"]
    if thinking["type"] == "enabled" and turns[-1]["content"][0]["type"] == "tool_result":
        began = len(turns) - 2
        while began >= 2 and all(block["type"] == "tool_result" for block in turns[began - 1]["content"]):
            began -= 2
        if turns[began]["content"][0]["type"] not in _THOUGHT:
            yield "the turn that the tool loop continues does not begin with thinking"
