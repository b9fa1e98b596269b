"""Decisions and settlements as the ledger and telemetry get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from frontdesk_server.assembly.ledger import open_reader
from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.decision import (
    Candidate,
    Decision,
    Exclusion,
    ExclusionReason,
    PlanStep,
    RoutedQuery,
    StepKind,
    StrategyStep,
    StreamMode,
    Verdict,
)
from frontdesk_server.domain.ids import first_decision_id, new_decision_id
from frontdesk_server.domain.model import Capability, Deployment, Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Role, TextPart, text_query
from frontdesk_server.domain.record import DecisionRecord, DropReason
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.usage import Cost, FinishReason, Usage
from frontdesk_server.ledger.reader import ROUTED, Filters

SECRET_TEXT = "my sister has the number 555-0100"
SMALL = Model("small", (Deployment("sim", "small-upstream"),), context_window=8192)
LARGE = Model("large", (Deployment("sim", "large-upstream"),), context_window=8192)


def a_decision(*, router: str = "default", model: str = "small", at: datetime | None = None) -> Decision:
    """A cascade's decision with something in every field."""
    now = at or datetime.now(UTC).replace(microsecond=123456)
    decision_id = new_decision_id() if at is None else first_decision_id(at)[:10] + new_decision_id()[10:]
    return Decision(
        decision_id=decision_id,
        model=model,
        reason="cheapest first",
        strategy="cascade",
        path=(
            StrategyStep("default/chain", "chain", Verdict.CHOSE, "first that is sure", 0.003, model, 0.7),
            StrategyStep("default/chain.0/llm", "llm", Verdict.TIMED_OUT, "200 ms", 0.002, cost_nano_usd=None),
            StrategyStep("default/chain.1/cascade", "cascade", Verdict.CHOSE, "cheapest first", 0.001, model),
        ),
        candidates=(
            Candidate("small", 0.6, 0.1, 1_000, 0.2, 0.55),
            Candidate("large", exclusion=Exclusion(ExclusionReason.BUDGET, "nothing is left")),
        ),
        plan=(
            PlanStep("small", StepKind.PRIMARY, "default/chain.1/cascade.0", StreamMode.GATE, 16),
            PlanStep("large", StepKind.ESCALATION),
        ),
        signals=Signals(
            SECRET_TEXT,
            Task.CODE,
            0.4,
            12,
            text_characters=len(SECRET_TEXT),
            code=True,
            language="en",
            difficulty_cues=("proof",),
        ),
        router=router,
        router_version="v1",
        strongest_model="large",
        decided_at=now,
        router_duration_seconds=0.004,
        router_cost_nano_usd=7,
        propensity=0.9,
        explored=True,
    )


def a_routed_query(
    *, router: str = "default", model: str = "small", at: datetime | None = None, text: str = SECRET_TEXT
) -> RoutedQuery:
    """A query with its decision."""
    decision = a_decision(router=router, model=model, at=at)
    decision = replace(decision, signals=replace(decision.signals, text=text))
    policy = RoutingPolicy(router, allowed_models=frozenset({"small", "large"}), quality_floor=0.5)
    policy = replace(policy, required_capabilities=frozenset({Capability.TOOLS, Capability.SEED}))
    return RoutedQuery(text_query(text), policy, decision, "billing", {"team": "support"})


def an_attempt(
    index: int = 0,
    model: str = "small",
    kind: StepKind = StepKind.PRIMARY,
    outcome: AttemptOutcome = AttemptOutcome.ACCEPTED,
    *,
    cost_nano_usd: int | None = 1_234,
    error_reason: str = "",
) -> Attempt:
    """An attempt with something in every field."""
    return Attempt(
        index=index,
        model=model,
        kind=kind,
        outcome=outcome,
        backend="sim",
        usage=Usage(10, 20, 3, 2, 5),
        cost_nano_usd=cost_nano_usd,
        duration_seconds=0.5,
        time_to_first_token_seconds=0.1,
        error_reason=error_reason,
        error_message=f"upstream said: {SECRET_TEXT}" if error_reason else "",
        checks=(CheckResult("logprob", 0.8, 0.7, outcome is AttemptOutcome.ACCEPTED, "mean", 0),),
        retries=1,
        upstream_model=f"{model}-2026",
        finish_reason=FinishReason.STOP,
        usage_estimated=True,
    )


def a_cascade(*, cost: Cost | None = None) -> Settlement:
    """A rejected answer, an escalation, an accepted one."""
    attempts = (
        an_attempt(0, "small", outcome=AttemptOutcome.REJECTED),
        an_attempt(1, "large", StepKind.ESCALATION, cost_nano_usd=20_000),
    )
    return Settlement(attempts, cost or Cost(21_234, 0, 7, 30_000), committed=True)


def an_answer(text: str) -> Answer:
    """A whole answer."""
    message = Message(Role.ASSISTANT, (TextPart(text),))
    return Answer(message, FinishReason.STOP, Usage(10, 20))


def stored(routed: RoutedQuery, text: str = "") -> Decision:
    """The decision as the store gives it back: with what was kept of its text."""
    signals = routed.decision.signals
    kept = replace(signals, text=text, text_characters=len(signals.text))
    return replace(routed.decision, signals=kept)


def recorded(ledger: Path) -> list[DecisionRecord]:
    """Every decision in an SQLite ledger with what became of it, the oldest first."""
    with open_reader(f"sqlite:///{ledger}") as reader:
        found = [reader.record(summary.decision_id) for summary in reader.newest(Filters(), 10_000)]
    return [record for record in found if record is not None]


def endings(ledger: Path) -> list[tuple[str, str]]:
    """Status and error reason of every decision that is settled."""
    with open_reader(f"sqlite:///{ledger}") as reader:
        found = reader.newest(Filters(), 10_000)
    return [(summary.status, summary.error_reason) for summary in found if summary.status != ROUTED]


def attempts(ledger: Path) -> list[Attempt]:
    """Every attempt of every settlement."""
    settlements = [record.settlement for record in recorded(ledger)]
    return [attempt for settlement in settlements if settlement is not None for attempt in settlement.attempts]


def days_ago(days: float) -> datetime:
    """An instant in the past."""
    return datetime.now(UTC) - timedelta(days=days)


class RecordingMonitor:
    """Remembers what the ledger tells of itself."""

    def __init__(self) -> None:
        self.records = 0
        self.failures: list[str] = []
        self.recoveries = 0
        self.losses: dict[str, int] = {}
        self.deletions = 0

    def opened(self, waiting: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        self.waiting, self.lag_seconds = waiting, lag_seconds

    def committed(self, records: int, seconds: float) -> None:
        self.records += records

    def failed(self, error: BaseException, told: str, waiting: int) -> None:
        self.failures.append(str(getattr(error, "orig", error)))

    def recovered(self, waiting: int) -> None:
        self.recoveries += 1

    def dropped(self, records: int, reason: DropReason) -> None:
        self.losses[reason] = self.losses.get(reason, 0) + records

    def deleted(self, decisions: int) -> None:
        self.deletions += decisions
