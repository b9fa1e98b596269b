"""From recorded answers to a router that runs what was learnt from them: fitted by the command, asked through gRPC."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from frontdesk import Completed, Event, Started, text_of
from frontdesk.v1.routing_pb2 import Attempt, AttemptOutcome
from frontdesk_server.artefacts.cascade.artefact import load_cascade, save_cascade
from frontdesk_server.artefacts.cascade.policy import Action, Answered, CascadePolicy, FittedCascade, NextMove

from tests.chaos.automaton import LifeCycle
from tests.commands import frontdesk
from tests.service import pool_config, service
from tests.unit.learning.recorded_fixture import MODELS, POOL, write_answers
from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream, SeenRequest

EASY = "Question 8: how much is the sum of 20008 and 20009?"


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artefact of `frontdesk cascade-fit`, of 240 made-up questions."""
    folder = tmp_path_factory.mktemp("fitted")
    write_answers(folder / "answers.jsonl")
    ran = frontdesk(
        *("cascade-fit", "--data", "answers.jsonl", "--pool", ",".join(POOL), "--strong", "strong", "--out", "cascade"),
        *("--max-loss", "0.02", "--max-steps", "3", "--folds", "3", "--repeats", "1", "--json"),
        folder=folder,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(json.loads(ran.stdout)["order"]) >= 2
    return folder / "cascade"


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with FaultyUpstream() as running:
        yield running


def config(upstream: FaultyUpstream, artefact: Path, folder: Path) -> dict[str, Any]:
    """The models of the data, at prices at which four tokens cost what an answer costs there."""
    models = {
        name: {"backend": "upstream", "prices": {"input": 0, "output": nano_usd / 4 / 1000}}
        for name, (_, nano_usd) in MODELS.items()
    }
    router = {"default_model": "strong", "strategy": {"kind": "cascade", "artefact": str(artefact)}}
    ledger = {"url": f"sqlite:///{folder}/ledger.db", "store_prompts": True}
    return pool_config(upstream.openai_url, models=models, routers={"default": router}, ledger=ledger)


def says(**answers: str) -> Callable[[SeenRequest], Script]:
    """What every model says, `-` in its name written as `_`."""
    return lambda request: Script(tokens=tuple(re.split(r"(?<= )", answers[request.body["model"].replace("-", "_")])))


def concluded(fitted: FittedCascade, attempts: Sequence[Attempt], answers: Mapping[str, str]) -> NextMove:
    """What the cascade itself makes of the members' answers."""
    given = [Answered(a.model, answers[a.model.replace("-", "_")], a.cost_nano_usd) for a in attempts]
    return fitted.next_move(fitted.difficulty_of(EASY), given)


AGREED = {"small_a": "The answer is 40017", "small_b": "It comes #### 40017", "mid": "My answer is 40017"}
ODD_ONE_OUT = AGREED | {"small_b": "The answer is 48213"}
ALL_DIFFER = {name: f"The answer is {48213 + 11 * number}" for number, name in enumerate(AGREED)}


@pytest.mark.parametrize("answers", [AGREED, ODD_ONE_OUT], ids=["agreed", "odd one out"])
async def test_members_that_agree_answer_and_the_stream_tells_it_as_the_unary_call_does(
    cascade: Path, upstream: FaultyUpstream, tmp_path: Path, answers: Mapping[str, str]
) -> None:
    fitted = load_cascade(cascade)
    upstream.script = says(**answers)
    async with service(config(upstream, cascade, tmp_path), tmp_path) as (client, _):
        events: list[Event] = [event async for event in client.stream_complete(EASY)]
        unary = await client.complete(EASY)
        recorded = await client.get_decision(unary.completion_id)
    cycle = LifeCycle.of(events)
    cycle.end()
    assert cycle.conferred
    started, completed = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(completed, Completed)
    assert [step.model for step in started.decision.plan] == [*(s.model for s in fitted.policy.steps), "strong"]
    assert "hard, its members are asked" in started.decision.reason
    move = concluded(fitted, completed.attempts, answers)
    assert (move.action, move.model) == (Action.ACCEPT, completed.model)
    assert cycle.shown == answers[completed.model.replace("-", "_")] == text_of(unary.message)
    assert (unary.model, unary.cost, len(unary.attempts)) == (completed.model, completed.cost, len(completed.attempts))
    assert completed.cost.total_nano_usd == sum(attempt.cost_nano_usd for attempt in completed.attempts) > 0
    for attempt in (*completed.attempts, *recorded.attempts):
        accepted = attempt.model == completed.model
        assert attempt.outcome == (
            AttemptOutcome.ATTEMPT_OUTCOME_ACCEPTED if accepted else AttemptOutcome.ATTEMPT_OUTCOME_REJECTED
        )
        assert [check.check for check in attempt.checks][:1] == ["fitted"]
        assert attempt.checks[-1].passed == accepted
    explained = frontdesk("explain", unary.completion_id, "--config", "frontdesk.yaml", folder=tmp_path)
    assert "cascade chose" in explained.stdout
    assert "fitted" in explained.stdout


async def test_members_that_differ_give_way_to_the_strongest_even_where_one_of_them_fails(
    cascade: Path, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    fitted = load_cascade(cascade)
    strict = tuple(replace(step, accept_at_most=min(step.accept_at_most, 0.01)) for step in fitted.policy.steps)
    save_cascade(replace(fitted, policies=(replace(fitted.policy, steps=strict),), chosen=0), tmp_path / "strict")
    upstream.script = says(**ALL_DIFFER, strong="It comes #### 40017")
    upstream.enqueue(Script(fault=Fault.STATUS, status=500))
    async with service(config(upstream, tmp_path / "strict", tmp_path), tmp_path) as (client, _):
        events: list[Event] = [event async for event in client.stream_complete(EASY)]
    cycle = LifeCycle.of(events)
    cycle.end()
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert (completed.model, cycle.shown) == ("strong", "It comes #### 40017")
    assert completed.attempts[0].outcome == AttemptOutcome.ATTEMPT_OUTCOME_FAILED


async def test_a_reload_reads_the_artefact_again_and_keeps_the_old_one_where_the_new_is_broken(
    cascade: Path, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    shutil.copytree(cascade, tmp_path / "mine")
    async with service(config(upstream, Path("mine"), tmp_path), tmp_path) as (client, app):
        assert (await client.route(EASY)).model != "strong"
        alone = replace(load_cascade(cascade), policies=(CascadePolicy((), -1.0),), chosen=0)
        save_cascade(alone, tmp_path / "mine")
        assert await app.reload(tmp_path / "frontdesk.yaml")
        assert (await client.route(EASY)).model == "strong"
        (tmp_path / "mine" / "arrays.npz").write_bytes(b"broken")
        assert not await app.reload(tmp_path / "frontdesk.yaml")
        assert (await client.route(EASY)).model == "strong"
