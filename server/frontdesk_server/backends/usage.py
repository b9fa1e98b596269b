"""What an upstream says of tokens, in whatever spelling, place and arithmetic.

One principle: a part belongs to its whole, cached and other prompt tokens to the prompt, reasoning to the completion,
and `total_tokens` is the sum of the wholes. APIs differ in whether a whole counts its parts or stands beside them.
Parts stand beside it if they explain to the token what the total holds beyond the wholes, or exceed the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from frontdesk_server.backends.halves import whole_text
from frontdesk_server.domain.usage import Usage

Json = dict[str, Any]

MAX_COUNT = 1_000_000_000
"""More tokens than any context holds: what exceeds it is no count."""

INPUT_NAMES = ("prompt_tokens", "input_tokens")
OUTPUT_NAMES = ("completion_tokens", "output_tokens")
_MODALITY = re.compile(r"(?:audio|image|video|file|document)_tokens?")
_MAX_MODALITIES = 4
_ORDINARY_TIERS = frozenset({"default", "standard", "auto", "normal", "on_demand"})
_LONGEST_TIER = 64


def token_count(value: Any) -> int | None:
    """A count of tokens: a whole number, written `12` or `12.0`, from 0 to `MAX_COUNT`; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        return None
    return value


def find_usage(document: Json) -> Json | None:
    """The usage that a chunk or response holds at its root, in `x_groq`, in its first choice or that one's message."""
    choices = document.get("choices")
    choice = choices[0] if choices and isinstance(choices, list) else None
    if not isinstance(choice, dict):
        choice = {}
    for holder in (document, document.get("x_groq"), choice, choice.get("delta"), choice.get("message")):
        if holder and isinstance(holder, dict) and (usage := holder.get("usage")) and isinstance(usage, dict):
            return usage
    return None


def merged_usage(before: Json, later: Json) -> Json:
    """What two reports of one answer say together: field by field the later, unless it counts nothing.

    A total belongs to its report: one of wholes that have changed since is left out.
    """
    merged = dict(before)
    if any(token_count(later.get(whole)) for whole in INPUT_NAMES + OUTPUT_NAMES):
        merged.pop("total_tokens", None)
    for name, value in later.items():
        match merged.get(name), value:
            case dict() as known, dict():
                merged[name] = merged_usage(known, value)
            case None, _:
                merged[name] = value
            case (int() | float(), int() | float()) if value > 0:
                merged[name] = value
            case (str(), str()) if value:
                merged[name] = value
    return merged


def read_usage(
    usage: Json, *, cache_beside: bool = False, reasoning_apart: bool = False, service_tier: Any = None
) -> Usage:
    """The counts of a usage object; what it does not say, or cannot be true, is None.

    `cache_beside`: the API counts cached tokens beside its input tokens, and `reasoning_apart` reasoning beside its
    output tokens, unless a total says otherwise. `service_tier`: what the answer says of it outside of the object.
    """
    prompt = _first(usage, *INPUT_NAMES)
    completion = _first(usage, *OUTPUT_NAMES)
    total = _first(usage, "total_tokens")
    prompt_details = _details(usage, "prompt_tokens_details", "input_tokens_details")
    completion_details = _details(usage, "completion_tokens_details", "output_tokens_details")
    read, written = _cached(usage, prompt_details)
    reasoning = _first({**usage, **completion_details}, "reasoning_tokens", "thinking_tokens")
    cache, modalities = _present(read, written), _modalities(prompt_details)

    reasoning_beside = completion is not None and (reasoning or 0) > completion
    known = (prompt or 0) + (completion or 0) + (reasoning or 0 if reasoning_beside else 0)
    beyond = None if total is None or prompt is None or completion is None else total - known
    beside, explained = _explained(beyond or 0, cache + modalities, 0 if reasoning_beside else reasoning or 0)
    if cache_beside and not beside and beyond != 0:
        beside = cache
    reasoning_beside = reasoning_beside or explained or (reasoning_apart and total is None)
    if prompt is not None:
        prompt += sum(beside)
        for parts in (cache, modalities):
            if sum(parts) > prompt:
                prompt += sum(parts)
    elif total is not None and completion is not None and total >= completion + sum(cache):
        prompt = total - completion
    if completion is None and total is not None and prompt is not None and total >= prompt:
        completion = total - prompt
    if completion is not None and reasoning is not None and (reasoning_beside or reasoning > completion):
        completion += reasoning
    if total is not None and prompt is not None and completion is not None and total > prompt + completion:
        beyond = total - prompt - completion
        completion += beyond
        reasoning = beyond if reasoning is None else reasoning  # Gemini counts it in the total only
    return Usage(
        prompt,
        completion,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        cache_write_long_tokens=_first(_details(usage, "cache_creation"), "ephemeral_1h_input_tokens") or None,
        input_audio_tokens=_first(prompt_details, "audio_tokens") or None,
        output_audio_tokens=_first(completion_details, "audio_tokens") or None,
        input_image_tokens=_first(prompt_details, "image_tokens") or None,
        output_image_tokens=_first(completion_details, "image_tokens") or None,
        web_searches=_first(_details(usage, "server_tool_use"), "web_search_requests") or None,
        total_tokens=total if prompt is None and completion is None else None,
        service_tier=_service_tier(usage, service_tier),
    )


def _service_tier(usage: Json, outside: Any) -> str:
    """Anthropic calls its fast tier a speed, Google a type of traffic; Perplexity charges by the size of its search."""
    traffic = _details(_details(usage, "extra_properties"), "google").get("traffic_type")
    if isinstance(traffic, str):
        outside = outside or traffic.lower().removeprefix("on_demand_")
    for said in (usage.get("speed"), usage.get("service_tier"), outside, usage.get("search_context_size")):
        if said and isinstance(said, str) and said not in _ORDINARY_TIERS:
            return whole_text(said)[:_LONGEST_TIER]
    return ""


def _explained(beyond: int, prompt_parts: Sequence[int], reasoning: int) -> tuple[Sequence[int], bool]:
    """The parts that add up to what a total holds beyond the wholes, those of the prompt first; none if none do."""
    if beyond > 0:
        for beside in (0, reasoning) if reasoning else (0,):
            for size in range(len(prompt_parts) + 1):
                for parts in combinations(prompt_parts, size):
                    if sum(parts) + beside == beyond:
                        return parts, beside > 0
    return (), False


def _first(counts: Json, *names: str) -> int | None:
    """The first of these counts that counts anything; 0 where none does."""
    known = [count for name in names if (count := token_count(counts.get(name))) is not None]
    return next(filter(None, known), 0) if known else None


def _details(usage: Json, *names: str) -> Json:
    return next((usage[name] for name in names if isinstance(usage.get(name), dict)), {})


def _present(*counts: int | None) -> tuple[int, ...]:
    return tuple(count for count in counts if count)


def _modalities(prompt_details: Json) -> tuple[int, ...]:
    counts = (token_count(value) for name, value in prompt_details.items() if _MODALITY.fullmatch(name))
    return _present(*counts)[:_MAX_MODALITIES]


def _cached(usage: Json, prompt_details: Json) -> tuple[int | None, int | None]:
    """Tokens read from the provider's cache and written to it: the greatest count among the spellings of each."""
    read: list[int] = []
    written: list[int] = []
    for counts in (usage, prompt_details):
        for name, value in counts.items():
            kind = _cache_kind(name)
            if kind is None:
                continue
            # A mapping holds disjoint kinds, such as `ephemeral_5m_input_tokens` and `ephemeral_1h_input_tokens`.
            count = token_count(sum(map(_or_zero, value.values())) if isinstance(value, dict) else value)
            if count is not None:
                (written if kind == "written" else read).append(count)
    return max(read, default=None), max(written, default=None)


@lru_cache(maxsize=256)
def _cache_kind(name: str) -> str | None:
    """Which count is meant by a name such as `cache_read_input_tokens`, `num_cached_tokens` or `cache_creation`."""
    if "cach" not in name or not ("token" in name or name == "cache_creation") or "miss" in name:
        return None
    return "written" if "creat" in name or "writ" in name else "read"


def _or_zero(value: Any) -> int:
    return token_count(value) or 0
