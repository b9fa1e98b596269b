"""What the help says without loading what the commands need."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from frontdesk_server.cli import _COMMANDS, app
from typer.main import get_command
from typer.testing import CliRunner

from tests.commands import EXTRAS


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_help_of_a_command_is_its_docstring(command: str) -> None:
    group = get_command(app)
    function = getattr(import_module(f"frontdesk_server.cli.{_COMMANDS[command]}"), command.replace("-", "_"))
    shown = group.get_command(None, command)  # type: ignore[attr-defined]
    assert shown.help == inspect.getdoc(function)


@pytest.mark.parametrize("width", [80, 100])
def test_the_help_breaks_no_choice_and_gives_flags_no_value(width: int) -> None:
    environment = {"COLUMNS": f"{width}", "TERMINAL_WIDTH": f"{width}"}
    choices = {
        "demo": "auto embedded openai ollama",
        "cascade-fit": "auto number option json code text",
        "calibrate": "betting hoeffding-bentkus binomial",
    }
    for command in _COMMANDS:
        shown = CliRunner(env=environment).invoke(app, [command, "--help"]).output
        assert "<bool>" not in shown, shown
        for choice in choices.get(command, "").split():
            assert re.search(rf"(?<![\w-]){choice}(?![\w-])", shown), (choice, shown)


def test_a_command_that_is_not_there_is_a_fault_of_usage() -> None:
    ran = CliRunner().invoke(app, ["sreve"])
    assert ran.exit_code == 2
    assert "No such command 'sreve'. Did you mean 'serve'?" in ran.output


def test_the_version_is_the_distributions() -> None:
    ran = CliRunner().invoke(app, ["--version"])
    assert (ran.exit_code, ran.output) == (0, f"frontdesk {version('frontdesk')}\n")


HELP_OF_ALL = """
import json, sys

absent, commands = map(json.loads, sys.argv[1:])
sys.modules.update(dict.fromkeys(absent))

from frontdesk_server.cli import app
from typer.testing import CliRunner

shown = {command: CliRunner().invoke(app, [command, "--help"]) for command in commands}
print(json.dumps({command: (ran.exit_code, ran.output) for command, ran in shown.items()}))
"""


def test_the_help_of_every_command_needs_no_extra(tmp_path: Path) -> None:
    absent = sorted(set().union(*EXTRAS.values()))
    program = [sys.executable, "-c", HELP_OF_ALL, json.dumps(absent), json.dumps([*_COMMANDS])]
    ran = subprocess.run(program, check=True, capture_output=True, text=True, cwd=tmp_path)
    shown = json.loads(ran.stdout)
    assert {command: output for command, (code, output) in shown.items() if code or "Example:" not in output} == {}


def test_the_extras_that_are_blocked_are_all_that_there_are() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert sorted(EXTRAS) == sorted(project["optional-dependencies"])
