"""The command line as a user has it, and the README's promises."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from frontdesk_server.cli.connection import DEFAULT_ADDRESS
from frontdesk_server.config.loading import default_config_path

from tests.commands import EXTRAS, frontdesk

ROOT = Path(__file__).parents[2]
FOUR_QUERIES = {
    "What is 2 + 2?": "small-llm",
    "Summarize this 3-line email for me: Hi John, can you please review my Q3 sales report draft by Friday? "
    "Thanks, Sarah.": "mid-llm",
    "Fix the bug in this Python function that calculates Fibonacci.": "code-llm",
    "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential "
    "diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs "
    "between accuracy and latency.": "frontier-llm",
}


@pytest.mark.parametrize(("query", "model"), FOUR_QUERIES.items())
def test_the_four_queries_go_where_they_should(query: str, model: str, tmp_path: Path) -> None:
    ran = frontdesk("route", "--json", "-c", str(default_config_path()), query, folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["decision"]["model"] == model


def test_complete_prints_the_answer_alone_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    ran = frontdesk("complete", "-c", str(default_config_path()), "What is 2 + 2?", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("[simulated small-llm]")
    assert "$0.0000" in ran.stderr


@pytest.mark.parametrize("command", ["route", "complete"])
def test_a_ledger_that_begins_in_the_working_folder_is_told_of_once(command: str, tmp_path: Path) -> None:
    told = [
        frontdesk(command, "-c", str(default_config_path()), "Hello", folder=tmp_path).stderr.count(
            "frontdesk.db begins"
        )
        for _ in range(2)
    ]
    assert told == [1, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["frontdesk.db"]


def test_a_refused_query_names_reason_and_field(tmp_path: Path) -> None:
    ran = frontdesk("route", "--router", "nobody", "-c", str(default_config_path()), "Hello", folder=tmp_path)
    assert ran.returncode == 1
    assert "UNKNOWN_ROUTER" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_recorded_decision_is_explained_later(tmp_path: Path) -> None:
    completed = frontdesk("complete", "--json", "-c", str(default_config_path()), "What is 2 + 2?", folder=tmp_path)
    decision_id = json.loads(completed.stdout)["completionId"]
    explained = frontdesk("explain", decision_id, folder=tmp_path)
    assert explained.returncode == 0, explained.stderr
    assert "small-llm" in explained.stdout
    listed = frontdesk("log", "--json", folder=tmp_path)
    assert decision_id in listed.stdout


def test_check_accepts_what_ships_and_names_every_fault(tmp_path: Path) -> None:
    assert frontdesk("check", str(default_config_path()), folder=tmp_path).returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text(default_config_path().read_text().replace("default_model: mid-llm", "default_model: nobody"))
    ran = frontdesk("check", str(bad), folder=tmp_path)
    assert ran.returncode == 2
    assert re.search(r"bad\.yaml:\d+:\d+: routers\.default\.default_model: .*nobody", ran.stderr)


def test_the_schema_holds_what_ships(tmp_path: Path) -> None:
    import yaml

    schema = json.loads(frontdesk("schema", folder=tmp_path).stdout)
    jsonschema.validate(yaml.safe_load(default_config_path().read_text()), schema)


def test_help_names_every_command(tmp_path: Path) -> None:
    ran = frontdesk("--help", folder=tmp_path)
    assert ran.returncode == 0
    for command in ("serve", "demo", "route", "complete", "check", "schema", "explain", "log", "stats"):
        assert command in ran.stdout


def test_the_demo_escalates_outlives_a_provider_bills_a_cancel_and_leaves_what_it_did(tmp_path: Path) -> None:
    ran = frontdesk("demo", "--pool", "embedded", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    shown = " ".join(ran.stdout.split())
    for model in FOUR_QUERIES.values():
        assert f"▶ {model}" in shown
    assert "candidate quality USD per 1,000 first token" in shown  # predictions, as `explain` shows them
    assert "unsure-llm was rejected by its check (heuristic: refusal" in shown
    assert "rented-llm failed (UPSTREAM_UNREACHABLE" in shown
    assert "circuit breaker is open" in shown
    assert re.search(r"Cancelled after .* s\. \d+ output tokens \(estimated\) came, \$0\.\d*[1-9]", shown)
    assert re.search(r"11 whole answers: .* \d\d% saved", shown)
    assert re.search(r"10 of them that a cheaper model gave: .* \d\d% saved", shown)
    commands = re.findall(r"^  \S+ ((?:explain|stats|report) .*)$", ran.stdout, re.M)
    assert [command.split()[0] for command in commands] == ["explain", "stats", "report"]
    for command in commands:
        again = frontdesk(*shlex.split(command), folder=tmp_path, absent=not_installed_by_the_demo())
        assert again.returncode == 0, again.stderr
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.endswith(" ") or "\x1b" in line] == []
    assert max(map(len, lines)) > 200  # a pipe breaks no line


def test_stats_of_the_demo_are_those_of_its_last_run_and_add_up(tmp_path: Path) -> None:
    for _ in range(2):
        ran = frontdesk("demo", "--pool", "embedded", folder=tmp_path, settings={"COLUMNS": "40"})
    (command,) = re.findall(r"^  \S+ (stats .*)$", ran.stdout, re.M)
    routers = json.loads(frontdesk(*shlex.split(command), "--json", folder=tmp_path).stdout)["routers"]
    scoreboard = ran.stdout.partition("What it came to")[2]
    costs = re.findall(r"cost \$([\d.]+)  strongest", scoreboard)  # none is cut in forty columns
    assert sum(router["decisions"] for router in routers) == len(costs) == 12
    assert sum(router["cost_nano_usd"] for router in routers) == pytest.approx(1e9 * sum(map(float, costs)), rel=1e-3)
    assert all(model in scoreboard for model in ("small-llm", "frontier-llm", "rented-llm"))


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["--version"],
        ["explain", "--help"],
        ["schema"],
        ["complete", "Hello", "-c", str(default_config_path())],
        ["check", str(default_config_path())],
        ["demo", "--pool", "embedded"],
    ],
    ids=" ".join,
)
def test_a_reader_who_has_gone_ends_a_command_without_a_word(command: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "frontdesk_server", *command]
    ran = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, text=True, timeout=60)
    os.close(writing)
    assert (ran.returncode, "Error" in ran.stderr) == (141, False), ran.stderr


def test_a_closed_output_is_one_that_nobody_reads(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "frontdesk_server", "check", str(default_config_path())]
    ran = subprocess.run(
        shlex.join(words) + " >&-", shell=True, stderr=subprocess.PIPE, cwd=tmp_path, text=True, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def not_installed_by_the_demo() -> set[str]:
    """The packages of all extras but those that `make demo` brings."""
    recipe = (ROOT / "Makefile").read_text().partition("\n.venv/.serving:")[2].partition("@touch")[0]
    (brought,) = re.findall(r"'\.\[(.*)\]'", recipe)
    return set().union(*(packages for extra, packages in EXTRAS.items() if extra not in brought.split(",")))


def readme_commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line[2:].partition("  #")[0].strip() for line in lines]


def test_the_readme_starts_with_its_two_commands() -> None:
    assert readme_commands()[:2] == ["make demo", "make test"]


def test_every_frontdesk_command_of_the_readme_works_in_its_order(tmp_path: Path) -> None:
    host, port = DEFAULT_ADDRESS.split(":")
    with socket.socket() as caller:
        if not caller.connect_ex((host, int(port))):
            pytest.skip(f"something listens on {DEFAULT_ADDRESS}, which these commands would ask")
    for command in readme_commands():
        if command.startswith(".venv/bin/frontdesk"):
            ran = frontdesk(*shlex.split(command)[1:], folder=tmp_path)
            assert ran.returncode == 0, f"{command}: {ran.stderr}"
            assert ran.stdout, command


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in readme_commands():
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.M), command


def test_the_readmes_python_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    runner = "import asyncio\n" + example.replace("asyncio.run(main())", "")
    script = tmp_path / "example.py"
    script.write_text(
        "from frontdesk_server.assembly.app import open_server\n"
        "from frontdesk_server.config.loading import default_config_path, load_config\n"
        + runner.replace('"127.0.0.1:50051"', "ADDRESS")
        + "\nasync def whole():\n"
        "    global ADDRESS\n"
        "    async with open_server(load_config(default_config_path()), address='127.0.0.1:0') as (_, server):\n"
        "        ADDRESS = server.address\n"
        "        await main()\n"
        "asyncio.run(whole())\n"
    )
    ran = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "frontier-llm" in ran.stdout
    assert "[simulated code-llm]" in ran.stdout
