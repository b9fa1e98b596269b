"""What belongs to one provider, worked into the JSON that its dialect is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from frontdesk_server.backends.json_reading import given_value
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.provider import CacheHint, ProviderBlock, ProviderOptions, ProviderState
from frontdesk_server.domain.query import Message, Query

Json = dict[str, Any]

_SHORT_CACHE_SECONDS = 300.0


def extended(item: Json, options: Iterable[ProviderOptions], call: BackendCall) -> Json:
    """The item with those of the options that are for the API which is called."""
    for one in options:
        if one.dialect in call.dialects:
            item = merged(item, given_value(one.options_json))
    return item


def merged(item: Json, options: Json) -> Json:
    """Objects are merged into objects; what the item says itself stays as it is."""
    result = dict(item)
    for name, value in options.items():
        said = result.get(name)
        if name not in result:
            result[name] = value
        elif isinstance(said, dict) and isinstance(value, dict):
            result[name] = merged(said, value)
    return result


def given_back(item: Json, states: Iterable[ProviderState], call: BackendCall) -> Json:
    """The item with what the provider which is called wants back with it."""
    for state in states:
        if state.dialect == call.provider:
            item = merged(item, given_value(state.json))
    return item


def answered_block(block: ProviderBlock, call: BackendCall) -> Json | None:
    """A block of an earlier answer, for the provider that made it; None for any other."""
    if block.dialect != call.provider:
        return None
    value: Json = given_value(block.json)
    return value


def demanded_block(block: ProviderBlock, call: BackendCall) -> Json:
    """The block which the caller demands to be sent.

    Raises:
        UpstreamRequestRefused: it is another API's; routing excludes the model before it comes to this.

    """
    if block.dialect not in call.dialects:
        raise UpstreamRequestRefused(f"only {block.dialect} understands a part or tool of the query")
    value: Json = given_value(block.json)
    return value


def is_short(hint: CacheHint) -> bool:
    """Whether five minutes are enough, which providers of Claude keep a cache by default; else it is an hour."""
    return hint.ttl_seconds is None or hint.ttl_seconds <= _SHORT_CACHE_SECONDS


def cache_control(hint: CacheHint) -> Json:
    """The hint as Anthropic says it."""
    if is_short(hint):
        return {"type": "ephemeral"}
    return {"type": "ephemeral", "ttl": "1h"}


def note_history(query: Query, history: Sequence[Message], call: BackendCall) -> None:
    """Say so when calls and results of tools are sent otherwise than they came."""
    if tuple(history) != query.messages:
        detail = "calls and results of tools were put in the order and under the ids that the API accepts"
        call.dispatch.adjustments.append(Adjustment("query.messages", detail))
