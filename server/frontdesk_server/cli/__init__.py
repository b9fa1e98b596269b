"""The `frontdesk` command. One file a command, loaded when it is called; help reads only what their files say."""

from __future__ import annotations

import ast
import difflib
import gc
import importlib
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from frontdesk_server.cli.exit_codes import USAGE
from frontdesk_server.cli.faults import foreseen, missing
from frontdesk_server.cli.saying import say

__all__ = ["main"]

_COMMANDS: Mapping[str, str] = {
    "serve": "serve",
    "health": "health",
    "demo": "demo",
    "route": "route",
    "complete": "complete",
    "explain": "explain",
    "log": "log",
    "stats": "stats",
    "export": "export",
    "check": "check",
    "key": "key",
    "schema": "schema",
    "train": "train",
    "evaluate": "evaluate",
    "calibrate": "calibrate",
    "cascade-fit": "cascade_fit",
    "replay": "replay",
    "diff-policy": "replay",
    "report": "report",
    "fit-thresholds": "fit_thresholds",
    "distill": "distill",
}
"""Command to the module of this package that defines a function of the same name, in the order of the help."""


_QUOTED = re.compile(r"'([^']*)'")


class _LazyGroup(TyperGroup):
    """Loads a command's module when the command is called, so that none pays for the imports of another."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the help shows of a command."""
        return TyperCommand(cmd_name, help=_help(cmd_name)) if cmd_name in _COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called. Fails with the likeliest one where there is none of that name."""
        if args and args[0] not in _COMMANDS and (close := difflib.get_close_matches(args[0], _COMMANDS, n=1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {close[0]!r}?")
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else _loaded(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what is foreseen to go wrong, and whoever interrupts it, end it with an exit code."""
        try:
            with foreseen():
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except (KeyboardInterrupt, typer.Abort):
            if sys.stderr.isatty():
                say(err=True)  # ends the half line that was being written
            raise typer.Exit(128 + signal.SIGINT) from None

    def get_params(self, ctx: Any) -> list[Any]:
        return _named_types(ctx, super().get_params(ctx))


def _help(command: str) -> str | None:
    """The docstring of a command's function, without importing what it needs."""
    tree = ast.parse(Path(__file__).with_name(f"{_COMMANDS[command]}.py").read_bytes())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == _function(command))
    return next(map(ast.get_docstring, functions), None)


class _Named(TyperCommand):
    """A command by whose own name a fault is told that it leaves to others to foresee."""

    def invoke(self, ctx: Any) -> Any:
        with foreseen(self.name or "frontdesk"):
            return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; what is wrong with one of them is told in the words of the configuration."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = _reworded(error)
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        return _named_types(ctx, super().get_params(ctx))


def _reworded(error: typer.BadParameter) -> str:
    from pydantic import ValidationError

    from frontdesk_server.config.known_keys import unknown
    from frontdesk_server.config.wording import said

    if not isinstance(error.__cause__, ValidationError):
        return error.message
    detail = error.__cause__.errors()[0]
    _, found, choices = detail["msg"].partition(" is not one of ")
    return unknown(str(detail["input"]), _QUOTED.findall(choices), "choice here") if found else said(detail)


def _named_types(ctx: Any, params: list[Any]) -> list[Any]:
    """What the help shows of values: nothing of flags, which take none, and choices that a line may end between."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
        elif param.type_descriptor.is_choice:
            param.metavar = param.display_type(ctx).strip("<>").replace("|", " | ")
    return params


def _loaded(command: str) -> Any:
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(command, cls=_Named)(_load(command))
    return typer.main.get_command(single)


def _load(command: str) -> Callable[..., None]:
    gc.disable()  # what is imported stays: to look through it again and again takes a tenth of the start
    try:
        module = importlib.import_module(f"frontdesk_server.cli.{_COMMANDS[command]}")
    except ModuleNotFoundError as error:
        say(missing(command, error), err=True)
        raise typer.Exit(USAGE) from error
    finally:
        gc.enable()
    function: Callable[..., None] = getattr(module, _function(command))
    return function


def _function(command: str) -> str:
    return command.replace("-", "_")


app = typer.Typer(cls=_LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(asked: bool) -> None:
    if asked:
        from frontdesk import __version__  # loads gRPC, which no other way to ask for help waits for

        say(f"frontdesk {__version__}")
        raise typer.Exit


@app.callback()
def _frontdesk(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Picks the LLM that should answer each query, and says why, what it cost and how it went."""


def _end(code: int) -> NoReturn:
    """End even where strategies of others go on in this process; only commands that ask some have loaded what knows."""
    if leaving := sys.modules.get("frontdesk_server.assembly.leaving"):
        leaving.BOUNDED.end(code)
    sys.exit(code)


def main() -> None:
    """Run the command line.

    Whoever read the output and has seen enough ends it: rich and typer each make a fault at work of that.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by >&-, so that the next file opened would be written into
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    try:
        app(prog_name="frontdesk")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except SystemExit as end:
        if not isinstance(end.__context__, BrokenPipeError):
            _end(end.code if isinstance(end.code, int) else int(end.code is not None))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _end(128 + signal.SIGPIPE)
