"""Replay, diff-policy and report on a ledger whose two models were chosen by the toss of a coin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from frontdesk_server.artefacts.cascade.artefact import save_cascade
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.cli.connection import in_process
from frontdesk_server.cli.evaluate import evaluate
from frontdesk_server.cli.replay import diff_policy, replay
from frontdesk_server.cli.report import report
from frontdesk_server.config.loading import load_config
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.decision import Candidate, PlanStep, RoutedQuery, StepKind
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Query, Role, ToolCall, ToolResult, text_query
from frontdesk_server.domain.record import Outcome
from frontdesk_server.routing.signals import compute_signals
from typer.testing import CliRunner, Result

from tests.fitted import a_fitted_cascade, asks
from tests.records import a_routed_query

DECISIONS = 80
POOL = """
backends: {fake: {kind: simulated}}
models:
  small: {backend: fake, quality: 0.6, prices: {input: 0.1, output: 0.5}}
  large: {backend: fake, quality: 0.9, prices: {input: 3, output: 15}}
routers:
"""
BY_KEYWORD = """{kind: rules, rules: [
    {name: hard, when: {keywords: [prove]}, model: large}, {name: easy, model: small}]}"""
BY_COIN = """{kind: split, arms: [
    {name: a, weight: 1, strategy: {kind: model, model: small}},
    {name: b, weight: 1, strategy: {kind: model, model: large}}]}"""
CASCADE = """{kind: cascade, steps: [
    {model: small, check: {kind: heuristic}}, {model: large}]}"""
KEPT = {"store_prompts": True, "flush_ms": 5}
BY_LLM = "{kind: llm, model: small, constraint: none}"


def decided(number: int) -> RoutedQuery:
    """Every second query is hard; of both kinds, each model got every second one."""
    hard, model = number % 2 == 0, "small" if number % 4 < 2 else "large"
    query = text_query(f"{'Prove lemma' if hard else 'Say'} {number}")
    return _decided(query, model, propensity=0.5)


def _decided(query: Query, model: str, propensity: float) -> RoutedQuery:
    routed = a_routed_query(text=query.last_user_text)
    decision = replace(
        routed.decision,
        model=model,
        plan=(PlanStep(model, StepKind.PRIMARY), PlanStep("large", StepKind.FALLBACK)),
        candidates=(Candidate("small", 0.6, 0.1, 1_000, 0.2), Candidate("large", 0.9, 0.1, 9_000, 0.4)),
        signals=compute_signals(query),
        propensity=propensity,
        explored=False,
    )
    return replace(routed, query=query, policy=RoutingPolicy(), decision=decision)


async def _fill(url: str, decisions: list[RoutedQuery], *, store_prompts: bool) -> None:
    """The small model is judged good at what is easy only, the large one always."""
    async with open_ledger(LedgerConfig.model_validate({"url": url, "store_prompts": store_prompts})) as ledger:
        for routed in decisions:
            await ledger.record_decision(routed)
            failed = routed.decision.model == "small" and "Prove" in routed.query.last_user_text
            outcome = Outcome(routed.decision.decision_id, 0.0 if failed else 1.0, "user", datetime.now(UTC))
            await ledger.record_outcome(outcome)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/ledger.db"
    asyncio.run(_fill(url, [decided(number) for number in range(DECISIONS)], store_prompts=True))
    return url


def policy(tmp_path: Path, strategy: str, name: str = "default") -> str:
    path = tmp_path / "new.yaml"
    path.write_text(f"{POOL}  {name}: {{default_model: small, strategy: {strategy}}}\n")
    return str(path)


def run(command: Callable[..., None], *arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments)


def test_a_router_is_asked_about_every_logged_query(url: str, tmp_path: Path) -> None:
    result = run(replay, "--policy", policy(tmp_path, BY_KEYWORD), "--ledger", url, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["moved"] == DECISIONS / 2
    half = {"decisions": DECISIONS / 4}
    assert sorted(found["flows"], key=lambda flow: str(flow["old_model"])) == [
        {"old_model": "large", "new_model": "small", **half},
        {"old_model": "small", "new_model": "large", **half},
    ]
    assert found["logged_quality"]["value"] == 0.75
    assert found["quality"]["snips"]["value"] == 1.0


def test_decisions_that_cannot_be_read_are_left_out_and_counted(url: str, tmp_path: Path) -> None:
    nonsense = [_decided(text_query("Say it"), "small", propensity) for propensity in (0.0, 7.0)]
    asyncio.run(_fill(url, nonsense, store_prompts=True))

    result = run(replay, "--policy", policy(tmp_path, BY_KEYWORD), "--ledger", url, "--json")
    reported = run(report, "--ledger", url, "--out", str(tmp_path / "report.html"), "--json")

    assert (result.exit_code, json.loads(result.stdout)["decisions"]) == (0, DECISIONS), result.output
    assert json.loads(reported.stdout)["rows"] == DECISIONS
    for told in (result.stderr, reported.stderr):
        assert "2 cannot be read and are left out, such as " in told
        assert any(routed.decision.decision_id in told for routed in nonsense)
        assert "column propensity" in told


@pytest.mark.parametrize("wanted", [["--pool", "small,large"], ["--strong", "large", "--weak", "small"], []])
def test_what_a_ledger_exports_is_not_evaluated_as_if_every_model_had_been_asked(
    tmp_path: Path, wanted: list[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    row = {"prompt": "Say", "quality": 1.0, "cost_nano_usd": 5}
    models = ["small", "large", "large"] * 10
    rows.write_text("\n".join(json.dumps({"query_id": str(i), "model": m, **row}) for i, m in enumerate(models)))
    router = ["--router", "random"] if wanted else ["--config", policy(tmp_path, BY_KEYWORD)]
    result = run(evaluate, "--data", str(rows), *router, *wanted)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "frontdesk replay" in result.stderr


def test_a_router_that_tosses_the_same_coin_comes_to_what_was_logged(url: str, tmp_path: Path) -> None:
    result = run(replay, "--policy", policy(tmp_path, BY_COIN), "--ledger", url, "--json")
    low, high = json.loads(result.stdout)["quality"]["snips"]["ci95"]
    assert low < 0.75 < high
    assert high - low < 0.25


def test_a_cascade_is_another_choice_than_its_first_model(url: str, tmp_path: Path) -> None:
    result = run(replay, "--policy", policy(tmp_path, CASCADE), "--ledger", url, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["moved"] == DECISIONS


def test_what_moves_is_listed_with_what_was_predicted(url: str, tmp_path: Path) -> None:
    result = run(diff_policy, "--policy", policy(tmp_path, BY_KEYWORD), "--ledger", url, "--json")
    moved = json.loads(result.stdout)["moved"]
    assert {(m["old_model"], m["new_model"], m["predicted_cost_change_nano_usd"]) for m in moved} == {
        ("small", "large", 8_000.0),
        ("large", "small", -8_000.0),
    }


@pytest.mark.parametrize("redact", [[], ["[0-9]+"]], ids=["as asked", "redacted"])
def test_a_configuration_moves_none_of_its_own_decisions_also_where_it_explores(
    tmp_path: Path, redact: list[str]
) -> None:
    path, url = tmp_path / "own.yaml", f"sqlite:///{tmp_path}/own.db"
    router = f"{{default_model: small, exploration: {{share: 0.4}}, strategy: {BY_KEYWORD}}}"
    path.write_text(f"{POOL}  default: {router}\nledger: {json.dumps({'url': url, **KEPT, 'redact': redact})}\n")

    async def decide() -> int:
        async with in_process(load_config(path)) as client:
            asked = [f"{'Prove lemma' if number % 2 else 'Say'} {number}" for number in range(DECISIONS)]
            return sum([(await client.route(query)).explored for query in asked])

    assert 10 < asyncio.run(decide()) < 60
    result = run(diff_policy, "--policy", str(path), "--ledger", url, "--json")
    assert json.loads(result.stdout)["moved"] == []


def test_a_split_moves_none_of_its_own_decisions(tmp_path: Path) -> None:
    path, url = tmp_path / "own.yaml", f"sqlite:///{tmp_path}/own.db"
    router = f"{{default_model: small, exploration: {{share: 0.4}}, strategy: {BY_COIN}}}"
    path.write_text(f"{POOL}  default: {router}\nledger: {json.dumps({'url': url, **KEPT})}\n")

    async def decide() -> set[str]:
        async with in_process(load_config(path)) as client:
            return {(await client.route(f"Say {number}")).model for number in range(DECISIONS)}

    assert asyncio.run(decide()) == {"small", "large"}
    result = run(diff_policy, "--policy", str(path), "--ledger", url, "--json")
    assert json.loads(result.stdout)["moved"] == []


def test_a_fitted_cascade_decides_by_difficulty_and_asks_nobody(url: str, tmp_path: Path) -> None:
    save_cascade(a_fitted_cascade(asks("small"), strongest="large", hard_word="prove"), tmp_path / "fitted")
    path = policy(tmp_path, "{kind: cascade, artefact: fitted}")
    moved = json.loads(run(diff_policy, "--policy", path, "--ledger", url, "--json").stdout)["moved"]
    assert {(each["old_model"], each["new_model"]) for each in moved} == {
        ("small", "large"),
        ("small", "small → large"),
        ("large", "small → large"),
    }
    assert run(replay, "--policy", path, "--ledger", url).exit_code in (0, 3)


def test_a_tool_loop_stays_with_its_model(tmp_path: Path) -> None:
    asked = text_query("Prove it").messages[0]
    called = Message(Role.ASSISTANT, (ToolCall("1", "look"),))
    loop = Query((asked, called, Message(Role.TOOL, (ToolResult("1", "found"),))))
    url = f"sqlite:///{tmp_path}/ledger.db"
    asyncio.run(_fill(url, [_decided(loop, "small", propensity=1.0)], store_prompts=True))
    result = run(diff_policy, "--policy", policy(tmp_path, BY_KEYWORD), "--ledger", url, "--json")
    assert json.loads(result.stdout)["moved"] == []


def test_without_prompts_a_router_is_refused_and_a_floor_is_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    asyncio.run(_fill(url, [decided(number) for number in range(DECISIONS)], store_prompts=False))
    refused = run(replay, "--policy", policy(tmp_path, BY_KEYWORD), "--ledger", url)
    assert refused.exit_code == 1
    assert "store_prompts" in refused.stderr
    floor = tmp_path / "floor.yaml"
    floor.write_text("quality_floor: 0.8\n")
    assert run(replay, "--policy", str(floor), "--ledger", url).exit_code == 0


@pytest.mark.parametrize(
    ("strategy", "name", "message"),
    [(BY_LLM, "default", "without calls"), (BY_KEYWORD, "other", "there are other")],
)
def test_routers_that_cannot_be_asked_are_refused(
    url: str, tmp_path: Path, strategy: str, name: str, message: str
) -> None:
    result = run(replay, "--policy", policy(tmp_path, strategy, name), "--ledger", url)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_report_is_on_the_ledger_where_no_file_is_named(url: str, tmp_path: Path) -> None:
    result = run(report, "--ledger", url, "--out", str(tmp_path / "report.html"), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"] == DECISIONS


def test_the_report_of_a_ledger_tells_what_routing_adds_in_every_form(url: str, tmp_path: Path) -> None:
    """Neighbours know what is hard by its first word; the coin knows nothing."""
    page = tmp_path / "report.html"
    told = json.loads(run(report, "--ledger", url, "--out", str(page), "--json").stdout)
    shuffled, neighbours, fixed = (told["routing_adds"][name] for name in ("shuffled", "neighbours", "fixed"))
    assert shuffled["added"] == pytest.approx(0.0, abs=1e-9)
    assert neighbours["added"] < -neighbours["error"]
    assert fixed["refusal"] == "of no model is it known what it comes to, and that it costs no more"
    assert told["verdicts"] == [rival["verdict"] for rival in (shuffled, neighbours, fixed)]
    shown = run(report, "--ledger", url, "--out", str(page)).stdout
    for verdict in told["verdicts"]:
        assert verdict in shown
        assert verdict in page.read_text()


def test_where_no_prompt_was_kept_the_report_says_why_no_neighbours_were_asked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    asyncio.run(_fill(url, [decided(number) for number in range(DECISIONS)], store_prompts=False))
    shown = run(report, "--ledger", url, "--out", str(tmp_path / "report.html")).stdout
    assert "the log cannot tell: prompts were not kept (ledger.store_prompts)." in shown


@pytest.mark.parametrize("command", [replay, diff_policy])
def test_a_policy_of_a_model_that_nobody_knows_is_refused(
    url: str, tmp_path: Path, command: Callable[..., None]
) -> None:
    (tmp_path / "p.yaml").write_text("model: lagre")
    result = run(command, "--policy", str(tmp_path / "p.yaml"), "--ledger", url)
    assert result.exit_code == 2
    told = "model: no model is named 'lagre' (did you mean 'large'?); there are large, small"
    assert result.stderr.strip() == f"{tmp_path}/p.yaml: {told}"


def test_a_policy_of_a_model_that_the_configuration_alone_knows_is_none_that_nobody_knows(
    url: str, tmp_path: Path
) -> None:
    config = Path(policy(tmp_path, BY_COIN, name="default"))
    config.write_text(config.read_text().replace("models:", "models:\n  new: {backend: fake}"))
    (tmp_path / "p.yaml").write_text("model: new")
    result = run(diff_policy, "--policy", str(tmp_path / "p.yaml"), "--ledger", url, "--config", str(config))
    assert result.exit_code == 0, result.output
