"""Records as bytes: what went in comes back, and is what the caller got."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from frontdesk.v1.router_service_pb2 import GetDecisionResponse
from frontdesk.v1.routing_pb2 import Decision as DecisionMessage
from frontdesk_server.domain.attempt import Adjustment, Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.decision import (
    Candidate,
    Decision,
    Exclusion,
    ExclusionReason,
    PlanStep,
    StepKind,
    StrategyStep,
    StreamMode,
    Verdict,
)
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.usage import Cost, FinishReason, Usage
from frontdesk_server.rpc.encode import encode_attempt, encode_decision
from frontdesk_server.rpc.record import ContractCodec
from hypothesis import given
from hypothesis import strategies as st

from tests import full_values as full

CODEC = ContractCodec()

TEXT = st.text(max_size=20)
NUMBER = st.floats(allow_nan=False)
COUNT = st.integers(0, 2**31 - 1)
AMOUNT = st.integers(-(2**63), 2**63 - 1)
UNSURE = st.none() | AMOUNT
SECONDS = st.integers(0, 10**15).map(lambda nanoseconds: nanoseconds / 1e9)
"""As finely as the contract tells them."""


def some(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=3).map(tuple)


STEPS = st.builds(StrategyStep, TEXT, TEXT, st.sampled_from(Verdict), TEXT, SECONDS, TEXT, st.none() | NUMBER, UNSURE)
EXCLUSIONS = st.builds(Exclusion, st.sampled_from(ExclusionReason), TEXT, st.none() | SECONDS)
CANDIDATES = st.builds(
    Candidate,
    TEXT,
    st.none() | NUMBER,
    st.none() | NUMBER,
    UNSURE,
    st.none() | SECONDS,
    st.none() | NUMBER,
    st.none() | EXCLUSIONS,
)
PLAN = st.builds(PlanStep, TEXT, st.sampled_from(StepKind), TEXT, st.none() | st.sampled_from(StreamMode), COUNT)
SIGNALS = st.builds(
    Signals,
    text=TEXT,
    task=st.sampled_from(Task),
    difficulty=NUMBER,
    input_tokens=AMOUNT,
    code=st.booleans(),
    math=st.booleans(),
    language=TEXT,
    turns=COUNT,
    tools=st.booleans(),
    media=st.booleans(),
    in_tool_loop=st.booleans(),
    difficulty_cues=some(TEXT),
    text_characters=AMOUNT,
)
DECISIONS = st.builds(
    Decision,
    decision_id=TEXT,
    model=TEXT,
    reason=TEXT,
    strategy=TEXT,
    path=some(STEPS),
    candidates=some(CANDIDATES),
    plan=some(PLAN),
    signals=SIGNALS,
    router=TEXT,
    router_version=TEXT,
    strongest_model=TEXT,
    decided_at=st.datetimes(timezones=st.just(UTC)),
    router_duration_seconds=SECONDS,
    router_cost_nano_usd=UNSURE,
    propensity=NUMBER,
    explored=st.booleans(),
)
USAGES = st.builds(Usage, *([UNSURE] * 11), service_tier=TEXT)
CHECKS = st.builds(CheckResult, TEXT, NUMBER, NUMBER, st.booleans(), TEXT, UNSURE)
ATTEMPTS = st.builds(
    Attempt,
    index=COUNT,
    model=TEXT,
    kind=st.sampled_from(StepKind),
    outcome=st.sampled_from(AttemptOutcome),
    backend=TEXT,
    usage=USAGES,
    cost_nano_usd=UNSURE,
    duration_seconds=SECONDS,
    time_to_first_token_seconds=st.none() | SECONDS,
    error_reason=TEXT,
    error_message=TEXT,
    checks=some(CHECKS),
    retries=COUNT,
    upstream_model=TEXT,
    finish_reason=st.none() | st.sampled_from(FinishReason),
    usage_estimated=st.booleans(),
    adjustments=some(st.builds(Adjustment, TEXT, TEXT)),
    provider_request_id=TEXT,
    provider_cost_nano_usd=UNSURE,
    cache_saved_nano_usd=UNSURE,
)
COSTS = st.builds(Cost, UNSURE, UNSURE, UNSURE, UNSURE)


@given(DECISIONS)
def test_a_decision_comes_back_whole(decision: Decision) -> None:
    data = CODEC.encode_decision(decision)
    back = CODEC.decode_decision(data, decision.signals.text)
    assert back == decision
    assert CODEC.encode_decision(back) == CODEC.encode_decision(replace(back)) == data


@given(st.lists(ATTEMPTS, max_size=3), COSTS, st.booleans())
def test_an_account_comes_back_whole(attempts: list[Attempt], cost: Cost, committed: bool) -> None:
    data = CODEC.encode_account(attempts, cost)
    back = CODEC.decode_account(data, committed=committed)
    assert back == Settlement(tuple(attempts), cost, committed)
    assert CODEC.encode_account(back.attempts, back.cost) == data


def test_every_field_of_the_values_is_kept() -> None:
    """The generators above name every field, so that a new one is not forgotten in silence."""
    assert CODEC.decode_decision(CODEC.encode_decision(full.DECISION), full.SIGNALS.text) == full.DECISION
    attempt = replace(full.ATTEMPT, upstream_message="")
    (back,) = CODEC.decode_account(CODEC.encode_account([attempt], full.COST), committed=True).attempts
    assert back == attempt


def test_the_caller_and_the_ledger_get_the_same_bytes() -> None:
    decision, attempt = replace(full.DECISION), replace(full.ATTEMPT)
    data = CODEC.encode_decision(decision)
    assert encode_decision(decision).SerializeToString() == data
    account = GetDecisionResponse.FromString(CODEC.encode_account([attempt], full.COST))
    assert list(account.attempts) == [encode_attempt(attempt)]
    looked_up = CODEC.decode_decision(data, "")
    assert encode_decision(looked_up) == DecisionMessage.FromString(data)


def test_what_a_message_is_changed_to_changes_no_record() -> None:
    decision = replace(full.DECISION)
    encode_decision(decision).reason = "another"
    assert encode_decision(decision).reason == full.DECISION.reason


def test_a_value_made_of_another_is_encoded_anew() -> None:
    encode_decision(full.DECISION)
    assert encode_decision(replace(full.DECISION, reason="another")).reason == "another"
