"""What commands write, so that nobody's text moves the cursor, colours the terminal or turns the direction of lines.

Prompts, answers, names and messages are others'. Controls in them are shown as JSON escapes them, which leaves JSON
what it was.
"""

from __future__ import annotations

import re
import sys

import typer

__all__ = ["say", "say_answer", "shown"]

_CONTROL = re.compile(r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls but for line breaks and tabs, and what overrides the direction of text."""


def shown(text: str) -> str:
    """The text with escapes in place of controls."""
    return text if text.isprintable() else _CONTROL.sub(_escape, text)


def say(text: str = "", *, err: bool = False, nl: bool = True, dim: bool = False) -> None:
    """Write to standard output, or to standard error."""
    typer.secho(shown(text), err=err, nl=nl, dim=dim or None)


def say_answer(text: str) -> None:
    """Write a part of what a model answers: to a terminal as it is shown, to a file or a pipe as it is."""
    typer.echo(shown(text) if sys.stdout.isatty() else text, nl=False)


def _escape(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"
