"""How a command ends that cannot do its work: what is wrong in one line each, and the exit code of its class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from frontdesk_server.cli.exit_codes import FAULT, USAGE
from frontdesk_server.cli.saying import say
from frontdesk_server.domain.errors import ConfigError, FrontdeskError, UnknownModel, UnknownRouter
from frontdesk_server.domain.extras import brought_by
from frontdesk_server.domain.unusable import with_its_file

_EXTRAS: Mapping[str, str] = {
    "matplotlib": "learn",
    "pyarrow": "learn",
    "scipy": "learn",
    "sklearn": "learn",
    "onnxruntime": "onnx",
    "psycopg": "postgres",
    "redis": "redis",
}
"""Package to the extra that brings it; all else belongs to every installation."""


@contextmanager
def foreseen(command: str = "frontdesk", *further: type[Exception]) -> Iterator[None]:
    """End the command with what is wrong and the exit code for it; what nobody foresaw passes through.

    Of errors that are neither Frontdesk's own nor the system's, only those of the types `further` are foreseen.
    """
    foretold: tuple[type[Exception], ...] = (FrontdeskError, OSError, *further)
    try:
        yield
    except BrokenPipeError:
        raise
    except ModuleNotFoundError as error:
        say(missing(command, error), err=True)
        raise typer.Exit(USAGE) from error
    except ConfigError as error:
        say("\n".join(error.lines()), err=True)
        raise typer.Exit(USAGE) from error
    except foretold as error:
        say(f"{command}: {with_its_file(error)}", err=True)
        raise typer.Exit(USAGE if isinstance(error, UnknownRouter | UnknownModel) else FAULT) from error


def missing(command: str, error: ModuleNotFoundError) -> str:
    """What to install."""
    package = (error.name or "").partition(".")[0]
    line = brought_by(_EXTRAS[package]) if package in _EXTRAS else "pip install . in a checkout"
    return f"{command} needs {package}: {line}"
