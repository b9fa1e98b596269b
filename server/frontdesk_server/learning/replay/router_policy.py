"""A configured router as a policy for replay: the routing engine itself is asked about every logged query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.decision import Decision, Exclusion, StepKind, Verdict
from frontdesk_server.domain.errors import FrontdeskError, ModelsUnavailable, NoEligibleModel
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import Query
from frontdesk_server.learning.data.dataset import DatasetError
from frontdesk_server.learning.replay.logged import LoggedDecision, name_cascade
from frontdesk_server.learning.replay.logged_query import LoggedQuery

__all__ = ["NO_MODEL", "LoggedConditions", "RouterPolicy", "Routes", "ask_router", "decided"]

NO_MODEL = "no model"
"""What the router comes to when every model is excluded."""

_DRAWS = 100


class Routes(Protocol):
    """The face of the routing engine that replay sees."""

    async def route(
        self,
        query: Query,
        policy: RoutingPolicy,
        *,
        caller: Caller,
        deadline: float | None,
        observation: AttemptParent,
    ) -> Decision:
        """Decide for one query."""


class LoggedConditions:
    """Implements `Conditions`: the pool fares as it did when the query in hand was logged."""

    def __init__(self) -> None:
        self.asked: LoggedQuery | None = None

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        """What excluded the model then."""
        return None if self.asked is None else self.asked.exclusions.get(model.name)

    def time_to_first_token_seconds(self, model: Model) -> float | None:
        """What was expected then, else what the configuration expects."""
        observed = None if self.asked is None else self.asked.time_to_first_token_seconds.get(model.name)
        if observed is not None or model.time_to_first_token_ms is None:
            return observed
        return model.time_to_first_token_ms / 1000

    def profile(self, deployment: Deployment) -> Profile:
        """What the configuration knows."""
        return deployment.profile


@dataclass(frozen=True, slots=True)
class RouterPolicy:
    """Implements `replay.ReplayPolicy`: what the router does with each decision's query, by decision id.

    Models are named as `name_cascade` does.
    """

    chances: Mapping[str, Mapping[str, float]]
    chosen: Mapping[str, tuple[str, ...]]

    def choices(self, decision: LoggedDecision) -> tuple[str, ...]:
        """Return what the router chooses when it is asked the very query, with its own affinity key."""
        return self.chosen[decision.decision_id]

    def route_logged(self, decision: LoggedDecision) -> Mapping[str, float]:
        """Return the probability of each."""
        return self.chances[decision.decision_id]


async def ask_router(
    routes: Routes,
    conditions: LoggedConditions,
    decisions: Sequence[LoggedDecision],
    *,
    callers: Mapping[str, Caller],
    by_chance: bool,
    advance: Callable[[int], None] = lambda _: None,
) -> RouterPolicy:
    """Ask the router about every decision's query. `conditions` are those that `routes` looks at.

    Where the router decides some queries by chance (split, exploration), it is asked a hundred times with further keys
    for its stable hashes, and the frequencies stand for the probabilities.

    Raises:
        DatasetError: prompts were not kept, or the configuration cannot take a logged query.
    """
    silent = sum(decision.asked is None for decision in decisions)
    if silent:
        raise DatasetError(
            f"{silent} of {len(decisions)} decisions were logged without their prompt, which a router needs to see: "
            "set ledger.store_prompts and replay --since then; a policy of quality_floor or cost_weight alone goes by "
            "the predictions in the log and needs no prompt"
        )
    chances, chosen = {}, {}
    for decision in decisions:
        asked = conditions.asked = decision.asked
        if asked is None:
            continue
        caller = callers.get(asked.caller, Caller(asked.caller))
        keys = [f"{decision.decision_id}/{draw}" for draw in range(_DRAWS)] if by_chance else []
        policies = [asked.policy, *(replace(asked.policy, affinity_key=key) for key in keys)]
        try:
            itself, *drawn = [await _choices(routes, asked.query, policy, caller) for policy in policies]
        except FrontdeskError as error:
            raise DatasetError(f"decision {decision.decision_id}: {error}") from error
        counts = Counter(choices[-1] for choices in drawn or [itself])
        chances[decision.decision_id] = {model: count / counts.total() for model, count in counts.items()}
        chosen[decision.decision_id] = itself
        advance(1)
    return RouterPolicy(chances, chosen)


async def decided(routes: Routes, query: Query, policy: RoutingPolicy, caller: Caller) -> Decision:
    """The decision about a recorded query. Raises DatasetError where a strategy gave none in its time."""
    decision = await routes.route(query, policy, caller=caller, deadline=None, observation=NULL_CALL)
    for step in decision.path:
        if step.verdict is Verdict.TIMED_OUT:
            raise DatasetError(f"strategy {step.path!r} {step.reason}; what decides in its place is not what is asked")
    return decision


async def _choices(routes: Routes, query: Query, policy: RoutingPolicy, caller: Caller) -> tuple[str, ...]:
    """What is chosen and, where that explores, what is taken instead."""
    try:
        decision = await decided(routes, query, policy, caller)
    except (NoEligibleModel, ModelsUnavailable):
        return (NO_MODEL,)
    taken = name_cascade([step.model for step in decision.plan if step.kind is not StepKind.FALLBACK])
    return (decision.path[0].model, taken) if decision.explored and decision.path[0].model else (taken,)
