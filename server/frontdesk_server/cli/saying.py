"""What commands write: prompts, answers, names and messages are others', and command no terminal."""

from __future__ import annotations

import sys

import typer

from frontdesk_server.domain.controls import shown

__all__ = ["say", "say_answer"]


def say(text: str = "", *, err: bool = False, nl: bool = True, dim: bool = False) -> None:
    """Write to standard output, or to standard error."""
    typer.secho(shown(text), err=err, nl=nl, dim=dim or None)


def say_answer(text: str) -> None:
    """Write a part of what a model answers: to a terminal as it is shown, to a file or a pipe as it is."""
    typer.echo(shown(text) if sys.stdout.isatty() else text, nl=False)
