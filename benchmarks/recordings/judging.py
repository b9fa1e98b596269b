"""Answers as Frontdesk tells them beside the same answers as the official SDKs do.

Every difference is a fault of Frontdesk unless one of these reasons holds, which stand in `REASONS`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.recordings.corpus import Json, Recording

REASONS = {
    "stream cut": "the stream ends without a reason to end; a cut answer is no whole one",
    "ended before": "the answer had ended before the provider reported an error: what was cut is told by its end",
    "arguments cut": "arguments that the limit cut are told as they came; the SDK completes them",
    "glued": "the recording holds several answers in one, or was written by hand",
    "thinking in content": "the reasoning stands in the content, as a list; the SDK hands the list on unread",
    "json content": "the content is JSON instead of text, which it is told as",
    "old function call": "a call in the old field `function_call` is a call of a tool",
    "made-up id": "the provider gives calls no id, or the same to two",
    "no arguments": "a call without arguments has none: `{}`",
    "finer error": "the error is told more exactly than by its status",
    "other spelling": "the provider counts in fields of its own, which the SDK does not read",
    "rounded": "a log-probability that rounding put above zero is zero",
    "beside": "cached, audio or reasoning tokens stand beside the whole, as the total or their number proves",
    "not counted": "the provider counts no input where there was some; it is estimated, and said to be",
    "calls end": "the provider says stop where it calls tools",
    "named by us": "the provider does not say how the answer ended in words that the contract has",
}
"""Why Frontdesk may differ from an official SDK, and be right."""

_OPENAI_ENDS = {
    "stop": "STOP",
    "eos": "STOP",
    "eos_token": "STOP",
    "length": "LENGTH",
    "max_tokens": "LENGTH",
    "tool_calls": "TOOL_CALLS",
    "function_call": "TOOL_CALLS",
    "content_filter": "CONTENT_FILTER",
}
_ANTHROPIC_ENDS = {
    "end_turn": "STOP",
    "stop_sequence": "STOP",
    "max_tokens": "LENGTH",
    "model_context_window_exceeded": "LENGTH",
    "tool_use": "TOOL_CALLS",
    "refusal": "CONTENT_FILTER",
}
_ERRORS = {
    "AuthenticationError": "UPSTREAM_CREDENTIALS_REFUSED",
    "PermissionDeniedError": "UPSTREAM_CREDENTIALS_REFUSED",
    "RateLimitError": "UPSTREAM_OVERLOADED",
    "BadRequestError": "UPSTREAM_REQUEST_REFUSED",
    "NotFoundError": "UPSTREAM_REQUEST_REFUSED",
}
_PARTS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs; `reason` is a key of `REASONS`, empty for a fault."""

    what: str
    official: Any
    ours: Any
    reason: str = ""


def judged(recording: Recording, official: Json, ours: Json) -> list[Difference]:
    """Every difference between the two, each with the reason why it may be."""
    found = list(_differences(recording, official, ours))
    if found and is_glued(recording):
        return [Difference(one.what, one.official, one.ours, "glued") for one in found]
    return found


def report(recordings: Mapping[str, Recording], results: Mapping[str, Sequence[Difference]]) -> Iterator[str]:
    """Lines for a reader: a row for each provider, the sums, the reasons, and every fault."""
    rows: dict[str, list[int]] = {}
    reasons: Counter[str] = Counter()
    for name, found in results.items():
        recording = recordings[name]
        place = 5 if any(not one.reason for one in found) else 4 if found else 3
        row = rows.setdefault(recording.provider, [0] * 6)
        row[0] += 1
        row[1] += recording.streamed
        row[2] += recording.status != 200
        row[place] += 1
        reasons.update({one.reason for one in found if one.reason})
    yield "| provider | answers | streamed | errors | equal | ours | FAULT |"
    for provider, row in sorted(rows.items(), key=lambda item: -item[1][0]):
        yield f"| {provider} | {' | '.join(map(str, row))} |"
    for reason, count in reasons.most_common():
        yield f"  {count:4} {reason}: {REASONS[reason]}"
    for name, found in results.items():
        for one in found:
            if not one.reason:
                told = f"{name} {recordings[name].provider} {one.what}"
                yield f"  FAULT {told}: {one.official!s:.150} | {one.ours!s:.150}"
    yield f"answers: {[sum(row[place] for row in rows.values()) for place in range(6)]}"


def _differences(recording: Recording, official: Json, ours: Json) -> Iterator[Difference]:
    if "error" in official or "error" in ours or official.get("nochoices"):
        yield from _outcomes(recording, official, ours)
    else:
        yield from _contents(recording, official, ours)
        yield from _calls(recording, official, ours)
        yield from _end(recording, official, ours)
        yield from _usage(recording, official, ours)
        if official.get("logprobs") and official["logprobs"] != ours["logprobs"]:
            rounded = [[token, min(logprob, 0), top] for token, logprob, top in official["logprobs"]]
            reason = "rounded" if rounded == ours["logprobs"] else ""
            yield Difference("logprobs", official["logprobs"], ours["logprobs"], reason)
        if (official["model"] or "") != ours["model"]:
            yield Difference("model", official["model"], ours["model"])


def _outcomes(recording: Recording, official: Json, ours: Json) -> Iterator[Difference]:
    theirs, own = official.get("error"), ours.get("error")
    if theirs and own:
        if _ERRORS.get(theirs, own) != own:
            yield Difference("error", theirs, own, "finer error")
    elif own and not official.get("nochoices"):
        cut = recording.streamed and official.get("finish") is None
        yield Difference("outcome", "answered", own, "stream cut" if cut else "")
    elif not own:
        ended = b'"finish_reason":"' in recording.body.replace(b'": "', b'":"')
        yield Difference("outcome", theirs or "no choices", "answered", "ended before" if theirs and ended else "")


def _contents(recording: Recording, official: Json, ours: Json) -> Iterator[Difference]:
    text = official["text"]
    listed = isinstance(text, dict | list)
    thinking = listed and "'thinking'" in str(text)
    if listed:
        yield Difference("text", text, ours["text"], "thinking in content" if thinking else "json content")
    elif text + official.get("refusal", "") != ours["text"]:
        yield Difference("text", text, ours["text"])
    if official["reasoning"] != ours["reasoning"]:
        yield Difference(
            "reasoning", official["reasoning"], ours["reasoning"], "thinking in content" if thinking else ""
        )
    if recording.kind == "anthropic":
        for what in ("signatures", "redacted"):
            if [piece or "" for piece in official[what]] != ours[what]:
                yield Difference(what, official[what], ours[what])
        order = [kind if kind in _PARTS else "block" for kind in official["order"]]
        if _without_empty_texts(order, official) != _without_empty_texts(ours["order"], ours):
            yield Difference("parts", official["order"], ours["order"])
        if official["citations"] != ours["citations"]:
            yield Difference("citations", official["citations"], ours["citations"])


def _without_empty_texts(order: list[str], told: Json) -> list[str]:
    """Blocks of empty text are no parts; where there is any text, they cannot be told from others."""
    return [kind for kind in order if kind != "text"] if "text" in order else order


def _calls(recording: Recording, official: Json, ours: Json) -> Iterator[Difference]:
    theirs = [[call[0], call[1], _arguments(call[2])] for call in official["tools"]]
    own = [[call[0], call[1], _arguments(call[2])] for call in ours["tools"]]
    old = official.get("function_call")
    if old and old.get("name"):
        theirs = [["", old["name"], _arguments(old["arguments"])]]
    if theirs == own:
        return
    reason = ""
    if [call[1] for call in theirs] == [call[1] for call in own]:
        if all(one[2] == other[2] for one, other in zip(theirs, own, strict=True)):
            reason = "old function call" if old else "made-up id"
        elif all(one[2] == other[2] or not one[2] for one, other in zip(theirs, own, strict=True)):
            reason = "no arguments"
        elif ours["finish"] == "LENGTH" and isinstance(own[-1][2], str):
            reason = "arguments cut"
    yield Difference("tools", theirs, own, reason)


def _arguments(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return arguments


def _end(recording: Recording, official: Json, ours: Json) -> Iterator[Difference]:
    ends = _ANTHROPIC_ENDS if recording.kind == "anthropic" else _OPENAI_ENDS
    end = official["finish"]
    expected = "CONTENT_FILTER" if official.get("refusal") else ends.get(end or "", "OTHER")
    if expected != ours["finish"]:
        if ours["tools"] and ours["finish"] == "TOOL_CALLS":
            reason = "calls end"
        else:
            reason = "" if end in ends else "named by us"
        yield Difference("finish", end, ours["finish"], reason)


def _usage(recording: Recording, official: Json, ours: Json) -> Iterator[Difference]:
    theirs, own = official["usage"] or {}, ours["usage"]
    if ours["estimated"]:
        if theirs:
            reason = "" if theirs.get("prompt_tokens") and theirs.get("completion_tokens") else "not counted"
            yield Difference("usage", theirs, own, reason)
        return
    expected = _anthropic_counts(theirs) if recording.kind == "anthropic" else _openai_counts(theirs)
    for name, count in expected.items():
        if count != own[name]:
            yield Difference(f"usage.{name}", theirs or None, own, _usage_reason(name, count, theirs, own))


def _anthropic_counts(usage: Json) -> Json:
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return {
        "input_tokens": sum(usage.get(part) or 0 for part in parts),
        "output_tokens": usage.get("output_tokens"),
        "cache_read_tokens": usage.get("cache_read_input_tokens"),
        "cache_write_tokens": usage.get("cache_creation_input_tokens"),
        "reasoning_tokens": (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
    }


def _openai_counts(usage: Json) -> Json:
    prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return {
        "input_tokens": usage.get("prompt_tokens"),
        "output_tokens": usage.get("completion_tokens"),
        "cache_read_tokens": prompt.get("cached_tokens"),
        "reasoning_tokens": completion.get("reasoning_tokens"),
    }


def _usage_reason(name: str, count: int | None, theirs: Json, own: Json) -> str:
    """Where the provider says nothing in the usual fields, others said it; else parts stand beside their whole."""
    if count is None:
        return "other spelling"
    whole, parts = {
        "input_tokens": ("prompt_tokens", theirs.get("prompt_tokens_details") or {}),
        "output_tokens": ("completion_tokens", theirs.get("completion_tokens_details") or {}),
    }.get(name, ("", {}))
    beside = own[name] - count if whole else -1
    total = theirs.get("total_tokens") or 0
    explained = total == (own["input_tokens"] or 0) + (own["output_tokens"] or 0)
    return "beside" if explained or any(part == beside > count for part in parts.values()) else ""


def is_glued(recording: Recording) -> bool:
    """Several answers, or none as the API would stream it, in one recording."""
    starts = recording.body.count(b'"type":"message_start"') + recording.body.count(b'"type": "message_start"')
    ids = {chunk.get("id") for chunk in recording.chunks() if chunk.get("choices")}
    return recording.streamed and (starts > 1 or len(ids) > 1)
