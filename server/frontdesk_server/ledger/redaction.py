"""What is blanked before a prompt or an answer is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import re2

BLANK = "[redacted]"


class Redactor(Protocol):
    """Called in the ledger's writer thread for every text that would be stored."""

    def redact(self, text: str) -> str:
        """The text without what must not be kept; when it raises, nothing of the record's content is stored."""


class PatternRedactor:
    """Blanks whatever RE2 patterns match, in linear time whatever the text."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [re2.compile(pattern) for pattern in patterns]

    def redact(self, text: str) -> str:
        """The text with every match replaced by `[redacted]`."""
        for pattern in self._patterns:
            text = pattern.sub(BLANK, text)
        return text
