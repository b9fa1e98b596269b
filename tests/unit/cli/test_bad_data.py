"""Every learning command says in one line what is wrong with its data, and where; none shows a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frontdesk_server.cli import app, main
from typer.testing import CliRunner

from tests.commands import unframed

OUTCOME = {"query_id": "a", "prompt": "hi", "model": "small", "quality": 1.0, "cost_nano_usd": 5, "answer": "4"}
DECISION = {
    "decision_id": "d",
    "decided_at": "2026-01-01T00:00:00+00:00",
    "model": "small",
    "propensity": 1.0,
    "quality": 1.0,
    "candidates": [{"model": "small"}],
}
EXAMPLE: dict[str, object] = {"label": "greeting", "text": "hello"}

CONFIGURATION = """
backends: {fake: {kind: simulated}}
models: {small: {backend: fake}, large: {backend: fake}}
routers: {default: {default_model: small, strategy: {kind: model, model: small}}}
"""


class Command(NamedTuple):
    """How a command is called with a file in place of its data, and what a good row of it is."""

    arguments: str
    row: dict[str, object]


OUTCOME_COMMANDS = {
    "train": Command("train --data {file} --out {out}", OUTCOME),
    "evaluate": Command("evaluate --data {file} --router random --strong large --weak small", OUTCOME),
    "evaluate a configured router": Command("evaluate --data {file} --config {config}", OUTCOME),
    "calibrate": Command("calibrate --data {file} --router default --strong large --weak small", OUTCOME),
    "calibrate a configured router": Command("calibrate --data {file} --router default --config {config}", OUTCOME),
    "cascade-fit": Command("cascade-fit --data {file} --pool small --strong large --out {out}", OUTCOME),
    "report": Command("report --data {file} --out {out}", OUTCOME),
}
DECISION_COMMANDS = {
    "replay": Command("replay --policy {policy} --data {file}", DECISION),
    "diff-policy": Command("diff-policy --policy {policy} --data {file}", DECISION),
    "report on decisions": Command("report --decisions {file} --out {out}", DECISION),
}
TABLE_COMMANDS = {**OUTCOME_COMMANDS, **DECISION_COMMANDS}
TEXT_COMMANDS = {
    "fit-thresholds": Command("fit-thresholds --references {file} --examples {file}", EXAMPLE),
    "distill": Command("distill --teacher {folder} --texts {file} --out {out}", EXAMPLE),
}


Refused = Callable[[str, Path], str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command on a file that it must refuse, and return what it says."""
    (tmp_path / "frontdesk.yaml").write_text(CONFIGURATION)
    (tmp_path / "policy.yaml").write_text("model: small\n")

    def run(command: str, file: Path) -> str:
        places = {"file": file, "out": tmp_path / "out", "config": tmp_path / "frontdesk.yaml"}
        places |= {"policy": tmp_path / "policy.yaml", "folder": tmp_path}
        monkeypatch.setattr("sys.argv", ["frontdesk", *(word.format(**places) for word in command.split())])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code not in (0, None)
        assert said.out == ""
        assert "Traceback" not in said.err
        (line,) = said.err.strip().splitlines()
        return line

    return run


def write(file: Path, *rows: dict[str, object]) -> Path:
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), file)
    else:
        file.write_text("\n".join(map(json.dumps, rows)))
    return file


def each(commands: dict[str, Command]) -> pytest.MarkDecorator:
    """Run the test for all of these."""
    return pytest.mark.parametrize("command", commands.values(), ids=commands.keys())


@each({**TABLE_COMMANDS, **TEXT_COMMANDS})
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.jsonl", None, r"absent\.jsonl: no such file"),
        ("empty.jsonl", b"", r"empty\.jsonl: the file has no rows"),
        ("empty.csv", b"query_id,prompt,model,quality\n", r"empty\.csv: the file has no rows"),
        ("broken.jsonl", b'{"query_id": ', r"broken\.jsonl, row 1: not valid JSON"),
        ("latin1.jsonl", '{"query_id": "\xe9"}'.encode("latin-1"), r"latin1\.jsonl, row 1: not UTF-8"),
        ("latin1.csv", "query_id,prompt\na,\xe9\n".encode("latin-1"), r"latin1\.csv: not readable as CSV in UTF-8"),
        ("list.jsonl", b"[1]", r"list\.jsonl, row 1: a JSON object is expected"),
        ("rows.xlsx", b"?", r"rows\.xlsx: unknown extension '\.xlsx'"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    refused: Refused, tmp_path: Path, command: Command, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert re.search(message, refused(command.arguments, tmp_path / name))


@each({**TABLE_COMMANDS, **TEXT_COMMANDS})
def test_a_parquet_file_that_was_cut_off_is_named(refused: Refused, tmp_path: Path, command: Command) -> None:
    whole = write(tmp_path / "whole.parquet", command.row).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    assert "cut.parquet: not a readable Parquet file" in refused(command.arguments, tmp_path / "cut.parquet")


@each(TABLE_COMMANDS)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_column_that_is_missing_is_named(refused: Refused, tmp_path: Path, command: Command, suffix: str) -> None:
    row = {column: value for column, value in command.row.items() if column != "model"}
    said = refused(command.arguments, write(tmp_path / f"rows.{suffix}", row))
    assert f"rows.{suffix}, row 1, column model: the column is missing; found:" in said


@each(TABLE_COMMANDS)
@pytest.mark.parametrize("quality", [1.5, -0.1, "good", "inf"])
def test_a_quality_out_of_bounds_is_named_by_row_and_column(
    refused: Refused, tmp_path: Path, command: Command, quality: object
) -> None:
    file = write(tmp_path / "rows.jsonl", command.row, command.row | {"quality": quality})
    assert "rows.jsonl, row 2, column quality: " in refused(command.arguments, file)


@each(OUTCOME_COMMANDS)
def test_data_without_any_known_quality_is_refused(refused: Refused, tmp_path: Path, command: Command) -> None:
    """NaN, as pandas writes what is missing, is an outcome that nobody knows."""
    file = write(tmp_path / "rows.parquet", command.row | {"quality": float("nan")})
    refused(command.arguments, file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --data {file} --out {out} --models other", "no model 'other' in the data; it has: small"),
        ("evaluate --data {file} --router random --strong other --weak small", "no model 'other' in the data"),
        (
            "evaluate --data {file} --config {config}",
            "the data has no outcome of large, which router 'default' may choose",
        ),
        ("evaluate --data {file} --config {config} --pool small,other", "router 'default' has no model other"),
        ("evaluate --data {file} --config {config} --router other", "no router is named 'other'; there are default"),
        ("evaluate --data {file} --pool small", "the artefact does not know small; it knows: "),
        ("evaluate --data {file} --artefact {out}", "out: holds no artefact.json"),
        ("evaluate --data {file} --strong small --weak small --artefact {out}", "out: holds no artefact.json"),
        ("calibrate --data {file} --artefact {out}", "out: holds no artefact.json"),
        ("calibrate --data {file} --router default --strong small --weak other", "not other, small"),
        ("calibrate --data {file} --router default --config {config}", "the data has no outcome of large"),
        ("calibrate --data {file} --router default --config {config} --pool small", "has nothing to calibrate"),
        ("cascade-fit --data {file} --pool other --strong small --out {out}", "no model 'other' in the data"),
    ],
)
def test_names_that_do_not_fit_are_listed(refused: Refused, tmp_path: Path, arguments: str, message: str) -> None:
    assert message in refused(arguments, write(tmp_path / "rows.jsonl", OUTCOME))


def test_a_label_without_references_is_named(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "refs.jsonl", EXAMPLE)
    command = f"fit-thresholds --references {tmp_path}/refs.jsonl --examples {{file}}"
    assert "no references for: billing" in refused(
        command, write(tmp_path / "rows.jsonl", {**EXAMPLE, "label": "billing"})
    )
    assert "row 1, column text" in refused(command, write(tmp_path / "rows.jsonl", {**EXAMPLE, "text": ""}))


def test_a_configuration_that_is_not_there_is_named(refused: Refused, tmp_path: Path) -> None:
    assert "rows.jsonl: cannot be read" in refused("export --config {file} {file}", tmp_path / "rows.jsonl")


def test_a_ledger_that_is_not_there_is_a_fault_of_the_option(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    refused = CliRunner().invoke(app, ["export", "--ledger", f"sqlite:///{tmp_path}/out", str(rows)])

    assert refused.exit_code == 2
    assert "Invalid value for --ledger: there is no file" in unframed(refused.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"\xff", b"model: [", b"{}", b"model: small\nquality_floor: 2\n"])
@pytest.mark.parametrize("command", ["replay", "diff-policy"])
def test_a_policy_that_cannot_be_read_is_named(
    refused: Refused, tmp_path: Path, command: str, content: bytes | None
) -> None:
    write(tmp_path / "decisions.jsonl", DECISION)
    if content is not None:
        (tmp_path / "new.yaml").write_bytes(content)
    said = refused(f"{command} --policy {{file}} --data {tmp_path}/decisions.jsonl", tmp_path / "new.yaml")
    assert said.startswith(f"{tmp_path}/new.yaml: ")


COMMANDS = (
    "train",
    "evaluate",
    "calibrate",
    "cascade-fit",
    "replay",
    "diff-policy",
    "report",
    "fit-thresholds",
    "distill",
)


@pytest.mark.parametrize("command", [*COMMANDS, "export"])
def test_every_command_shows_an_example_and_prints_json(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["frontdesk", command, "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert f"Example: frontdesk {command} " in said
    assert "--json" in said
