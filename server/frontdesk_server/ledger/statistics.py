"""What the ledger says of models and routers over a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from frontdesk_server.ledger.durations import Durations, Seconds, durations
from frontdesk_server.ledger.reader import Filters, LedgerReader
from frontdesk_server.ledger.tallies import ModelTally, RouterTally, tally


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
    """One router's decisions. Shares are of `completions`: those that were to be answered, however that ended."""

    router: str
    decisions: int
    completions: int
    answered: int
    failed: int
    deadline: int
    cancelled: int
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


def statistics(reader: LedgerReader, filters: Filters) -> Statistics:
    """Sum up the decisions meant, by columns alone."""
    clauses = filters.clauses()
    with reader.engine.connect() as connection:
        routers, models = tally(connection, clauses)
        took = durations(connection, clauses)
    return Statistics(
        tuple(_model(name, tally, took) for name, tally in sorted(models.items())),
        tuple(_router(name, tally, took) for name, tally in sorted(routers.items())),
    )


def _router(name: str, tally: RouterTally, took: Durations) -> RouterStatistics:
    completions = tally.completions or 1
    return RouterStatistics(
        router=name,
        decisions=tally.decisions,
        completions=tally.completions,
        answered=tally.answered,
        failed=tally.failed,
        deadline=tally.deadline,
        cancelled=tally.cancelled,
        cost_nano_usd=tally.cost,
        cost_unknown=tally.unknown,
        saved_nano_usd=tally.saved,
        escalation_share=tally.escalated / completions,
        fallback_share=tally.fallen_back / completions,
        duration_seconds=_quantiles(took.completions.get(name, ())),
        router_duration_seconds=_quantiles(took.routing.get(name, ())),
        quality=tally.quality.mean,
    )


def _model(name: str, tally: ModelTally, took: Durations) -> ModelStatistics:
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
        duration_seconds=_quantiles(took.attempts.get(name, ()), tally.earlier_seconds),
        time_to_first_token_seconds=_quantiles(took.first_tokens.get(name, ()), tally.earlier_first_tokens),
        quality=tally.quality.mean,
    )


def _quantiles(*seconds: Seconds | Sequence[float]) -> Quantiles:
    everything = np.concatenate(seconds)
    if not everything.size:
        return Quantiles(None, None, None)
    return Quantiles(*(float(value) for value in np.quantile(everything, (0.5, 0.95, 0.99))))
