"""What the ledger says of models and routers over a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select

from frontdesk_server.ledger.reader import JOINED, QUALITY, STATUS, Filters, LedgerReader
from frontdesk_server.ledger.schema import ATTEMPTS, DECISIONS, SETTLEMENTS


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Seconds; None where nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """One model's attempts. `quality` is the mean reported for answers that reached the caller.

    `cache_saved_nano_usd` is what providers' caches saved, less what writing to them cost.
    """

    model: str
    attempts: int
    accepted: int
    rejected: int
    failed: int
    cancelled: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_saved_nano_usd: int
    cost_nano_usd: int
    cost_unknown: int
    duration_seconds: Quantiles
    time_to_first_token_seconds: Quantiles
    quality: float | None


@dataclass(frozen=True, slots=True)
class RouterStatistics:
    """One router's decisions; shares are of its completions."""

    router: str
    decisions: int
    completions: int
    failed: int
    cost_nano_usd: int
    cost_unknown: int
    saved_nano_usd: int
    escalation_share: float
    fallback_share: float
    duration_seconds: Quantiles
    router_duration_seconds: Quantiles
    quality: float | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Both views, each ordered by name."""

    models: tuple[ModelStatistics, ...]
    routers: tuple[RouterStatistics, ...]


@dataclass(slots=True)
class _RouterTally:
    decisions: int = 0
    completions: int = 0
    failed: int = 0
    cost: int = 0
    unknown: int = 0
    saved: int = 0
    escalated: int = 0
    fallen_back: int = 0
    durations: list[float] = field(default_factory=list)
    routing: list[float] = field(default_factory=list)
    qualities: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _ModelTally:
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tokens: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    cache_saved: int = 0
    cost: int = 0
    unknown: int = 0
    durations: list[float] = field(default_factory=list)
    first_tokens: list[float] = field(default_factory=list)
    qualities: list[float] = field(default_factory=list)


def statistics(reader: LedgerReader, filters: Filters) -> Statistics:
    """Sum up the decisions meant; reads each of them once."""
    routers: dict[str, _RouterTally] = defaultdict(_RouterTally)
    models: dict[str, _ModelTally] = defaultdict(_ModelTally)
    _tally_decisions(reader, filters, routers, models)
    _tally_attempts(reader, filters, models)
    return Statistics(
        tuple(_model(name, tally) for name, tally in sorted(models.items())),
        tuple(_router(name, tally) for name, tally in sorted(routers.items())),
    )


def _tally_decisions(
    reader: LedgerReader, filters: Filters, routers: dict[str, _RouterTally], models: dict[str, _ModelTally]
) -> None:
    settlements = SETTLEMENTS.c
    query = (
        select(
            DECISIONS.c.router,
            DECISIONS.c.router_duration_seconds,
            STATUS.label("status"),
            settlements.model,
            settlements.total_nano_usd,
            settlements.saved_nano_usd,
            settlements.duration_seconds,
            settlements.escalations,
            settlements.fallbacks,
            QUALITY.label("quality"),
        )
        .select_from(JOINED)
        .where(*filters.clauses())
    )
    with reader.engine.connect() as connection:
        for row in connection.execution_options(yield_per=1000).execute(query):
            tally = routers[row.router]
            tally.decisions += 1
            tally.routing.append(row.router_duration_seconds)
            if row.quality is not None:
                tally.qualities.append(row.quality)
                if row.model:
                    models[row.model].qualities.append(row.quality)
            if row.duration_seconds is None:
                continue
            tally.completions += 1
            tally.failed += row.status == "failed"
            tally.cost += row.total_nano_usd or 0
            tally.unknown += row.total_nano_usd is None
            tally.saved += row.saved_nano_usd or 0
            tally.escalated += row.escalations > 0
            tally.fallen_back += row.fallbacks > 0
            tally.durations.append(row.duration_seconds)


def _tally_attempts(reader: LedgerReader, filters: Filters, models: dict[str, _ModelTally]) -> None:
    attempts = ATTEMPTS.c
    query = (
        select(
            attempts.model,
            attempts.outcome,
            attempts.input_tokens,
            attempts.output_tokens,
            attempts.cache_read_tokens,
            attempts.cache_write_tokens,
            attempts.cache_saved_nano_usd,
            attempts.cost_nano_usd,
            attempts.duration_seconds,
            attempts.time_to_first_token_seconds,
        )
        .select_from(JOINED.join(ATTEMPTS, attempts.decision_id == DECISIONS.c.decision_id))
        .where(*filters.clauses())
    )
    with reader.engine.connect() as connection:
        for row in connection.execution_options(yield_per=1000).execute(query):
            tally = models[row.model]
            tally.outcomes[row.outcome] += 1
            tally.tokens[0] += row.input_tokens or 0
            tally.tokens[1] += row.output_tokens or 0
            tally.tokens[2] += row.cache_read_tokens or 0
            tally.tokens[3] += row.cache_write_tokens or 0
            tally.cache_saved += row.cache_saved_nano_usd or 0
            tally.cost += row.cost_nano_usd or 0
            tally.unknown += row.cost_nano_usd is None
            tally.durations.append(row.duration_seconds)
            if row.time_to_first_token_seconds is not None:
                tally.first_tokens.append(row.time_to_first_token_seconds)


def _router(name: str, tally: _RouterTally) -> RouterStatistics:
    completions = tally.completions or 1
    return RouterStatistics(
        router=name,
        decisions=tally.decisions,
        completions=tally.completions,
        failed=tally.failed,
        cost_nano_usd=tally.cost,
        cost_unknown=tally.unknown,
        saved_nano_usd=tally.saved,
        escalation_share=tally.escalated / completions,
        fallback_share=tally.fallen_back / completions,
        duration_seconds=_quantiles(tally.durations),
        router_duration_seconds=_quantiles(tally.routing),
        quality=_mean(tally.qualities),
    )


def _model(name: str, tally: _ModelTally) -> ModelStatistics:
    return ModelStatistics(
        model=name,
        attempts=sum(tally.outcomes.values()),
        accepted=tally.outcomes["accepted"],
        rejected=tally.outcomes["rejected"],
        failed=tally.outcomes["failed"],
        cancelled=tally.outcomes["cancelled"],
        input_tokens=tally.tokens[0],
        output_tokens=tally.tokens[1],
        cache_read_tokens=tally.tokens[2],
        cache_write_tokens=tally.tokens[3],
        cache_saved_nano_usd=tally.cache_saved,
        cost_nano_usd=tally.cost,
        cost_unknown=tally.unknown,
        duration_seconds=_quantiles(tally.durations),
        time_to_first_token_seconds=_quantiles(tally.first_tokens),
        quality=_mean(tally.qualities),
    )


def _quantiles(values: list[float]) -> Quantiles:
    if not values:
        return Quantiles(None, None, None)
    return Quantiles(*(float(value) for value in np.quantile(values, (0.5, 0.95, 0.99))))


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None
