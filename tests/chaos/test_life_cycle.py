"""Whatever the models do, the events follow the life cycle, and the account is right."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from frontdesk import AttemptEnded, AttemptStarted, Completed
from frontdesk.v1.routing_pb2 import AttemptOutcome
from frontdesk_server.domain import attempt as domain_attempt
from frontdesk_server.domain import events as domain
from frontdesk_server.domain.decision import PlanStep, StepKind
from frontdesk_server.domain.errors import (
    UpstreamCut,
)
from frontdesk_server.domain.events import Finished, UsageReport
from frontdesk_server.domain.usage import FinishReason, Usage
from hypothesis import event, given
from hypothesis import strategies as st

from tests.chaos.automaton import LifeCycle
from tests.chaos.plays import (
    HANG_SECONDS,
    JUDGE_COST,
    NAMES,
    Case,
    cases,
    checks_cost,
    cost_of,
    examples,
    fails_after,
    failure_on_the_wire,
    leave,
    play,
    said_by,
)
from tests.fakes import Script


@examples
@given(cases())
def test_every_sequence_of_events_is_a_life_cycle_and_every_account_adds_up(case: Case) -> None:
    seen = asyncio.run(play(case))
    cycle = LifeCycle.of(seen.events)
    judged = [call for call in seen.calls if call.upstream_model == "judge"]
    if seen.failed is None:
        cycle.end()
        completed = seen.events[-1]
        assert isinstance(completed, Completed)
        attempts, cost = completed.attempts, completed.cost
        event("completed")
        assert cycle.shown == said_by(case.scripts[completed.model])
        assert fails_after(case.scripts[completed.model]) is None
    else:
        cycle.fail()
        failure = failure_on_the_wire(seen.failed)
        attempts, cost = failure.attempts, failure.cost
        event(f"failed, committed: {failure.committed}")
        last = attempts[-1]
        assert attempts[:-1] == cycle.ended[: len(attempts) - 1]
        assert last.outcome in (AttemptOutcome.ATTEMPT_OUTCOME_FAILED, AttemptOutcome.ATTEMPT_OUTCOME_REJECTED)
        assert fails_after(case.scripts[last.model]) is not None
        if not failure.committed:
            assert [attempt.model for attempt in attempts] == [step.model for step in case.plan]
    assert cost.attempts_nano_usd == cost_of(attempts)
    assert cost.checks_nano_usd == checks_cost(attempts) == JUDGE_COST * len(judged)
    assert cost.router_nano_usd == 77
    assert cost.total_nano_usd == cost.attempts_nano_usd + cost.checks_nano_usd + 77


@examples
@given(cases())
def test_without_checks_the_first_model_that_can_answer_does(case: Case) -> None:
    case = replace(case, plan=[PlanStep(step.model, step.kind) for step in case.plan])
    seen = asyncio.run(play(case))
    called: list[str] = []
    answered = committed = False
    for step in case.plan:
        called.append(step.model)
        content = fails_after(case.scripts[step.model])
        answered = content is None
        committed = answered or bool(case.stream and content)
        if committed:
            break
    ended = [e.attempt.model for e in seen.events if isinstance(e, AttemptEnded)]
    assert [e.model for e in seen.events if isinstance(e, AttemptStarted)] == called
    assert ended == called[:-1]
    assert (seen.failed is None) == answered
    if seen.failed is not None:
        failure = failure_on_the_wire(seen.failed)
        assert failure.committed == committed
        assert failure.attempts[-1].model == called[-1]
        if committed:
            shown = LifeCycle.of(seen.events).shown
            assert said_by(case.scripts[called[-1]]).startswith(shown)
            assert failure.attempts[-1].usage.output_tokens >= len(shown) // 4


@examples
@given(cases(), st.integers(0, 12))
def test_a_caller_who_leaves_at_any_event_leaves_a_settled_account(case: Case, events: int) -> None:
    settlement = asyncio.run(leave(case, events)).settlement
    *before, last = settlement.attempts or (None,)
    assert all(attempt is not None and attempt.outcome.value in ("failed", "rejected") for attempt in before)
    assert settlement.cost.attempts_nano_usd == sum(a.cost_nano_usd or 0 for a in settlement.attempts)
    assert last is None or events > 0


@examples
@given(cases(), st.integers(0, 12))
def test_what_ends_in_the_last_moments_of_its_deadline_was_ended_by_it(case: Case, events: int) -> None:
    execution = asyncio.run(leave(case, events, seconds=0.05))
    assert execution.overdue
    for attempt in execution.settlement.attempts:
        assert attempt.outcome is not domain_attempt.AttemptOutcome.CANCELLED
        event(attempt.error_reason or attempt.outcome.value)


_SLOW_SECONDS = (0.0, 0.0015, 0.002, HANG_SECONDS)


@examples
@given(cases(), st.fixed_dictionaries({name: st.sampled_from(_SLOW_SECONDS) for name in NAMES}))
def test_hedged_attempts_race_in_silence(case: Case, slow: dict[str, float]) -> None:
    scripts = {name: [slow[name], *script] for name, script in case.scripts.items()}
    plan = [PlanStep(step.model, step.kind) for step in case.plan]
    seen = asyncio.run(play(replace(case, plan=plan, scripts=scripts, stream=True, hedge=True)))
    cycle = LifeCycle.of(seen.events)
    event("hedged" if cycle.raced else "not hedged")
    if seen.failed is None:
        cycle.end()
        completed = seen.events[-1]
        assert isinstance(completed, Completed)
        attempts, cost = completed.attempts, completed.cost
        assert cycle.shown == said_by(case.scripts[completed.model])
    else:
        cycle.fail()
        failure = failure_on_the_wire(seen.failed)
        attempts, cost = failure.attempts, failure.cost
    assert cost.attempts_nano_usd == cost_of(attempts)
    assert len(attempts) == sum(isinstance(each, AttemptStarted) for each in seen.events)


async def test_startup_noise_does_not_commit() -> None:
    noisy: Script = [UsageReport(Usage(5, 0)), UsageReport(Usage(5, 1)), UpstreamCut("cut")]
    well: Script = [domain.TextDelta("mid"), Finished(FinishReason.STOP, Usage(5, 1))]
    plan = [PlanStep("small", StepKind.PRIMARY), PlanStep("mid", StepKind.FALLBACK)]
    seen = await play(Case(plan, {"small": noisy, "mid": well}, stream=True))
    assert seen.failed is None
    assert [type(e).__name__ for e in seen.events[1:]] == [
        "AttemptStarted",
        "AttemptEnded",
        "AttemptStarted",
        "TextDelta",
        "Completed",
    ]
