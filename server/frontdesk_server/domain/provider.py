"""What belongs to one provider alone: settings that pass through to it, and blocks that nobody else understands.

A dialect is named by the kind of its backends in the configuration, such as "anthropic", or more narrowly by the
provider that a backend is configured with, such as "openrouter".
"""

from __future__ import annotations

from dataclasses import field

from frontdesk_server.domain.value import value


@value
class ProviderOptions:
    """Settings that only `dialect` knows: a JSON object that is merged into the JSON of what they stand at.

    `required`: models of other dialects may not answer.
    """

    dialect: str
    options_json: str
    required: bool = False


@value
class ProviderBlock:
    """A JSON object that only `dialect` understands, and that goes to it as it is."""

    dialect: str
    json: str


@value
class ProviderState:
    """What the provider wants back with something that it answered: the members of its JSON beside what was read."""

    dialect: str
    json: str


@value
class Citation:
    """Where something comes from that an answer says, from `start` to `end` of the part's characters."""

    uri: str = ""
    title: str = ""
    cited_text: str = ""
    start: int | None = None
    end: int | None = None


@value
class CacheHint:
    """Everything up to here will soon be sent again; `ttl_seconds` None leaves the time to the provider."""

    ttl_seconds: float | None = None


@value
class Extensible:
    """What a message, each of its parts and a tool may carry for providers beside what they say."""

    provider_options: tuple[ProviderOptions, ...] = field(default=(), kw_only=True)
    cache_hint: CacheHint | None = field(default=None, kw_only=True)
    provider_state: tuple[ProviderState, ...] = field(default=(), kw_only=True)
