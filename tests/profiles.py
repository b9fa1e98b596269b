"""Profiles of made-up models behind well-known APIs."""

from __future__ import annotations

from frontdesk_server.backends.profiles import Served, default_profiles
from frontdesk_server.domain.profile import Profile

_BOOK = default_profiles()

ANTHROPIC = _BOOK.profile(Served.of("anthropic", "m"))
"""Of Anthropic's API, whatever the model."""
COMPATIBLE = _BOOK.profile(Served.of("openai", "m", host="127.0.0.1"))
"""Of a server that nothing is known of but that it is OpenAI-compatible."""
BEDROCK = _BOOK.profile(Served.of("bedrock", "m"))
"""Of Converse, whatever the model."""
BEDROCK_CLAUDE = _BOOK.profile(Served.of("bedrock", "m", speaks="anthropic"))
RESPONSES = _BOOK.profile(Served.of("openai_responses", "m", speaks="openai"))
"""Of OpenAI's Responses, whatever the model."""
SIMULATED = _BOOK.profile(Served.of("simulated", "m"))


_SPEAK = {
    **dict.fromkeys(("openai_responses", "azure_openai", "vertex_gemini"), "openai"),
    "vertex_claude": "anthropic",
}


def served(kind: str, host: str, model: str) -> Served:
    """A model at a host."""
    return Served.of(kind, model, speaks=_SPEAK.get(kind, ""), host=host)


def profile_at(kind: str, host: str, model: str) -> Profile:
    """The profile of a model at a host."""
    return _BOOK.profile(served(kind, host, model))
