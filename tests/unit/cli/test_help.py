"""What the help says without loading what the commands need."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import version

import pytest
from frontdesk_server.cli import _COMMANDS, app
from typer.main import get_command
from typer.testing import CliRunner


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_help_of_a_command_is_its_docstring(command: str) -> None:
    group = get_command(app)
    function = getattr(import_module(f"frontdesk_server.cli.{_COMMANDS[command]}"), command.replace("-", "_"))
    shown = group.get_command(None, command)  # type: ignore[attr-defined]
    assert shown.help == inspect.getdoc(function)


def test_a_command_that_is_not_there_is_a_fault_of_usage() -> None:
    ran = CliRunner().invoke(app, ["sreve"])
    assert ran.exit_code == 2
    assert "No such command 'sreve'. Did you mean 'serve'?" in ran.output


def test_the_version_is_the_distributions() -> None:
    ran = CliRunner().invoke(app, ["--version"])
    assert (ran.exit_code, ran.output) == (0, f"frontdesk {version('frontdesk')}\n")
