"""What holds of every command: nothing is cut, JSON is JSON, and the exit code tells the class of a fault."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.cli import _COMMANDS, app
from frontdesk_server.cli.tables import Column, table
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.config.naming import no_such
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.decision import PlanStep, StepKind
from frontdesk_server.domain.record import Outcome
from frontdesk_server.domain.usage import Cost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner, Result

from tests.records import a_cascade, a_routed_query, an_attempt

ENDINGS = ("", "UPSTREAM_CUT", "DEADLINE_EXCEEDED", "CANCELLED")
STATUSES = ("completed", "failed", "deadline", "cancelled", "routed")
LONG = "a-rather-long-model-name-2027-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
COSTS = (
    Cost(14, 0, 0, 70),
    Cost(1_234_567_890_123, 0, 0, 9_999_999_999_999),
    Cost(21_241, 0, 0, 30_000),
    Cost(7, 0, 0, 9),
)
CONFIGURATION = """
backends: {fake: {kind: openai, base_url: "${NOT_SET_URL}", api_key: "${NOT_SET_KEY}"}}
models: {small: {backend: fake, prices: {input: 1, output: 2}}, large: {backend: fake}}
routers:
  default: &same {default_model: small, strategy: {kind: model, model: small}}
  a-router-with-a-name: *same
  careful:
    default_model: large
    strategy: {kind: cascade, steps: [{model: small, check: {kind: heuristic}}, {model: large}]}
redis: {url: "${NOT_SET_REDIS}"}
ledger: {url: "%s", store_prompts: true}
"""


class Bench(NamedTuple):
    """A folder with a ledger, data, and a configuration whose secrets are not set."""

    folder: Path
    url: str
    ids: tuple[str, ...]

    def run(self, line: str, width: int = 80, given: bytes = b"") -> Result:
        """Run a command line, in which {folder}, {url}, {id} and {default} stand for what there is."""
        places = {"folder": self.folder, "url": self.url, "id": self.ids[0], "default": default_config_path()}
        words = [word.format(**places).replace("~", " ") for word in line.split()]
        return CliRunner(env={"COLUMNS": str(width), "NO_COLOR": "1"}).invoke(app, words, input=given)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    url = f"sqlite:///{folder}/ledger.db"
    ids = asyncio.run(_fill(url))
    (folder / "secrets.yaml").write_text(CONFIGURATION % url)
    (folder / "faulty.yaml").write_text("models: 7\n")
    (folder / "empty.jsonl").write_text("")
    (folder / "floor.yaml").write_text("quality_floor: 0.8\n")
    row = {"quality": 1.0, "cost_nano_usd": 5, "answer": "4", "response": "That makes 4.", "domain": "sums"}
    asked = [
        {
            "query_id": f"{i}",
            "prompt": f"{i} + {i}",
            "model": model,
            **row,
            "quality": float(i % 3 > 0 or model == "large"),
        }
        for i in range(40)
        for model in ("small", "large")
    ]
    (folder / "outcomes.jsonl").write_text("\n".join(map(json.dumps, asked)))
    (folder / "outcomes.parquet").write_bytes(b"PAR1")
    (folder / "single.jsonl").write_text("\n".join(map(json.dumps, asked[::3])))
    labelled = [{"label": label, "text": f"{label} {i}"} for i in range(5) for label in ("hello", "bye")]
    (folder / "labelled.jsonl").write_text("\n".join(map(json.dumps, labelled)))
    return Bench(folder, url, ids)


@pytest.fixture(autouse=True)
def _within(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.folder)


async def _fill(url: str) -> tuple[str, ...]:
    """Every ending, a decision that was only routed, and names and amounts of every length."""
    asked = [a_routed_query(model=LONG, router="a-router-with-a-name"), *(a_routed_query() for _ in range(4))]
    async with open_ledger(LedgerConfig.model_validate({"url": url, "store_prompts": True, "flush_ms": 5})) as ledger:
        for routed in asked:
            plan = (PlanStep(routed.decision.model, StepKind.PRIMARY),)
            decision = replace(routed.decision, plan=plan, explored=False)
            await ledger.record_decision(replace(routed, decision=decision, trace_id=TRACE))
        for routed, reason, cost in zip(asked, ENDINGS, COSTS, strict=False):
            attempts = (an_attempt(0, routed.decision.model), *a_cascade().attempts[1:])
            settlement = replace(a_cascade(cost=cost), attempts=attempts)
            await ledger.record_settlement(routed, settlement, answer=None, error_reason=reason)
            await ledger.record_outcome(Outcome(routed.decision.decision_id, 0.5, "user", datetime.now(UTC)))
    return tuple(routed.decision.decision_id for routed in asked)


def whole(output: str, word: str) -> bool:
    """Whether a line has it unbroken."""
    return any(word in line for line in output.splitlines())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(40, 200))
def test_no_width_cuts_a_number_an_id_or_a_status(bench: Bench, width: int) -> None:
    log = bench.run("log --ledger {url}", width).output
    for word in (*bench.ids, *STATUSES, LONG, TRACE, "$0.000000014", "$1,234.57", "$0.000021"):
        assert whole(log, word), (width, word)
    stats = bench.run("stats --ledger {url}", width).output
    for word in (LONG, "$1,234.57", "$0.000000014", "a-router-with-a-name", "500 ms"):
        assert whole(stats, word), (width, word)
    explained = bench.run("explain {id} --ledger {url}", width).output
    for word in (bench.ids[0], LONG, TRACE, "accepted", "100 ms", "$0.0000012", "0.600 ± 0.10", "$0.00100"):
        assert whole(explained, word), (width, word)
    evaluated = bench.run(
        "evaluate --data {folder}/outcomes.jsonl --router random --pool small,large --resamples 2", width
    ).output
    for word in ("small", "large", "$0.00000500"):
        assert whole(evaluated, word), (width, word)


CELLS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=24)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=4),
    width=st.integers(40, 200),
    right=st.booleans(),
)
def test_every_cell_of_a_table_stands_whole(rows: list[tuple[str, ...]], width: int, right: bool) -> None:
    columns = (
        Column("id", head=True),
        Column("status", head=True),
        Column("n", right=right),
        Column("cost", right=right),
    )
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(table(columns, rows, width))
    drawn = captured.get()
    assert all(len(line) <= width and line == line.rstrip() for line in drawn.splitlines())
    for row in rows:
        for cell in row:
            assert cell == "-" or whole(drawn, cell), (cell, drawn)


def test_what_goes_into_a_pipe_is_one_line_a_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = CliRunner().invoke(app, ["log", "--ledger", bench.url]).output.splitlines()
    assert len(lines) == 1 + len(bench.ids)


def test_dates_stand_beside_times_and_the_query_where_it_was_kept(bench: Bench) -> None:
    an_instant = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
    for line in ("log --ledger {url}", "explain {id} --ledger {url}"):
        shown = bench.run(line, 200).output
        assert an_instant.search(shown)
        assert "my sister has the number" in shown


JSON = {
    "health": "health --address 127.0.0.1:1 --json",
    "route": "route What~is~2~+~2? -c {default} --json",
    "complete": "complete What~is~2~+~2? -c {default} --json",
    "explain": "explain {id} --ledger {url} --json",
    "log": "log --ledger {url} --json",
    "stats": "stats --ledger {url} --json",
    "export": "export {folder}/rows.csv --ledger {url} --json",
    "check": "check {default} --json",
    "check --models": "check {default} --models --json",
    "key": "key somebody --json",
    "schema": "schema --json",
    "train": "train --data {folder}/outcomes.jsonl --features words --out {folder}/mine --json",
    "evaluate": "evaluate --data {folder}/outcomes.jsonl --router random --pool small,large --resamples 2 --json",
    "calibrate": "calibrate --data {folder}/outcomes.jsonl --router careful --config {folder}/secrets.yaml --json",
    "cascade-fit": "cascade-fit --data {folder}/outcomes.jsonl --pool small --strong large --out {folder}/c --json",
    "replay": "replay --policy {folder}/floor.yaml --ledger {url} --json",
    "diff-policy": "diff-policy --policy {folder}/floor.yaml --ledger {url} --json",
    "report": "report --ledger {url} --out {folder}/report.html --json",
    "fit-thresholds": "fit-thresholds --references {folder}/labelled.jsonl --examples {folder}/labelled.jsonl --json",
}
SERVERS, ENCODERS = {"serve", "demo"}, {"distill"}
"""What prints no result, and what needs an ONNX encoder to have one."""


def test_every_command_that_prints_prints_json() -> None:
    assert {line.split()[0] for line in JSON} == set(_COMMANDS) - SERVERS - ENCODERS


@pytest.mark.parametrize("line", JSON.values(), ids=JSON.keys())
def test_json_is_all_that_is_printed(bench: Bench, line: str) -> None:
    ran = bench.run(line)
    assert ran.exit_code in (0, 1, 3), ran.output
    if ran.exit_code == 1 and not line.startswith("health"):
        assert ran.stdout == ""
        pytest.skip(f"the data is too little for it: {ran.stderr}")
    many = line.startswith("log")
    for document in ran.stdout.splitlines() if many else [ran.stdout]:
        json.loads(document)


@pytest.mark.parametrize("command", _COMMANDS)
def test_what_is_no_option_is_a_fault_of_usage(bench: Bench, command: str) -> None:
    assert bench.run(f"{command} --no-such-option").exit_code == 2


CODES = {
    "a configuration that is not there": ("route Hello -c {folder}/absent.yaml", 2),
    "a faulty configuration": ("check {folder}/faulty.yaml", 2),
    "a faulty configuration, as JSON": ("check {folder}/faulty.yaml --json", 2),
    "both ways to be asked": ("route Hello -c {default} --address 127.0.0.1:1", 2),
    "both ways to be answered": ("complete Hello -c {default} --tls", 2),
    "a ledger that is not there": ("log --ledger sqlite:///{folder}/absent.db", 2),
    "a ledger that is none": ("stats --ledger mysql://nowhere/x", 2),
    "a ledger of no name": ("log --ledger=", 2),
    "a router that decided nothing": ("diff-policy --policy {folder}/floor.yaml --ledger {url} --router a-router", 2),
    "a status that is none": ("log --ledger {url} --status ended", 2),
    "a file of an unknown kind": ("export {folder}/rows.xlsx --ledger {url}", 2),
    "a router that is none": ("evaluate --data {folder}/outcomes.jsonl --router magic --strong large --weak small", 2),
    "a port that no server has": ("route Hello --address 127.0.0.1:99999", 2),
    "the health of a port that no server has": ("health --address 127.0.0.1:99999", 2),
    "a query of nothing": ("route ~ -c {default}", 2),
    "a query that is no text": ("complete a\udcff -c {default}", 2),
    "nothing to calibrate": ("calibrate --data {folder}/outcomes.jsonl", 2),
    "a server that does not serve": ("health --address 127.0.0.1:1", 1),
    "a server that is not there": ("route Hello --address 127.0.0.1:1", 1),
    "a query that is refused": ("route Hello --router nobody -c {default}", 1),
    "a decision that is not there": ("explain 01JD3ZK6Q8W0M5T1N2R4V7X9YB --ledger {url}", 1),
    "data that is not there": ("train --data {folder}/absent.jsonl --out {folder}/x", 1),
    "data without a row": ("report --data {folder}/empty.jsonl --out {folder}/x.html", 1),
    "a ledger without a decision": ("report --ledger {url} --since 2999-01-01 --out {folder}/x.html", 1),
    "outcomes of one model a query": ("evaluate --data {folder}/single.jsonl --router random --pool small,large", 3),
    "a log that never explored": ("replay --policy {folder}/floor.yaml --ledger {url}", 3),
    "labels that certify nothing": (
        "calibrate --data {folder}/outcomes.jsonl --router careful --config {folder}/secrets.yaml --max-loss 0.01",
        3,
    ),
}


@pytest.mark.parametrize(("line", "code"), CODES.values(), ids=CODES.keys())
def test_the_exit_code_tells_the_class_of_the_fault(bench: Bench, line: str, code: int) -> None:
    ran = bench.run(line)
    assert ran.exit_code == code, ran.output
    assert "Traceback" not in ran.output


@pytest.mark.parametrize(
    "line",
    [
        "log",
        "stats",
        "explain {id}",
        "export {folder}/rows.jsonl",
        "report --out {folder}/r.html",
        "train --from-ledger --features words --out {folder}/t",
        "diff-policy --policy {folder}/floor.yaml",
        "diff-policy --policy {folder}/secrets.yaml",
        "evaluate --data {folder}/outcomes.jsonl --router default --resamples 2",
    ],
)
def test_what_calls_nobody_needs_no_secret(bench: Bench, line: str) -> None:
    ran = bench.run(f"{line} --config {{folder}}/secrets.yaml")
    assert ran.exit_code in (0, 1), ran.output  # training needs more outcomes than there are
    assert "NOT_SET" not in ran.output


@pytest.fixture
def without_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("matplotlib", "pyarrow"):
        for name in [each for each in sys.modules if each.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.usefixtures("without_learning")
@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("stats --ledger {url} --png {folder}/mix.png", "matplotlib"),
        ("export {folder}/rows.parquet --ledger {url}", "pyarrow"),
        ("report --data {folder}/outcomes.parquet", "pyarrow"),
    ],
)
def test_what_is_not_installed_is_named_with_what_to_install(bench: Bench, line: str, package: str) -> None:
    ran = bench.run(line)
    assert ran.exit_code == 2
    assert f"needs {package}: pip install '.[learn]' in a checkout" in ran.stderr


@pytest.mark.parametrize("command", ["log", "stats", "explain 01JD3ZK6Q8W0M5T1N2R4V7X9YB", "report"])
@pytest.mark.parametrize("table", ["CREATE TABLE theirs (x)", ""])
def test_a_database_that_is_not_frontdesks_is_left_as_it_is(bench: Bench, command: str, table: str) -> None:
    theirs = bench.folder / "theirs.db"
    theirs.write_bytes(b"")
    with closing(sqlite3.connect(theirs)) as connection:
        connection.execute(table)
    before = theirs.read_bytes()
    ran = bench.run(f"{command} --ledger sqlite:///{{folder}}/theirs.db", 400)
    assert (ran.exit_code, "theirs.db is no ledger of Frontdesk's" in ran.stderr) == (2, True), ran.stderr
    assert theirs.read_bytes() == before
    assert [path.name for path in bench.folder.glob("theirs.db*")] == ["theirs.db"]


@pytest.mark.parametrize("pressed", [KeyboardInterrupt, typer.Abort])
def test_who_interrupts_finds_the_prompt_on_a_line_of_its_own(
    pressed: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        typer.echo("half a line", err=True, nl=False)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        raise pressed

    monkeypatch.setattr("frontdesk_server.cli.schema.schema", interrupted)
    ran = CliRunner().invoke(app, ["schema"])
    assert (ran.exit_code, ran.stderr) == (130, "half a line\n")


def test_what_is_no_utf_8_on_standard_input_is_a_fault_of_usage() -> None:
    ran = CliRunner().invoke(app, ["route", "-", "-c", str(default_config_path())], input=b"a\xff\xfeb")
    assert (ran.exit_code, "no UTF-8" in ran.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--router", "--allow", "--exclude"])
def test_a_name_that_is_no_utf_8_is_a_fault_of_usage(option: str) -> None:
    ran = CliRunner().invoke(app, ["route", option, "a\udcff", "hi", "-c", str(default_config_path())])
    assert (ran.exit_code, f"{option}: it is no UTF-8" in ran.stderr) == (2, True)


def test_a_router_that_decided_nothing_is_guessed(bench: Bench) -> None:
    exported = bench.run("export --rows decisions - --ledger {url}").stdout_bytes
    line = "diff-policy --policy {folder}/floor.yaml --router a-router-with-a-nam"
    for ran in (bench.run(f"{line} --ledger {{url}}", 200), bench.run(f"{line} --data -", 200, given=exported)):
        assert (ran.exit_code, "did you mean 'a-router-with-a-name'?" in ran.stderr) == (2, True), ran.stderr


@pytest.mark.parametrize("command", ["log", "stats", "export -"])
def test_a_caller_of_no_decision_is_guessed(bench: Bench, command: str) -> None:
    ran = bench.run(f"{command} --ledger {{url}} --caller biling", 200)
    assert ran.exit_code == 2
    assert "no caller is named 'biling' (did you mean 'billing'?); there are billing" in ran.stderr
    assert ran.stdout == ""


def test_a_caller_whom_the_configuration_knows_may_have_asked_nothing_yet(bench: Bench, tmp_path: Path) -> None:
    keys = "{keys: [{caller: newcomer, sha256: a}, {caller: tests, sha256: b}]}"
    (tmp_path / "keys.yaml").write_text(f"security: {keys}\n")
    line = f"log --ledger {{url}} --config {tmp_path}/keys.yaml --caller"
    assert bench.run(f"{line} newcomer").exit_code == 0
    assert "did you mean 'newcomer'?" in bench.run(f"{line} newcomers", 200).stderr


def test_of_many_names_not_all_are_told() -> None:
    told = no_such("caller", "x", [f"team-{number:03}" for number in range(500)])
    assert told.endswith("team-039 and 460 more")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("train --data {folder}/outcomes.jsonl --out {folder}/x --since 7d", "--since: it is of the ledger's"),
        ("report --data {folder}/outcomes.jsonl --out {folder}/x.html --router a", "--router: it is of decisions"),
        (
            "evaluate --data {folder}/outcomes.jsonl --artefact {folder} --router random --pool small,large",
            "--router: --artefact is what is evaluated",
        ),
    ],
)
def test_a_filter_of_what_is_not_read_is_a_fault_of_usage(bench: Bench, line: str, told: str) -> None:
    ran = bench.run(line, 200)
    assert (ran.exit_code, told in ran.stderr) == (2, True), ran.stderr


def test_a_refusal_is_told_once(bench: Bench) -> None:
    ran = bench.run("route Hello --router nobody -c {default}")
    assert [line for line in ran.stderr.splitlines() if "begins here" not in line] == [
        "UNKNOWN_ROUTER: no router is named 'nobody'; there are default",
        "  policy.router",
    ]


def test_a_query_comes_from_standard_input(bench: Bench) -> None:
    words = ["route", "-", "--json", "-c", str(default_config_path())]
    ran = CliRunner().invoke(app, words, input="Fix the bug in this Python function that calculates Fibonacci.\n")
    assert json.loads(ran.stdout)["decision"]["model"] == "code-llm"


FROM_STANDARD_INPUT = {
    "a configuration": ("check - --json", "default", 0),
    "a faulty configuration": ("check -", "faulty.yaml", 2),
    "a configuration that is looked at twice": ("stats -c - --json", "secrets.yaml", 0),
    "a configuration that is asked": ("route Hello -c -", "default", 0),
    "a policy": ("diff-policy --policy - --ledger {url}", "floor.yaml", 0),
    "a policy that is a configuration": ("diff-policy --policy - --ledger {url}", "secrets.yaml", 0),
    "outcomes": ("report --data - --out {folder}/from-input.html", "outcomes.jsonl", 0),
    "outcomes to evaluate on": (
        "evaluate --data - --router random --pool small,large --resamples 2",
        "outcomes.jsonl",
        0,
    ),
    "no outcome": ("report --data -", "empty.jsonl", 1),
    "examples": ("fit-thresholds --references {folder}/labelled.jsonl --examples -", "labelled.jsonl", 0),
    "what each of several workers would read": ("serve --workers 2 -c -", "default", 2),
}


@pytest.mark.parametrize(("line", "given", "code"), FROM_STANDARD_INPUT.values(), ids=FROM_STANDARD_INPUT)
def test_a_file_that_is_read_comes_from_standard_input(bench: Bench, line: str, given: str, code: int) -> None:
    file = default_config_path() if given == "default" else bench.folder / given
    ran = bench.run(line, given=file.read_bytes())
    assert ran.exit_code == code, ran.output


def test_what_is_written_goes_to_standard_output(bench: Bench) -> None:
    exported = bench.run("export --rows decisions - --ledger {url}")
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert sorted(row["decision_id"] for row in rows) == sorted(bench.ids)
    assert bench.run("report --decisions - --out -", given=exported.stdout_bytes).stdout.startswith("<!doctype html>")
    assert not (bench.folder / "-").exists()


def test_the_environment_names_the_server_and_gives_way_to_a_configuration(bench: Bench) -> None:
    environment = {"FRONTDESK_ADDRESS": "127.0.0.1:1"}
    assert CliRunner(env=environment).invoke(app, ["route", "Hello"]).exit_code == 1
    assert CliRunner(env=environment).invoke(app, ["route", "Hello", "-c", str(default_config_path())]).exit_code == 0
