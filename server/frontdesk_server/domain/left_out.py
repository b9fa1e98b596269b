"""What of a query is left out for a model because only another dialect understands it, and nobody demands it."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.query import ProviderPart, Query


def left_out(query: Query, dialects: frozenset[str]) -> Iterator[Adjustment]:
    """What is left out where a model speaks these dialects alone, in the order of the request."""
    for path, options in query.located_options():
        if options.dialect not in dialects:
            yield Adjustment(path, f"left out: only {options.dialect} understands it")
    for place, message in enumerate(query.messages):
        for index, part in enumerate(message.parts):
            if isinstance(part, ProviderPart) and part.block.dialect not in dialects:
                path = f"query.messages[{place}].parts[{index}]"
                yield Adjustment(path, f"left out: only {part.block.dialect} understands it")
