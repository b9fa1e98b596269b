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
from frontdesk_server.cli import main

OUTCOME = {"query_id": "a", "prompt": "hi", "model": "small", "quality": 1.0, "cost_nano_usd": 5, "answer": "4"}
DECISION = {
    "decision_id": "d",
    "decided_at": "2026-01-01T00:00:00+00:00",
    "model": "small",
    "propensity": 1.0,
    "quality": 1.0,
    "candidates": [{"model": "small"}],
}
EXAMPLE = {"label": "greeting", "text": "hello"}

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


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
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


@pytest.mark.parametrize(
    "command", {**TABLE_COMMANDS, **TEXT_COMMANDS}.values(), ids={**TABLE_COMMANDS, **TEXT_COMMANDS}.keys()
)
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.jsonl", None, r"absent\.jsonl.*[Nn]o such file"),
        ("empty.jsonl", b"", r"empty\.jsonl.*no rows"),
        ("broken.jsonl", b'{"query_id": ', r"broken\.jsonl.*row 1.*not valid JSON"),
        ("latin1.jsonl", '{"query_id": "é"}'.encode("latin-1"), r"latin1\.jsonl.*row 1.*not UTF-8"),
        ("list.jsonl", b"[1]", r"list\.jsonl.*row 1.*object"),
        ("folder.jsonl", "folder", r"folder\.jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    refused: Callable[..., str], tmp_path: Path, command: Command, name: str, content: bytes | str | None, message: str
) -> None:
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        file.mkdir()
    said = refused(command.arguments, file)
    print(said)
    assert re.search(message, said), said
