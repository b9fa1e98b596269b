"""Looks at every model of a router for one query: what it would take, and whether it may answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.conditions import Conditions
from frontdesk_server.domain.decision import Exclusion, ExclusionReason
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.tokens import expected_output_tokens
from frontdesk_server.domain.usage import Usage
from frontdesk_server.domain.value import value
from frontdesk_server.routing.costs import predicted_cost_nano_usd
from frontdesk_server.routing.filters import demands_of
from frontdesk_server.routing.selection import Outlook


@value
class Survey:
    """The models by name: outlooks of all, and either eligible or excluded."""

    outlooks: Mapping[str, Outlook]
    eligible: Mapping[str, Model]
    exclusions: Mapping[str, Exclusion]

    def within(self, restricted_to: frozenset[str]) -> Survey:
        """The same, with every other model excluded."""
        exclusion = Exclusion(ExclusionReason.NOT_ALLOWED, _restriction(restricted_to))
        refused = {name: exclusion for name in self.eligible if name not in restricted_to}
        eligible = {name: model for name, model in self.eligible.items() if name in restricted_to}
        return Survey(self.outlooks, eligible, {**self.exclusions, **refused})


def _restriction(restricted_to: frozenset[str]) -> str:
    if not restricted_to:
        return "rules restrict the query to models that have none in common"
    return f"a rule restricts the query to {', '.join(sorted(restricted_to))}"


def survey(
    models: Iterable[Model],
    query: Query,
    policy: RoutingPolicy,
    signals: Signals,
    caller: Caller,
    conditions: Conditions,
    remaining_seconds: float | None,
    moment: datetime,
) -> Survey:
    """Filter the models by what the query, the policy and the caller demand, and by how the models fare.

    `moment`: now, as prices change with time.
    """
    models = tuple(models)
    demands = demands_of(query, policy, caller, signals.input_tokens, conditions.profile)
    usage = Usage(signals.input_tokens, expected_output_tokens(query, signals))
    outlooks: dict[str, Outlook] = {}
    eligible: dict[str, Model] = {}
    exclusions: dict[str, Exclusion] = {}
    for model in models:
        cost = predicted_cost_nano_usd(model, query, usage, moment)
        outlook = outlooks[model.name] = Outlook(cost, conditions.time_to_first_token_seconds(model))
        exclusion = demands.exclusion(model, outlook) or conditions.exclusion(model, caller.name, remaining_seconds)
        if exclusion is None:
            eligible[model.name] = model
        else:
            exclusions[model.name] = exclusion
    return Survey(outlooks, eligible, exclusions)
