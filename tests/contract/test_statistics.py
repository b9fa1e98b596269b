"""Statistics of generated ledgers are what plain Python reckons of the same decisions, in every database."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, Settlement
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.record import Outcome
from frontdesk_server.domain.usage import Cost, Usage
from frontdesk_server.ledger.reader import Filters
from frontdesk_server.ledger.statistics import ModelStatistics, Quantiles, RouterStatistics, statistics

from tests.records import a_routed_query, an_attempt

DECISIONS = 120
MODELS = ("small", "mid", "large")
ENDINGS = {"": "answered", "UPSTREAM_FAILED": "failed", "CANCELLED": "cancelled", "DEADLINE_EXCEEDED": "deadline"}

Told = tuple[RoutedQuery, Settlement | None, str, float | None]
"""A decision, what it came to and why not, and how good its answer was."""


def maybe(chance: random.Random, number: int) -> int | None:
    return None if chance.random() < 0.2 else number


def some_attempts(chance: random.Random) -> tuple[Attempt, ...]:
    """None to three, of any models and outcomes; an accepted one ends them."""
    attempts: list[Attempt] = []
    for index in range(chance.choice((0, 1, 1, 1, 2, 3))):
        attempt = an_attempt(index, chance.choice(MODELS), chance.choice(tuple(StepKind)))
        read, written, cached, kept = (maybe(chance, chance.randrange(1_000)) for _ in range(4))
        attempts.append(
            replace(
                attempt,
                outcome=chance.choice(tuple(AttemptOutcome)),
                usage=Usage(read, written, cached, kept),
                cost_nano_usd=maybe(chance, chance.randrange(10**9)),
                cache_saved_nano_usd=maybe(chance, chance.randrange(-1000, 1000)),
                duration_seconds=chance.random(),
                time_to_first_token_seconds=None if chance.random() < 0.5 else chance.random(),
            )
        )
        if attempts[-1].outcome is AttemptOutcome.ACCEPTED:
            break
    return tuple(attempts)


def told(chance: random.Random) -> Told:
    routed = a_routed_query(router=chance.choice(("default", "bot", "code")))
    routed = replace(routed, decision=replace(routed.decision, router_duration_seconds=chance.random()))
    quality = chance.random() if chance.random() < 0.5 else None
    if chance.random() < 0.2:
        return routed, None, "", quality
    cost = Cost(*(maybe(chance, chance.randrange(10**9)) for _ in range(4)))
    return routed, Settlement(some_attempts(chance), cost), chance.choice(tuple(ENDINGS)), quality


def quantiles(seconds: Iterable[float | None]) -> Quantiles:
    known = [each for each in seconds if each is not None]
    return (
        Quantiles(*(float(np.quantile(known, q)) for q in (0.5, 0.95, 0.99))) if known else Quantiles(None, None, None)
    )


def mean(qualities: list[float]) -> float | None:
    return sum(qualities) / len(qualities) if qualities else None


def answered_by(settlement: Settlement | None) -> str:
    accepted = [a.model for a in settlement.attempts if a.outcome is AttemptOutcome.ACCEPTED] if settlement else []
    return accepted[-1] if accepted else ""


def of_router(name: str, all_told: list[Told], took: dict[str, float | None]) -> RouterStatistics:
    own = [each for each in all_told if each[0].decision.router == name]
    settled = [(settlement, error) for _, settlement, error, _ in own if settlement is not None]
    costs = [settlement.cost.total_nano_usd for settlement, _ in settled]
    kinds = [{attempt.kind for attempt in settlement.attempts} for settlement, _ in settled]
    ended = [ENDINGS[error] for _, error in settled]
    return RouterStatistics(
        router=name,
        decisions=len(own),
        completions=len(settled),
        answered=ended.count("answered"),
        failed=ended.count("failed"),
        deadline=ended.count("deadline"),
        cancelled=ended.count("cancelled"),
        cost_nano_usd=sum(cost or 0 for cost in costs),
        cost_unknown=costs.count(None),
        saved_nano_usd=sum(settlement.cost.saved_nano_usd or 0 for settlement, _ in settled),
        escalation_share=sum(StepKind.ESCALATION in each for each in kinds) / (len(settled) or 1),
        fallback_share=sum(StepKind.FALLBACK in each for each in kinds) / (len(settled) or 1),
        duration_seconds=quantiles(took[routed.decision.decision_id] for routed, *_ in own),
        router_duration_seconds=quantiles(routed.decision.router_duration_seconds for routed, *_ in own),
        quality=mean([quality for *_, quality in own if quality is not None]),
    )


def of_model(name: str, all_told: list[Told]) -> ModelStatistics:
    made = [a for _, settlement, *_ in all_told if settlement is not None for a in settlement.attempts]
    own = [attempt for attempt in made if attempt.model == name]
    outcomes = [attempt.outcome.value for attempt in own]
    judged = [q for _, settlement, _, q in all_told if q is not None and answered_by(settlement) == name]
    return ModelStatistics(
        model=name,
        attempts=len(own),
        accepted=outcomes.count("accepted"),
        rejected=outcomes.count("rejected"),
        failed=outcomes.count("failed"),
        cancelled=outcomes.count("cancelled"),
        input_tokens=sum(attempt.usage.input_tokens or 0 for attempt in own),
        output_tokens=sum(attempt.usage.output_tokens or 0 for attempt in own),
        cache_read_tokens=sum(attempt.usage.cache_read_tokens or 0 for attempt in own),
        cache_write_tokens=sum(attempt.usage.cache_write_tokens or 0 for attempt in own),
        cache_saved_nano_usd=sum(attempt.cache_saved_nano_usd or 0 for attempt in own),
        cost_nano_usd=sum(attempt.cost_nano_usd or 0 for attempt in own),
        cost_unknown=sum(attempt.cost_nano_usd is None for attempt in own),
        duration_seconds=quantiles(attempt.duration_seconds for attempt in own),
        time_to_first_token_seconds=quantiles(attempt.time_to_first_token_seconds for attempt in own),
        quality=mean(judged),
    )


@pytest.mark.parametrize("seed", range(3))
async def test_statistics_are_what_plain_python_reckons(ledger_url: str, seed: int) -> None:
    chance = random.Random(seed)
    all_told = [told(chance) for _ in range(DECISIONS)]
    async with open_ledger(LedgerConfig.model_validate({"url": ledger_url, "flush_ms": 5})) as ledger:
        for routed, settlement, error, _ in all_told:
            await ledger.record_decision(routed)
            if settlement is not None:
                await ledger.record_settlement(routed, settlement, answer=None, error_reason=error)
        for routed, _, _, quality in all_told:
            if quality is not None:
                decision = routed.decision
                await ledger.record_outcome(Outcome(decision.decision_id, quality, "judge", decision.decided_at, {}))
    with open_reader(ledger_url) as reader:
        found = statistics(reader, Filters())
        took = {each.decision_id: each.duration_seconds for each in reader.newest(Filters(), DECISIONS)}
    assert [each.router for each in found.routers] == ["bot", "code", "default"]
    assert [each.model for each in found.models] == sorted(MODELS)
    for router in found.routers:
        assert close(router, of_router(router.router, all_told, took))
    for model in found.models:
        assert close(model, of_model(model.model, all_told))


Either = TypeVar("Either", ModelStatistics, RouterStatistics)


def close(found: Either, reckoned: Either) -> bool:
    """Equal, the mean quality but for the order in which it was summed up."""
    assert found.quality == pytest.approx(reckoned.quality)
    return replace(found, quality=reckoned.quality) == reckoned
