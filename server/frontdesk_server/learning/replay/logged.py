"""Decisions as the ledger exports them, one a line or row, read back to replay other policies on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from frontdesk_server.domain.decision import IN_TURN
from frontdesk_server.learning.data.tables import DatasetError, Row, read_table, taken
from frontdesk_server.learning.replay.logged_query import LoggedQuery, read_query

__all__ = [
    "LoggedCandidate",
    "LoggedDecision",
    "build_decisions",
    "first_of",
    "is_cascade",
    "name_cascade",
    "read_decisions",
    "since",
]

_REQUIRED = ("decision_id", "decided_at", "model", "propensity")


@dataclass(frozen=True, slots=True)
class LoggedCandidate:
    """A model that could have been chosen; None where nothing was predicted."""

    model: str
    predicted_quality: float | None = None
    predicted_cost_nano_usd: float | None = None


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """What replay needs of a decision; excluded candidates are left out."""

    decision_id: str
    decided_at: datetime
    router: str
    candidates: tuple[LoggedCandidate, ...]
    model: str
    """The chosen model; of a cascade all of them, as `name_cascade` does."""
    propensity: float
    """Probability in (0, 1] with which the model was chosen."""
    quality: float | None = None
    """Outcome that was reported, in [0, 1]."""
    cost_nano_usd: float | None = None
    text: str | None = None
    """What routing looked at, where it was kept."""
    in_tool_loop: bool = False
    asked: LoggedQuery | None = None
    """The query itself, where its prompt was kept."""
    unexplored: str | None = None
    """Of a decision that explored what its strategy had chosen; None of all others."""
    status: str = ""
    """How it ended, `routed` where nothing was to be answered; empty where the log does not tell."""
    saved_nano_usd: float | None = None
    """What was saved against the strongest model for the tokens of this answer; None where that is unknown."""

    @property
    def strongest_cost_nano_usd(self) -> float | None:
        """What the strongest model would have cost for the tokens of this answer, as it was settled."""
        known = self.cost_nano_usd is not None and self.saved_nano_usd is not None
        return self.cost_nano_usd + self.saved_nano_usd if known else None  # type: ignore[operator]

    @property
    def known_models(self) -> set[str]:
        """The candidates and what was chosen."""
        return {*self.model.split(IN_TURN), *(candidate.model for candidate in self.candidates)}

    def candidate(self, model: str) -> LoggedCandidate | None:
        """Return the candidate of this name, None where it was not one."""
        return next((candidate for candidate in self.candidates if candidate.model == model), None)


def name_cascade(models: Sequence[str]) -> str:
    """Return what is chosen when these models may be asked in turn: `small → large`. One stands for itself."""
    return IN_TURN.join(models)


def first_of(chosen: str) -> str:
    """Return the model that is asked first."""
    return chosen.partition(IN_TURN)[0]


def is_cascade(chosen: str) -> bool:
    """Return whether this names several models."""
    return IN_TURN in chosen


def build_decisions(
    records: Iterable[Mapping[str, Any]], leave_out: Callable[[str, DatasetError], None]
) -> tuple[LoggedDecision, ...]:
    """Return the ledger's rows of decisions, without those that cannot be read: `leave_out` is told of each by its id.

    A strategy of others may have written nonsense there before that was refused.
    """
    decisions = []
    for values in records:
        try:
            decisions.append(_decision(Row(None, None, values)))
        except DatasetError as error:
            leave_out(str(values.get("decision_id")), error)
    return tuple(decisions)


def read_decisions(path: Path) -> tuple[LoggedDecision, ...]:
    """Read an export of decisions: Parquet, JSON Lines or CSV, JSON columns nested or as text.

    Raises DatasetError with file, row and column.
    """
    return tuple(taken(read_table(path, _REQUIRED), _decision))


def _decision(row: Row) -> LoggedDecision:
    signals = _nested(row, "signals", {})
    candidates = _nested(row, "candidates", [])
    if not isinstance(candidates, list):
        raise row.error("candidates", "a list is expected")
    propensity = row.number_in("propensity", 0.0, 1.0)
    if not propensity:
        raise row.error("propensity", "a probability above 0 is needed here")
    decided_at = row.values.get("decided_at")
    try:
        instant = decided_at if isinstance(decided_at, datetime) else datetime.fromisoformat(str(decided_at))
    except ValueError as error:
        raise row.error("decided_at", f"not a date and time: {decided_at!r}") from error
    return LoggedDecision(
        decision_id=row.text("decision_id"),
        decided_at=instant,
        router=row.optional_text("router") or "",
        candidates=tuple(_candidate(row, c) for c in candidates if not (isinstance(c, dict) and c.get("exclusion"))),
        model=_chosen(row),
        propensity=propensity,
        quality=row.number_in("quality", 0.0, 1.0),
        cost_nano_usd=row.number_in("cost_nano_usd", 0.0),
        text=signals.get("text"),
        in_tool_loop=bool(signals.get("in_tool_loop", False)),
        asked=_asked(row, candidates, signals),
        unexplored=_unexplored(row),
        status=row.optional_text("status") or "",
        saved_nano_usd=row.number_of("saved_nano_usd"),
    )


def _unexplored(row: Row) -> str | None:
    """The root of the path is the strategy that was asked first, whose choice exploration replaced."""
    path = _nested(row, "path", [])
    if not row.values.get("explored") or str(row.values["explored"]).lower() == "false" or not path:
        return None
    return str(path[0].get("model") or "") or None


def _asked(row: Row, candidates: list[Any], signals: Mapping[str, Any]) -> LoggedQuery | None:
    messages = _nested(row, "prompt", None)
    return None if messages is None else read_query(row, messages, _nested(row, "policy", {}), candidates, signals)


def _chosen(row: Row) -> str:
    model = row.text("model")
    plan = _nested(row, "plan", [])
    if not isinstance(plan, list) or not all(isinstance(step, dict) for step in plan):
        raise row.error("plan", "a list of objects is expected")
    return name_cascade([str(step.get("model")) for step in plan if step.get("kind") != "fallback"] or [model])


def _candidate(row: Row, values: Any) -> LoggedCandidate:
    if not isinstance(values, dict) or not isinstance(values.get("model"), str):
        raise row.error("candidates", "each must be an object with a model")
    part = Row(row.file, row.number, values)
    return LoggedCandidate(
        values["model"], part.number_in("predicted_quality", 0.0, 1.0), part.number_in("predicted_cost_nano_usd", 0.0)
    )


def _nested(row: Row, column: str, default: Any) -> Any:
    value = row.values.get(column)
    if value is None:
        return default
    return _object(value, row, column) if isinstance(value, str) else value


def _object(text: str | bytes, row: Row, column: str | None) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise row.error(column, f"not valid JSON: {error}") from error


def since(decisions: Sequence[LoggedDecision], start: datetime | None) -> tuple[LoggedDecision, ...]:
    """Return the decisions made at this moment or later."""
    return tuple(d for d in decisions if start is None or d.decided_at.timestamp() >= start.timestamp())
