"""`frontdesk explain`: one decision, drawn."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from frontdesk_server.cli.ledger_access import ConfigOption, LedgerOption, duration, reading
from frontdesk_server.cli.money import nano_usd
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, Settlement
from frontdesk_server.domain.decision import Candidate, Decision, StrategyStep, Verdict, asked_by
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.record import DecisionRecord

_VERDICTS = {Verdict.CHOSE: "green", Verdict.ABSTAINED: "dim", Verdict.FAILED: "red", Verdict.TIMED_OUT: "red"}
_OUTCOMES = {
    AttemptOutcome.ACCEPTED: "green",
    AttemptOutcome.REJECTED: "yellow",
    AttemptOutcome.FAILED: "red",
    AttemptOutcome.CANCELLED: "magenta",
}


def explain(
    decision_id: Annotated[str, typer.Argument(help="Decision id, as `frontdesk log` shows it.")],
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> None:
    """Show why a model was chosen and what became of it.

    Example: frontdesk explain 01JD3ZK6Q8W0M5T1N2R4V7X9YB
    """
    with reading(ledger, config) as reader:
        record = reader.record(decision_id)
    if record is None:
        raise DecisionNotFound(decision_id)
    Console().print(render_decision(record))


def render_decision(record: DecisionRecord) -> RenderableType:
    """Draw a decision: who was considered, how the router got there, what was asked and what it cost."""
    decision = record.decision
    parts: list[RenderableType] = [_head(record), _candidates(decision), _path(decision)]
    if record.settlement is not None:
        parts += [_attempts(record.settlement), _costs(record.settlement)]
    if record.outcomes:
        reports = ", ".join(f"{outcome.quality:.2f} by {outcome.source}" for outcome in record.outcomes)
        parts.append(Text(f"Outcome: {reports}"))
    return Group(*parts)


def _head(record: DecisionRecord) -> RenderableType:
    decision = record.decision
    signals = decision.signals
    facts = [
        f"router {decision.router} ({decision.router_version})",
        f"strategy {decision.strategy}",
        f"decided in {duration(decision.router_duration_seconds)}",
        f"propensity {decision.propensity:g}" + (" (explored)" if decision.explored else ""),
    ]
    seen = f"task {signals.task.value}, difficulty {signals.difficulty:.2f}, {signals.input_tokens} input tokens"
    labels = "".join(f" {name}={value}" for name, value in record.labels.items())
    body = Text.assemble(
        (decision.model, "bold green"), f"  {decision.reason}\n", " · ".join(facts), "\n", seen,
        f"\ncaller {record.caller or '-'}{labels}",
    )  # fmt: skip
    return Panel(
        body, title=decision.decision_id, subtitle=f"{decision.decided_at:%Y-%m-%d %H:%M:%S} UTC", expand=False
    )


def _candidates(decision: Decision) -> RenderableType:
    table = Table(title="Candidates", title_justify="left", box=None, header_style="bold", pad_edge=False)
    table.add_column("model", no_wrap=True)
    for name in ("quality", "cost", "first token", "score"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("excluded because")
    for candidate in decision.candidates:
        style = "bold green" if candidate.model == decision.model else "dim" if candidate.exclusion else ""
        table.add_row(*map(Text, _candidate_cells(candidate)), style=style)
    return table


def _candidate_cells(candidate: Candidate) -> tuple[str, ...]:
    quality = candidate.predicted_quality
    spread = f" ± {candidate.quality_uncertainty:.2f}" if candidate.quality_uncertainty is not None else ""
    exclusion = candidate.exclusion
    return (
        candidate.model,
        "-" if quality is None else f"{quality:.3f}{spread}",
        nano_usd(candidate.predicted_cost_nano_usd),
        duration(candidate.predicted_time_to_first_token_seconds),
        "-" if candidate.score is None else f"{candidate.score:.3f}",
        "" if exclusion is None else f"{exclusion.reason.value}: {exclusion.detail}",
    )


def _path(decision: Decision) -> RenderableType:
    """The strategies asked, each under the one that asked it."""
    tree = Tree("Path")
    branches: list[Tree] = []
    for step, parent in zip(decision.path, asked_by(decision.path), strict=True):
        branches.append((tree if parent is None else branches[parent]).add(_step(step)))
    return tree


def _step(step: StrategyStep) -> Text:
    text = Text.assemble(f"{step.strategy} ", (step.verdict.value, _VERDICTS[step.verdict]))
    if step.model:
        text.append(f" {step.model}", "bold")
    if step.confidence is not None:
        text.append(f" ({step.confidence:.2f})")
    text.append(f"  {step.reason}  {duration(step.duration_seconds)}")
    if step.cost_nano_usd != 0:
        text.append(f", {nano_usd(step.cost_nano_usd)}")
    return text


def _attempts(settlement: Settlement) -> RenderableType:
    table = Table(title="Attempts", title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("#", "model", "kind", "outcome"):
        table.add_column(name, no_wrap=True)
    for name in ("took", "first token", "in", "out", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    reasons = []
    for attempt in settlement.attempts:
        table.add_row(*_attempt_cells(attempt))
        checks = [f"{c.check} {c.score:.2f} {'≥' if c.passed else '<'} {c.threshold:.2f}" for c in attempt.checks]
        if because := [*checks, *filter(None, [attempt.error_reason])]:
            reasons.append(Text(f"#{attempt.index}: {'; '.join(because)}"))
    return Group(table, *reasons)


def _attempt_cells(attempt: Attempt) -> tuple[Text, ...]:
    tokens = [attempt.usage.input_tokens, attempt.usage.output_tokens]
    return (
        Text(str(attempt.index)),
        Text(attempt.model),
        Text(attempt.kind.value),
        Text(attempt.outcome.value, _OUTCOMES[attempt.outcome]),
        Text(duration(attempt.duration_seconds)),
        Text(duration(attempt.time_to_first_token_seconds)),
        *(Text("-" if count is None else f"{count:,}") for count in tokens),
        Text(nano_usd(attempt.cost_nano_usd)),
    )


def _costs(settlement: Settlement) -> RenderableType:
    cost = settlement.cost
    parts = [("attempts", cost.attempts_nano_usd), ("checks", cost.checks_nano_usd), ("routing", cost.router_nano_usd)]
    spent = ", ".join(f"{name} {nano_usd(amount)}" for name, amount in parts if amount != 0) or "nothing"
    text = Text.assemble("Cost: ", (nano_usd(cost.total_nano_usd), "bold"), f" ({spent})")
    if cost.saved_nano_usd is not None:
        amount, verb = abs(cost.saved_nano_usd), "saved" if cost.saved_nano_usd >= 0 else "overspent"
        text.append(f", {verb} {nano_usd(amount)} against {nano_usd(cost.strongest_nano_usd)} of the strongest model")
    return text
