"""What APIs allow of the marks that say where a cache is to end: four, those that last for an hour before all others.

Source: Anthropic's and Amazon's pages on prompt caching. An API reads tools, then the system prompt, then the turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall

Json = dict[str, Any]

MOST_MARKS = 4
_TTL, _HOUR = "ttl", "1h"


def within_limit(items: Iterable[Json], call: BackendCall) -> None:
    """Take the first marks off these items, in the order in which the API reads them, where there are too many."""
    marked = [item for item in items if "cache_control" in item]
    for item in marked[:-MOST_MARKS]:
        del item["cache_control"]
    if len(marked) > MOST_MARKS:
        note_limit(call)
    hours_first((item["cache_control"] for item in marked[-MOST_MARKS:]), call)


def hours_first(marks: Iterable[Any], call: BackendCall) -> None:
    """Let those marks last for five minutes that are for an hour behind one for less, which the API refuses."""
    behind, shortened = False, False
    for mark in marks:
        if not isinstance(mark, dict):
            continue
        if mark.get(_TTL) != _HOUR:
            behind = True
        elif behind:
            del mark[_TTL]
            shortened = True
    if shortened:
        detail = "cache hints for an hour hold for five minutes behind one that does: the API takes longer ones first"
        call.dispatch.adjustments.append(Adjustment("query", detail))


def note_limit(call: BackendCall) -> None:
    """Say that hints were left out."""
    detail = f"cache hints but the last {MOST_MARKS} were left out: the API allows no more"
    call.dispatch.adjustments.append(Adjustment("query", detail))
