"""What of a query is left out for a model because only another dialect understands it, and nobody demands it."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.query import ProviderPart, Query, ReasoningPart, Role


def left_out(query: Query, deployment: Deployment) -> Iterator[Adjustment]:
    """What is left out for a model that is served there, in the order of the request."""
    for path, options in query.located_options():
        if options.dialect not in deployment.dialects:
            yield Adjustment(path, f"left out: only {options.dialect} understands it")
    for place, message in enumerate(query.messages):
        if message.role is not Role.ASSISTANT:
            continue
        bound = {state.dialect for holder in (message, *message.parts) for state in holder.provider_state}
        for index, part in enumerate(message.parts):
            if isinstance(part, ReasoningPart) and part.signed and part.dialect:
                bound.add(part.dialect)
            if isinstance(part, ProviderPart) and part.block.dialect != deployment.provider:
                path = f"query.messages[{place}].parts[{index}]"
                yield Adjustment(path, f"left out: only {part.block.dialect} understands it")
        if strange := bound - {deployment.provider}:
            path, makers = f"query.messages[{place}]", ", ".join(sorted(strange))
            yield Adjustment(path, f"left out what {makers} wants back with it")
