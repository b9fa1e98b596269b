"""Whether the place that serves a model can take a query."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from frontdesk_server.domain.decision import Exclusion, ExclusionReason
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.objections import objection, rests_in_its_loop, room_objection
from frontdesk_server.domain.profile import (
    MIN_THINKING_TOKENS,
    MOST_LEAST_OUTPUT_TOKENS,
    Profile,
    Takes,
    Thinking,
)
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.settings import sets_anything
from frontdesk_server.domain.value import value

Profiles = Callable[[Deployment], Profile]
"""What is known of a deployment's model at the moment."""

CONFIGURED: Profiles = attrgetter("profile")

_NO_SETTING = Takes(
    None, None, False, False, False, False, 0, False, False, False, False, prefill=False, prefill_ending_blank=False
)
_TAKES_NOTHING = Profile(
    at_rest=_NO_SETTING,
    reasoning=_NO_SETTING,
    thinking=Thinking.NONE,
    efforts=frozenset(),
    reasons_unasked=True,
    json_object=False,
    json_schema=False,
    image_detail=False,
    image_types=frozenset(),
    uri_schemes=frozenset(),
    parallel_tool_calls=False,
    forbidden_tools=False,
    least_output_tokens=MOST_LEAST_OUTPUT_TOKENS,
    content_lists=False,
)


@value
class Fitting:
    """What a query demands of the place that answers it. `dialects` are those that it must understand.

    `undemanding`: even a model that takes nothing beyond a plain text can take it.
    """

    query: Query
    input_tokens: int
    dialects: frozenset[str]
    profiles: Profiles = CONFIGURED
    undemanding: bool = False

    @classmethod
    def of(cls, query: Query, input_tokens: int, profiles: Profiles = CONFIGURED) -> Fitting:
        """`input_tokens` are the query's estimated length."""
        undemanding = objection(_TAKES_NOTHING, query) is None and not sets_anything(query)
        return cls(query, input_tokens, query.demanded_dialects(), profiles, undemanding)

    def misfit(self, model: Model, deployment: Deployment) -> Exclusion | None:
        """Why the deployment cannot take the query; None when it can."""
        if strange := self.dialects - deployment.dialects:
            detail = f"the query holds what only {', '.join(sorted(strange))} understands"
            return Exclusion(ExclusionReason.DIALECT, detail)
        if self.undemanding:
            return None
        profile = self.profiles(deployment)
        objected = objection(profile, self.query) or self._room(model, profile)
        return None if objected is None else Exclusion(ExclusionReason.CAPABILITY, f"by its API {objected}")

    def exclusion(self, model: Model) -> Exclusion | None:
        """Why no deployment of the model can take the query: what its first one says; None when one can."""
        first: Exclusion | None = None
        for deployment in model.deployments:
            misfit = self.misfit(model, deployment)
            if misfit is None:
                return None
            first = first or misfit
        return first

    def unfit(self, model: Model) -> frozenset[Deployment]:
        """The deployments that cannot take the query."""
        return frozenset(d for d in model.deployments if self.misfit(model, d) is not None)

    def _room(self, model: Model, profile: Profile) -> str | None:
        """Why the answer has no room for the reasoning that is demanded."""
        generation = self.query.generation
        budget = generation.reasoning_budget_tokens
        if budget is None and not (profile.reserves_budget and generation.demands_reasoning):
            return None
        bound = model.output_bound(generation.max_output_tokens, self.input_tokens)
        if bound is None or rests_in_its_loop(profile, self.query):
            return None
        return room_objection(bound, budget or MIN_THINKING_TOKENS)
