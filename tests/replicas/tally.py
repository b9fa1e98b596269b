"""What became of the calls of one scenario, by what the caller, the ledger, the upstream and the counters say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.replicas.world import Call, Recorded, World, price_nano_usd, tokens_of

REFUSED = ("BUDGET_EXHAUSTED", "RATE_LIMITED")
WORST_CALL_NANO_USD = 20_000
"""More than any call reserves: 32 tokens of output, and an estimate of the input."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of calls, but for the last. All that is named `lost` and after it should be nothing."""

    calls: int
    answered: int
    refused: int
    in_flight: int
    """Failed because they ran on a replica when it was killed."""
    lost: int
    """Failed otherwise."""
    duplicated: int
    """With more than one completed decision in the ledger, or two answers of the upstream without a fault between."""
    unrecorded: int
    """Answered, and not in the ledger as completed."""
    mis_billed: int
    """Whose price in the ledger, as the caller was told, or by what the upstream answered are not the same."""
    over_budget_nano_usd: int
    """What completed calls in the ledger cost above the budget."""
    counter_short_nano_usd: int
    """By how much the budget's counter is below what completed calls in the ledger cost."""

    @property
    def faults(self) -> list[str]:
        """What should not have happened."""
        names = ("lost", "duplicated", "unrecorded", "mis_billed", "counter_short_nano_usd")
        found = [f"{name} {getattr(self, name)}" for name in names if getattr(self, name)]
        if self.over_budget_nano_usd > 3 * WORST_CALL_NANO_USD:
            found.append(f"over budget {self.over_budget_nano_usd}")
        return found


async def tally(world: World, calls: Sequence[Call]) -> Tally:
    """Add it up, once all replicas have stopped."""
    recorded = world.recorded()
    completed = [record for record in recorded if record.status == "completed"]
    answered = [call for call in calls if not call.reason]
    failed = [call for call in calls if call.reason and call.reason not in REFUSED]
    in_flight = [call for call in failed if _ran_when_killed(world, call)]
    spent = sum(record.total_nano_usd or 0 for record in completed)
    by_id = {record.decision_id: record for record in completed}
    twice = Counter(record.number for record in completed)
    budget = round(world.budget_usd * 1e9)
    return Tally(
        calls=len(calls),
        answered=len(answered),
        refused=sum(call.reason in REFUSED for call in calls),
        in_flight=len(in_flight),
        lost=len(failed) - len(in_flight),
        duplicated=sum(count > 1 for count in twice.values()),
        unrecorded=sum(call.decision_id not in by_id for call in answered),
        mis_billed=sum(_is_mis_billed(call, by_id) for call in answered),
        over_budget_nano_usd=max(0, spent - budget),
        counter_short_nano_usd=max(0, spent - await world.counted_nano_usd()),
    )


def _ran_when_killed(world: World, call: Call) -> bool:
    return any(
        call.started_at <= killed_at <= call.ended_at and call.peer in ("", replica.address)
        for replica in world.replicas
        for killed_at in replica.killed_at
    )


def _is_mis_billed(call: Call, by_id: dict[str, Recorded]) -> bool:
    record, price = by_id.get(call.decision_id), price_nano_usd(call.number)
    told = (call.total_nano_usd, call.output_tokens) == (price, tokens_of(call.number))
    return not told or (record is not None and record.total_nano_usd != price)
