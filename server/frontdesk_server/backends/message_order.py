"""Messages of a /chat/completions request in an order that the API accepts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall

Json = dict[str, Any]

_REPLY = "OK."
"""What the assistant says between results of tools and a user, where the API demands that it says something."""
_SILENCE = "(no text)"
"""What the user says before an assistant who begins, where the API demands it."""


def in_order(items: list[Json], call: BackendCall) -> list[Json]:
    """The messages with what the model's API demands between them, and neighbours of one role as one."""
    profile = call.profile
    ordered = items
    if not profile.user_after_tool:
        ordered = list(_replied(ordered))
    if not profile.repeated_roles:
        ordered = list(_alternating(ordered))
    if len(ordered) != len(items):
        detail = "messages were put together, or one was put between them, as the API demands"
        call.dispatch.adjustments.append(Adjustment("query.messages", detail))
    return ordered


def _replied(items: list[Json]) -> Iterator[Json]:
    """The assistant answers results of tools before a user goes on."""
    before = None
    for item in items:
        if before == "tool" and item["role"] == "user":
            yield {"role": "assistant", "content": _REPLY}
        before = item["role"]
        yield item


def _alternating(items: list[Json]) -> Iterator[Json]:
    """After the system's, messages of user and assistant by turns, the user's first; results of tools stay apart."""
    begun = False
    for role, group in groupby(items, key=itemgetter("role")):
        run = list(group)
        if role == "assistant" and not begun:
            yield {"role": "user", "content": _SILENCE}
        begun = begun or role != "system"
        if role in ("user", "assistant"):
            yield _together(run)
        else:
            yield from run


def _together(run: list[Json]) -> Json:
    """One message that says what several of one role say."""
    if len(run) == 1:
        return run[0]
    whole = {name: value for item in run for name, value in item.items()}
    contents = [item["content"] for item in run if item["content"]]
    if all(isinstance(content, str) for content in contents):
        whole["content"] = "\n\n".join(contents) or run[-1]["content"]
    else:
        pieces = ([{"type": "text", "text": c}] if isinstance(c, str) else c for c in contents)
        whole["content"] = [piece for several in pieces for piece in several]
    if calls := [made for item in run for made in item.get("tool_calls", ())]:
        whole["tool_calls"] = calls
    return whole
