"""Features of a query that strategies decide by."""

from __future__ import annotations

import enum

from frontdesk_server.domain.value import value


class Task(enum.Enum):
    """What a query is about."""

    CHAT = "chat"
    SUMMARISE = "summarise"
    EXTRACT = "extract"
    TRANSLATE = "translate"
    CODE = "code"
    MATH = "math"
    REASONING = "reasoning"
    CREATIVE = "creative"
    KNOWLEDGE = "knowledge"
    OTHER = "other"


@value
class Signals:
    """Computed once per query, without I/O. `difficulty` is in [0, 1] and independent of length."""

    text: str
    task: Task
    difficulty: float
    input_tokens: int
    code: bool = False
    math: bool = False
    language: str = ""
    turns: int = 1
    tools: bool = False
    media: bool = False
    in_tool_loop: bool = False
    """Whether the query brings results that a model called for."""
    difficulty_cues: tuple[str, ...] = ()
    """What raised or lowered the difficulty, weightiest first; then in one phrase what it was judged by."""
    text_characters: int = 0
    """Length of `text`, which the ledger may not keep."""
