"""Adds up what a request came to."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, Settlement
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.usage import Cost, sum_known


def settle(decision: Decision, attempts: Sequence[Attempt], strongest: Model | None, *, committed: bool) -> Settlement:
    """The whole account; what the strongest model would have cost is known only for an accepted answer."""
    accepted = next((a for a in attempts if a.outcome is AttemptOutcome.ACCEPTED), None)
    strongest_prices = strongest.prices if strongest else None
    cost = Cost(
        attempts_nano_usd=sum_known(a.cost_nano_usd for a in attempts),
        checks_nano_usd=sum_known(check.cost_nano_usd for a in attempts for check in a.checks),
        router_nano_usd=decision.router_cost_nano_usd,
        strongest_nano_usd=strongest_prices.cost_nano_usd(accepted.usage) if accepted and strongest_prices else None,
    )
    return Settlement(tuple(attempts), cost, committed)
