"""The commands that read the ledger, as users type them."""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.cli import app, ledger_access
from frontdesk_server.cli import explain as explain_command
from frontdesk_server.cli import export as export_command
from frontdesk_server.cli import log as log_command
from frontdesk_server.cli import stats as stats_command
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.duration import duration
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.usage import Cost
from frontdesk_server.ledger.reader import Filters
from rich.console import Console
from typer.testing import CliRunner, Result

from tests.commands import unframed
from tests.records import a_cascade, a_routed_query, days_ago

ANSWERED, FAILED, ROUTED = a_routed_query(at=days_ago(2)), a_routed_query(router="bot"), a_routed_query(model="large")


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/ledger.db"
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    async with open_ledger(LedgerConfig.model_validate({"url": url, "store_prompts": True})) as ledger:
        for routed in (ANSWERED, FAILED, ROUTED):
            await ledger.record_decision(routed)
        await ledger.record_settlement(ANSWERED, a_cascade(), answer=None, error_reason="")
        unknown = a_cascade(cost=Cost(None, 0, 7))
        await ledger.record_settlement(FAILED, unknown, answer=None, error_reason="UPSTREAM_CUT")
        await ledger.record_outcome(Outcome(ANSWERED.decision.decision_id, 0.75, "user", datetime.now(UTC)))


def run(command: Callable[..., None], *arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments)


def listed(url: str, *arguments: str) -> list[str]:
    result = run(log_command.log, "--ledger", url, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line)["decision_id"] for line in result.stdout.splitlines()]


def ids(*queries: RoutedQuery) -> list[str]:
    return [routed.decision.decision_id for routed in queries]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), (ANSWERED, FAILED, ROUTED)),
        (("--limit", "2"), (FAILED, ROUTED)),
        (("--router", "bot"), (FAILED,)),
        (("--status", "routed"), (ROUTED,)),
        (("--since", "1d"), (FAILED, ROUTED)),
        (("--until", "36h"), (ANSWERED,)),
        (("--until", (datetime.now(UTC) - timedelta(days=1)).isoformat()), (ANSWERED,)),
        (("--caller", "billing"), (ANSWERED, FAILED, ROUTED)),
    ],
)
def test_log_lists_what_is_asked_for(url: str, arguments: tuple[str, ...], expected: tuple[RoutedQuery, ...]) -> None:
    assert sorted(listed(url, *arguments)) == sorted(ids(*expected))


def test_log_shows_a_line_a_decision(url: str) -> None:
    shown = run(log_command.log, "--ledger", url).stdout
    answered = next(line for line in shown.splitlines() if ANSWERED.decision.decision_id in line)
    assert "large" in answered
    assert "$0.000021" in answered
    assert "0.75" in answered
    assert "unknown" in next(line for line in shown.splitlines() if "UPSTREAM_CUT" in line)


def test_a_span_of_time_that_is_none_is_refused(url: str) -> None:
    result = run(log_command.log, "--ledger", url, "--since", "yesterday")
    assert result.exit_code == 2
    assert "ISO 8601" in result.output


def test_following_shows_each_decision_once_when_it_is_settled(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the polls a running completion settles; one that never does is shown when it has waited long enough."""
    late = a_routed_query()
    now = [ROUTED.decision.decided_at]
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: asyncio.run(_record(url, late, settle=False)),
            lambda: asyncio.run(_record(url, late, settle=True)),
            lambda: now.append(now[0] + timedelta(minutes=1)),
        ]
    )
    monkeypatch.setattr(time, "sleep", lambda seconds: next(steps)())
    monkeypatch.setattr(log_command, "_now", lambda: now[-1])
    with open_reader(url) as reader:
        seen = itertools.islice(log_command.followed(reader, Filters(), ""), 4)
        assert [summary.decision_id for summary in seen] == ids(ANSWERED, FAILED, late, ROUTED)


async def _record(url: str, routed: RoutedQuery, *, settle: bool) -> None:
    async with open_ledger(LedgerConfig.model_validate({"url": url})) as ledger:
        if settle:
            await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
        else:
            await ledger.record_decision(routed)


def test_stats_sum_up_by_router_and_by_model(url: str, tmp_path: Path) -> None:
    result = run(stats_command.stats, "--ledger", url, "--plot", "--png", str(tmp_path / "stats.png"))
    assert result.exit_code == 0, result.output
    assert "100.0%" in result.stdout
    assert "+ 1 unknown" in result.stdout
    assert "█ 100%" in result.stdout
    assert (tmp_path / "stats.png").read_bytes().startswith(b"\x89PNG")


def test_stats_as_json_hold_the_exact_amounts(url: str) -> None:
    found = json.loads(run(stats_command.stats, "--ledger", url, "--json").stdout)
    bot, default = found["routers"]
    assert (default["cost_nano_usd"], default["saved_nano_usd"], default["decisions"]) == (21_241, 8_759, 2)
    assert (bot["cost_nano_usd"], bot["cost_unknown"], bot["failed"]) == (0, 1, 1)


def test_explain_draws_who_was_considered_and_what_was_paid(url: str) -> None:
    shown = run(explain_command.explain, ANSWERED.decision.decision_id, "--ledger", url).stdout
    for words in (
        "cheapest first",
        "budget: nothing is left",
        "timed_out",
        "logprob 0.80",
        "Cost: $0.000021",
        "saved $0.0000088",
        "0.75 by user",
    ):
        assert words in shown


def test_explain_hangs_each_strategy_below_the_one_that_asked_it() -> None:
    console = Console(width=160, color_system=None)
    with console.capture() as captured:
        console.print(explain_command.render_decision(DecisionRecord(ROUTED.decision, "billing"), 160))
    lines = captured.get().splitlines()
    start = lines.index("Path")
    depths = [line.index(word) for line, word in zip(lines[start + 1 :], ("chain", "llm", "cascade"), strict=False)]
    assert depths[0] < depths[1] == depths[2]


def test_explain_knows_no_unknown_decision(url: str) -> None:
    result = run(explain_command.explain, "01J00000000000000000000000", "--ledger", url)
    assert isinstance(result.exception, DecisionNotFound)


def test_export_writes_rows_to_learn_from(url: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    assert run(export_command.export, str(file), "--ledger", url).exit_code == 0
    with file.open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert (row["query_id"], row["model"], row["quality"]) == (ANSWERED.decision.decision_id, "large", "0.75")


def test_export_writes_rows_to_replay(url: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    assert run(export_command.export, str(file), "--rows", "decisions", "--ledger", url).exit_code == 0
    assert len(file.read_text().splitlines()) == 3


def test_export_refuses_formats_it_does_not_know(url: str, tmp_path: Path) -> None:
    assert run(export_command.export, str(tmp_path / "rows.xlsx"), "--ledger", url).exit_code == 2


def test_a_ledger_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    result = run(log_command.log, "--ledger", f"sqlite:///{tmp_path}/none.db")
    assert result.exit_code == 2
    assert "--ledger" in result.stderr


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (0.0000042, "4 µs"), (0.25, "250 ms"), (1.5, "1.50 s"), (0.9999, "1000 ms")]
)
def test_durations_are_short(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_reports_read_from_where_the_configuration_says(url: str, tmp_path: Path) -> None:
    config = tmp_path / "frontdesk.yaml"
    ledger = f"ledger:\n  url: sqlite:///{tmp_path}/none.db\n  read_url: {url}\n"
    config.write_text(default_config_path().read_text() + ledger)
    with ledger_access.reading(None, config) as reader:
        assert reader.count(Filters()) == 3


@pytest.mark.parametrize("command", ["log", "stats", "export"])
@pytest.mark.parametrize("option", ["router", "model"])
def test_a_name_that_neither_ledger_nor_configuration_knows_is_refused(
    url: str, tmp_path: Path, command: str, option: str
) -> None:
    path = [str(tmp_path / "out.jsonl")] if command == "export" else []
    result = CliRunner().invoke(app, [command, *path, "--ledger", url, f"--{option}", "nope"])
    assert result.exit_code == 2
    assert f"no {option} is named 'nope'; there are" in unframed(result.stderr)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_name_that_the_configuration_alone_knows_is_of_no_decision_yet(url: str) -> None:
    assert listed(url, "--config", str(default_config_path()), "--model", "frontier-llm") == []
