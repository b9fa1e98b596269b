"""Where the cache of Amazon Bedrock is to end: `cachePoint` blocks behind what is kept.

Source: the user guide's page on prompt caching. A point stands behind tools, in the system prompt and in turns, not
within results of tools; a request has four at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontdesk_server.backends.cache_marks import MOST_MARKS, hours_first, note_limit
from frontdesk_server.backends.extensions import is_short
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.profile import Caching
from frontdesk_server.domain.provider import CacheHint

Json = dict[str, Any]

_POINT = "cachePoint"


def cache_points(hint: CacheHint | None, call: BackendCall) -> list[Json]:
    """The block that says what a hint does: one, or none where the model caches by itself or not at all."""
    if hint is None or call.profile.prompt_caching is not Caching.EXPLICIT:
        return []
    point: Json = {"type": "default"}
    if not is_short(hint):
        if call.profile.cached_for_an_hour:
            point["ttl"] = "1h"
        else:
            note = Adjustment(
                "query", "cache hints for more than five minutes hold for five: the model keeps no longer"
            )
            if note not in call.dispatch.adjustments:
                call.dispatch.adjustments.append(note)
    return [{_POINT: point}]


def is_cache_point(block: Json) -> bool:
    """Whether a block only says that all before it is to be cached."""
    return _POINT in block


def within_cache_limit(body: Json, call: BackendCall) -> Json:
    """The body with those points that the API allows."""
    places: list[list[Json]] = [body.get("toolConfig", {}).get("tools", []), body.get("system", [])]
    places += [turn["content"] for turn in body["messages"]]
    excess = sum(map(_count, places)) - MOST_MARKS
    if excess > 0:
        note_limit(call)
    for blocks in places:
        points = [place for place, block in enumerate(blocks) if is_cache_point(block)][: max(excess, 0)]
        for place in reversed(points):
            del blocks[place]
        excess -= len(points)
    hours_first((block[_POINT] for blocks in places for block in blocks if is_cache_point(block)), call)
    return body


def _count(blocks: Sequence[Json]) -> int:
    return sum(map(is_cache_point, blocks))
