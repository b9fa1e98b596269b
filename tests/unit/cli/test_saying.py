"""Nobody's text commands the terminal that it is shown on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import frontdesk_server.cli
import pytest
from frontdesk_server.cli.explain import render_decision
from frontdesk_server.cli.saying import say, say_answer
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.domain.controls import shown
from frontdesk_server.domain.record import DecisionRecord
from rich.text import Text

from tests.records import a_decision

EVIL = "a\x1b[31mred\x07\x9b2J\u202etxt\rb"
HARMLESS = "a\\u001b[31mred\\u0007\\u009b2J\\u202etxt\\u000db"


@pytest.mark.parametrize(
    ("text", "seen"), [(EVIL, HARMLESS), ("a\tb\r\nc\n", "a\tb\r\nc\n"), ("é 🤔 שלום \u200f", "é 🤔 שלום \u200f")]
)
def test_controls_are_shown_as_escapes_and_all_else_as_it_is(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_commands_say_no_control(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    say(EVIL, err=True, dim=True)

    said = capsys.readouterr()
    assert said.out == f"{HARMLESS}\n"
    assert HARMLESS in said.err


@pytest.mark.parametrize(("terminal", "seen"), [(True, HARMLESS), (False, "ared")])
def test_an_answer_goes_to_a_pipe_as_it_is(
    terminal: bool, seen: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for colours, which typer leaves out there."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)

    say_answer(EVIL)

    assert capsys.readouterr().out.startswith(seen)


def test_tables_and_texts_show_no_control(capsys: pytest.CaptureFixture[str]) -> None:
    screen = console()
    columns = [Column("name"), Column("reason", free=True)]

    screen.print(table(columns, [(EVIL, Text(EVIL, "bold"))], screen.width))
    screen.print(table(columns, [(EVIL, EVIL)], 30))
    screen.print(Text(EVIL), EVIL)

    seen = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\x07", "\u202e", "\r"}.intersection(seen)
    assert seen.count("\\u001b[31m") == 6


def test_a_record_shows_no_control(capsys: pytest.CaptureFixture[str]) -> None:
    decision = a_decision()
    decision = replace(decision, reason=EVIL, signals=replace(decision.signals, text=EVIL))

    console().print(render_decision(DecisionRecord(decision, EVIL), 100))

    assert not {"\x1b", "\x9b", "\u202e"}.intersection(capsys.readouterr().out)


def test_every_command_writes_by_these_ways() -> None:
    modules = Path(frontdesk_server.cli.__file__).parent.glob("*.py")

    around = [
        path.name
        for path in modules
        for way in ("typer.echo(", "typer.secho(", " print(", "stdout.write(")
        if way in path.read_text(encoding="utf-8")
    ]
    assert set(around) == {"saying.py"}
