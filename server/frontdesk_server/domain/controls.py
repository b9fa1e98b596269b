"""Others' text as it may be shown on a terminal, where it must not move, colour or turn anything.

Controls are shown as JSON escapes them, which leaves JSON what it was.
"""

from __future__ import annotations

import re

__all__ = ["shown"]

_CONTROL = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls but for line breaks and tabs, and what overrides the direction of text."""


def shown(text: str) -> str:
    """The text with escapes in place of controls."""
    return text if text.isprintable() else _CONTROL.sub(_escape, text)


def _escape(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"
