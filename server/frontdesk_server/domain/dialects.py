"""The APIs that models are reached by."""

from __future__ import annotations

import enum


class Dialect(enum.Enum):
    """An upstream API; the value is the kind of its backends in the configuration."""

    OPENAI = "openai"
    AZURE_OPENAI = "azure_openai"
    OPENAI_RESPONSES = "openai_responses"
    VERTEX_GEMINI = "vertex_gemini"
    ANTHROPIC = "anthropic"
    VERTEX_CLAUDE = "vertex_claude"
    BEDROCK = "bedrock"
    SIMULATED = "simulated"


_SPOKEN = {
    Dialect.AZURE_OPENAI: Dialect.OPENAI,
    Dialect.VERTEX_GEMINI: Dialect.OPENAI,
    Dialect.VERTEX_CLAUDE: Dialect.ANTHROPIC,
}


def spoken(dialect: Dialect) -> Dialect:
    """The API of whose JSON a dialect is."""
    return _SPOKEN.get(dialect, dialect)
