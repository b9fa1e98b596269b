"""`frontdesk explain`: one decision, drawn."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text
from rich.tree import Tree

from frontdesk_server.cli.ask import to_json
from frontdesk_server.cli.ledger_access import ConfigOption, JsonOption, LedgerOption, reading
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, one_line, table
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.decision import Candidate, Decision, StrategyStep, Verdict, asked_by
from frontdesk_server.domain.duration import duration
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.money import PER_THOUSAND, per_thousand, usd
from frontdesk_server.domain.record import DecisionRecord
from frontdesk_server.rpc.encode import encode_record

_VERDICTS = {Verdict.CHOSE: "green", Verdict.ABSTAINED: "dim", Verdict.FAILED: "red", Verdict.TIMED_OUT: "red"}
_OUTCOMES = {
    AttemptOutcome.ACCEPTED: "green",
    AttemptOutcome.REJECTED: "yellow",
    AttemptOutcome.FAILED: "red",
    AttemptOutcome.CANCELLED: "magenta",
}

_MOST_OF_QUERY = 1_000
"""Characters."""


def explain(
    decision_id: Annotated[str, typer.Argument(help="Decision id, as `frontdesk log` shows it.")],
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show why a model was chosen and what became of it.

    Example: frontdesk explain 01JD3ZK6Q8W0M5T1N2R4V7X9YB
    """
    with reading(ledger, config) as reader:
        record = reader.record(decision_id)
    if record is None:
        raise DecisionNotFound(decision_id)
    if as_json:
        say(to_json(encode_record(record)))
    else:
        screen = console()
        screen.print(render_decision(record, screen.width))


def render_decision(record: DecisionRecord, width: int) -> RenderableType:
    """Draw a decision: who was considered, how the router got there, what was asked and what it cost."""
    decision = record.decision
    parts: list[RenderableType] = [_head(record), _candidates(decision, width), _path(decision)]
    if record.settlement is not None:
        parts += [_attempts(record.settlement, width), _costs(record.settlement)]
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
    reasons = f" ({', '.join(signals.difficulty_cues)})" if signals.difficulty_cues else ""
    seen = f"task {signals.task.value}, difficulty {signals.difficulty:.2f}{reasons}"
    facts.append(f"{signals.input_tokens} input tokens")
    labels = "".join(f" {name}={value}" for name, value in record.labels.items())
    trace = f"\ntrace  {record.trace_id}" if record.trace_id else ""
    asked = f"\nquery  {one_line(signals.text, _MOST_OF_QUERY)}" if signals.text else ""
    body = Text.assemble(
        (decision.model, "bold green"), f"  {decision.reason}\n", " · ".join(facts), "\n", seen,
        f"\ncaller {record.caller or '-'}{labels}", trace, asked,
    )  # fmt: skip
    return Panel(
        body, title=decision.decision_id, subtitle=f"{decision.decided_at:%Y-%m-%d %H:%M:%S} UTC", expand=False
    )


def _candidates(decision: Decision, width: int) -> RenderableType:
    rows = []
    for candidate in decision.candidates:
        style = "bold green" if candidate.model == decision.model else "dim" if candidate.exclusion else ""
        rows.append([Text(cell, style) for cell in _candidate_cells(candidate)])
    columns = (
        Column("model", head=True),
        Column("quality", right=True),
        Column("per 1,000", right=True),
        Column("first token", right=True),
        Column("score", right=True),
        Column("excluded because", free=True),
    )
    return table(columns, rows, width, title=f"Candidates, as predicted; cost in {PER_THOUSAND}")


def _candidate_cells(candidate: Candidate) -> tuple[str, ...]:
    quality = candidate.predicted_quality
    spread = f" ± {candidate.quality_uncertainty:.2f}" if candidate.quality_uncertainty is not None else ""
    exclusion = candidate.exclusion
    return (
        candidate.model,
        "-" if quality is None else f"{quality:.3f}{spread}",
        per_thousand(candidate.predicted_cost_nano_usd),
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
        text.append(f", {usd(step.cost_nano_usd)}")
    return text


def _attempts(settlement: Settlement, width: int) -> RenderableType:
    columns = (
        Column("#", head=True),
        Column("model", head=True),
        Column("outcome", head=True),
        Column("kind"),
        Column("took", right=True),
        Column("first token", right=True),
        Column("in", right=True),
        Column("out", right=True),
        Column("cost", right=True),
        Column("because", free=True),
    )
    return table(columns, map(_attempt_cells, settlement.attempts), width, title="Attempts")


def _because(attempt: Attempt) -> str:
    return "; ".join([*map(_checked, attempt.checks), *filter(None, [attempt.error_reason, attempt.error_message])])


def _checked(result: CheckResult) -> str:
    """What a check said; its score where it could give one."""
    if result.unrated:
        return f"{result.check} could not be rated: {result.detail}"
    return f"{result.check} {result.score:.2f} {'≥' if result.passed else '<'} {result.threshold:.2f}"


def _attempt_cells(attempt: Attempt) -> tuple[Text, ...]:
    tokens = [attempt.usage.input_tokens, attempt.usage.output_tokens]
    return (
        Text(str(attempt.index)),
        Text(attempt.model),
        Text(attempt.outcome.value, _OUTCOMES[attempt.outcome]),
        Text(attempt.kind.value),
        Text(duration(attempt.duration_seconds)),
        Text(duration(attempt.time_to_first_token_seconds)),
        *(Text("-" if count is None else f"{count:,}") for count in tokens),
        Text(usd(attempt.cost_nano_usd)),
        Text(_because(attempt)),
    )


def _costs(settlement: Settlement) -> RenderableType:
    cost = settlement.cost
    parts = [("attempts", cost.attempts_nano_usd), ("checks", cost.checks_nano_usd), ("routing", cost.router_nano_usd)]
    spent = ", ".join(f"{name} {usd(amount)}" for name, amount in parts if amount != 0) or "nothing"
    text = Text.assemble("Cost: ", (usd(cost.total_nano_usd), "bold"), f" ({spent})")
    if cost.saved_nano_usd is not None:
        amount, verb = abs(cost.saved_nano_usd), "saved" if cost.saved_nano_usd >= 0 else "overspent"
        text.append(f", {verb} {usd(amount)} against {usd(cost.strongest_nano_usd)} of the strongest model")
    return text
