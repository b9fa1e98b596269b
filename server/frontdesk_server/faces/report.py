"""What every face tells of the decision: in headers, and on request in the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frontdesk_server.domain.attempt import Attempt, Settlement
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.usage import NANO_USD_PER_USD


def decision_headers(decision: Decision, model: str, passed: Iterable[str]) -> list[tuple[str, str]]:
    """What is known when an answer begins; `passed` are members of the body that only its dialect understands."""
    headers = [
        ("x-frontdesk-decision-id", decision.decision_id),
        ("x-frontdesk-model", model),
        ("x-frontdesk-router", decision.router),
        ("x-frontdesk-router-version", decision.router_version),
        ("x-frontdesk-strategy", decision.strategy),
        ("x-frontdesk-reason", decision.reason),
        ("x-request-id", decision.decision_id),
        ("request-id", decision.decision_id),
    ]
    if names := ", ".join(passed):
        headers.append(("x-frontdesk-passed", names))
    return headers


def settled_headers(settlement: Settlement) -> list[tuple[str, str]]:
    """What is known when an answer is whole."""
    headers = [("x-frontdesk-attempts", str(len(settlement.attempts)))]
    for name, amount in (("cost", settlement.cost.total_nano_usd), ("saved", settlement.cost.saved_nano_usd)):
        if amount is not None:
            headers.append((f"x-frontdesk-{name}-usd", usd(amount)))
    if made := [f"{one.field}: {one.detail}" for attempt in settlement.attempts for one in attempt.adjustments]:
        headers.append(("x-frontdesk-adjustments", "; ".join(made)))
    return headers


def usd(nano_usd: int) -> str:
    """An amount in dollars, exact."""
    sign, amount = ("-" if nano_usd < 0 else ""), abs(nano_usd)
    return f"{sign}{amount // NANO_USD_PER_USD}.{amount % NANO_USD_PER_USD:09d}"


def report(decision: Decision, model: str, settlement: Settlement, passed: Iterable[str]) -> dict[str, Any]:
    """The member `frontdesk`: the decision with every candidate, the attempts and the cost."""
    cost = settlement.cost
    return {
        "decision_id": decision.decision_id,
        "model": model,
        "router": decision.router,
        "router_version": decision.router_version,
        "strategy": decision.strategy,
        "reason": decision.reason,
        "propensity": decision.propensity,
        "candidates": [
            {
                "model": one.model,
                "predicted_quality": one.predicted_quality,
                "predicted_cost_nano_usd": one.predicted_cost_nano_usd,
                "excluded": None if one.exclusion is None else one.exclusion.reason.value,
            }
            for one in decision.candidates
        ],
        "attempts": [_attempt(one) for one in settlement.attempts],
        "cost_nano_usd": cost.total_nano_usd,
        "saved_nano_usd": cost.saved_nano_usd,
        "passed": list(passed),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "model": attempt.model,
        "kind": attempt.kind.value,
        "outcome": attempt.outcome.value,
        "error_reason": attempt.error_reason,
        "cost_nano_usd": attempt.cost_nano_usd,
        "duration_seconds": attempt.duration_seconds,
        "upstream_model": attempt.upstream_model,
        "provider_request_id": attempt.provider_request_id,
        "adjustments": [{"field": one.field, "detail": one.detail} for one in attempt.adjustments],
    }
