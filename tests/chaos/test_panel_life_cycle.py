"""Whatever the members of a fitted cascade do, the life cycle holds, and the cascade's own choice is given."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from frontdesk import AttemptStarted, Completed
from frontdesk_server.artefacts.cascade.policy import Action, Answered, CascadeStep
from frontdesk_server.domain import events as domain
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode
from frontdesk_server.domain.events import Finished, ToolCallDelta
from frontdesk_server.domain.usage import FinishReason, Usage
from hypothesis import event, given
from hypothesis import strategies as st

from tests.chaos.automaton import LifeCycle
from tests.chaos.plays import (
    ENDINGS,
    MODELS,
    NOISE,
    PANEL,
    Case,
    beside,
    cost_of,
    examples,
    fails_after,
    failure_on_the_wire,
    leave,
    play,
    said_by,
)
from tests.fakes import Script
from tests.fitted import NEVER, a_fitted_cascade

MEMBERS = ("small", "mid", "tiny")


@st.composite
def _member_scripts(draw: st.DrawFn, model: str) -> Script:
    """Answers that agree where their numbers do, whatever is said around them; silence, tool calls, all endings."""
    said = draw(st.sampled_from([(f"{model} says ", "#### 12"), (f"{model}: #### 12.0",), (f"{model}: #### 13",), ()]))
    deltas = draw(beside([domain.TextDelta(text) for text in said]))
    ends: Script = draw(ENDINGS) if draw(st.integers(0, 5)) == 5 else [Finished(FinishReason.STOP, Usage(5, 7))]
    return [*draw(NOISE), *deltas, *ends]


@st.composite
def panel_cases(draw: st.DrawFn) -> Case:
    """Fitted cascades of up to three members with and without a strongest model and a fallback behind them."""
    members = draw(st.permutations(MEMBERS))[: draw(st.sampled_from([3, 2, 1]))]
    steps = [
        CascadeStep(member, draw(st.sampled_from([0.5, 0.5, 0.1, 0.95])), draw(st.sampled_from([NEVER, NEVER, 0.5])))
        for member in members
    ]
    plan = [PlanStep(member, StepKind.ESCALATION, PANEL, StreamMode.HOLD) for member in members]
    plan += [PlanStep("frontier", StepKind.ESCALATION)] if draw(st.booleans()) else []
    plan[0] = replace(plan[0], kind=StepKind.PRIMARY)
    scripts = {name: draw(_member_scripts(name)) for name in MODELS}
    cascade = a_fitted_cascade(*steps, pool=MEMBERS)
    retries, batch_size = draw(st.integers(0, 1)), draw(st.integers(1, 4))
    return Case(plan, scripts, draw(st.booleans()), retries=retries, cascade=cascade, batch_size=batch_size)


def comparable(script: Script) -> str | None:
    """What a member's answer counts for."""
    calls = any(isinstance(step, ToolCallDelta) for step in script)
    return None if calls or fails_after(script) is not None else said_by(script) or None


def follow_policy(case: Case) -> tuple[list[str], str]:
    """The models that are asked, and whose answer is given, by the cascade itself and what the scripts say."""
    assert case.cascade is not None
    asked: list[Answered] = []
    while True:
        move = case.cascade.next_move(0.0, asked)
        if move.action is not Action.ASK:
            break
        asked.append(Answered(move.model, comparable(case.scripts[move.model])))
    names = [given.model for given in asked]
    held = [name for name in names if fails_after(case.scripts[name]) is None]
    if move.action is Action.ACCEPT:
        return names, move.model
    if case.plan[-1].model == "frontier":
        return [*names, "frontier"], "frontier" if fails_after(case.scripts["frontier"]) is None else ""
    return names, move.leader or (held[-1] if held else "")


@examples
@given(panel_cases())
def test_a_panel_keeps_the_life_cycle_and_gives_the_answer_its_cascade_chooses(case: Case) -> None:
    seen = asyncio.run(play(case))
    cycle = LifeCycle.of(seen.events)
    asked, winner = follow_policy(case)
    event("conferred" if cycle.conferred else "one member")
    assert [each.model for each in seen.events if isinstance(each, AttemptStarted)] == asked
    if seen.failed is None:
        cycle.end()
        completed = seen.events[-1]
        assert isinstance(completed, Completed)
        attempts, cost = completed.attempts, completed.cost
        event(f"answered by member {asked.index(winner)} of {len(asked)}")
        assert completed.model == winner
        assert cycle.shown == said_by(case.scripts[winner])
    else:
        cycle.fail()
        failure = failure_on_the_wire(seen.failed)
        attempts, cost = failure.attempts, failure.cost
        event("failed")
        assert not winner
    assert [attempt.model for attempt in attempts] == asked
    assert all([check.check for check in attempt.checks] for attempt in attempts if attempt.model != "frontier")
    assert cost.attempts_nano_usd == cost_of(attempts)
    assert cost.total_nano_usd == cost.attempts_nano_usd + 77


@examples
@given(panel_cases(), st.integers(0, 12))
def test_a_caller_who_leaves_a_panel_leaves_every_member_settled(case: Case, events: int) -> None:
    settlement = asyncio.run(leave(case, events)).settlement
    assert len({attempt.index for attempt in settlement.attempts}) == len(settlement.attempts)
    assert settlement.cost.attempts_nano_usd == sum(a.cost_nano_usd or 0 for a in settlement.attempts)
    assert [attempt.outcome.value for attempt in settlement.attempts].count("accepted") <= 1
