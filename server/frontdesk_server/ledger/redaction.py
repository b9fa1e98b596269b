"""What is blanked before a prompt or an answer is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import re2

from frontdesk_server.domain.errors import ConfigError, ConfigFault

BLANK = "[redacted]"


class Redactor(Protocol):
    """Called in the ledger's writer thread for every text that would be stored."""

    def redact(self, text: str) -> str:
        """The text without what must not be kept; when it raises, nothing of the record's content is stored."""


class PatternRedactor:
    """Blanks whatever RE2 patterns match, in linear time whatever the text.

    Raises:
        ConfigError: a pattern is not RE2 syntax; all of them are reported.

    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = []
        faults = []
        options = re2.Options()
        options.log_errors = False
        for index, pattern in enumerate(patterns):
            try:
                self._patterns.append(re2.compile(pattern, options))
            except re2.error as error:
                faults.append(ConfigFault(f"not an RE2 pattern: {error}", f"ledger.redact.{index}"))
        if faults:
            raise ConfigError("ledger", faults)

    def redact(self, text: str) -> str:
        """The text with every match replaced by `[redacted]`."""
        for pattern in self._patterns:
            text = pattern.sub(BLANK, text)
        return text
