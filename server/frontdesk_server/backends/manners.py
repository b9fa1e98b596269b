"""In what OpenAI-compatible APIs differ as to what they accept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.history import IdRule

_AT_MOST_40 = IdRule(re.compile(r".{1,40}", re.DOTALL), 24)
_NINE_ALPHANUMERIC = IdRule(re.compile(r"[a-zA-Z0-9]{9}"), 9)
_ID_RULES = {"any": None, "at_most_40": _AT_MOST_40, "nine_alphanumeric": _NINE_ALPHANUMERIC}
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Manners:
    """`reasoning_field` is what a message calls the reasoning that is fed back; None where no field is known.

    `refusals`: a refusal is fed back in a field of its own. `cache_control`: content and tools take Anthropic's cache
    breakpoints. Others know neither. `state`: a message may hold what came with it beside what is known.
    """

    max_tokens_field: str = "max_tokens"
    reasoning_field: str | None = "reasoning_content"
    tool_call_ids: IdRule | None = None
    stream_options: bool = True
    refusals: bool = False
    cache_control: bool = False
    state: bool = True


_KNOWN = {
    "azure": Manners(reasoning_field=None, tool_call_ids=_AT_MOST_40, refusals=True),
    "cerebras": Manners(reasoning_field="reasoning", state=False),
    "gemini": Manners(reasoning_field=None),
    "generativelanguage": Manners(reasoning_field=None),
    "groq": Manners(reasoning_field="reasoning", state=False),
    "mistral": Manners(reasoning_field=None, tool_call_ids=_NINE_ALPHANUMERIC, state=False),
    "openai": Manners(reasoning_field=None, tool_call_ids=_AT_MOST_40, refusals=True),
    "openrouter": Manners(reasoning_field="reasoning", cache_control=True),
    "perplexity": Manners(reasoning_field=None, state=False),
    "together": Manners(reasoning_field="reasoning"),
}
"""By a word of the API's host or of the provider's name. They refuse fields that they do not know.

Sources: the references of these APIs, and what they answer to a field or an id that they refuse. All others are taken
for the servers and APIs which demand `reasoning_content` back in a tool loop, or ignore it.
"""


def known_manners(name: str) -> Manners:
    """What is known of an API by its name here."""
    return _KNOWN[name]


def manners_of(config: OpenAIBackendConfig) -> Manners:
    """What the configuration says; where it leaves that open, what is known of the API."""
    named = config.provider if "provider" in config.model_fields_set else ""
    words = _WORD.findall(f"{config.base_url.host or ''} {named}".lower())
    manners = next((_KNOWN[word] for word in words if word in _KNOWN), Manners())
    if config.reasoning_field != "auto":
        manners = replace(manners, reasoning_field=None if config.reasoning_field == "none" else config.reasoning_field)
    if config.tool_call_ids != "auto":
        manners = replace(manners, tool_call_ids=_ID_RULES[config.tool_call_ids])
    return replace(manners, max_tokens_field=config.max_tokens_field, stream_options=config.stream_options)
