"""What is to be called, within which timers, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.adjusting import adjusted, own_question
from frontdesk_server.domain.backend import Backend, BackendCall, Dispatch
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.fitting import Fitting
from frontdesk_server.domain.left_out import left_out
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.own_keys import NO_OWN_KEYS, OwnKeys
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.value import value
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.billing import Expectation
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.timers import AttemptTimers

ANSWER = "answer"
"""The purpose of an attempt that is to answer the caller."""


@value
class AttemptTools:
    """What every attempt needs."""

    backends: Mapping[str, Backend]
    conditions: LiveConditions
    balancer: Balancer
    retry: RetryConfig
    clock: Clock
    random: Random


@value
class AttemptOrder:
    """What is to be called and within which timers.

    `input_tokens` and `output_tokens` are expected of the query and of its whole answer, should they not be reported.
    `own_keys` are the caller's, for the providers it brings some for. `cache_key` is the same for calls that begin
    alike. `fitting` is what the query demands of a deployment; None where it is made to fit.
    """

    index: int
    model: Model
    kind: StepKind
    query: Query
    stream: bool
    timers: AttemptTimers
    input_tokens: int
    output_tokens: int
    purpose: str = ANSWER
    own_keys: OwnKeys = NO_OWN_KEYS
    cache_key: str = ""
    fitting: Fitting | None = None

    @property
    def is_our_own(self) -> bool:
        """Whether the query is a question of Frontdesk's own, such as a check's."""
        return self.purpose != ANSWER

    def unfit(self) -> frozenset[Deployment]:
        """Deployments that cannot take the query, as far as is known by now."""
        return frozenset() if self.fitting is None else self.fitting.unfit(self.model)

    def call(self, deployment: Deployment, profile: Profile, headers: Mapping[str, str]) -> BackendCall:
        """The call of this deployment, whose model is known to be so; with `headers` that carry the trace context."""
        asked = self.model.asked(self.query)
        query, made = adjusted(own_question(asked, profile) if self.is_our_own else asked, profile)
        return BackendCall(
            deployment.upstream_model,
            query,
            self.stream,
            self.model.timeouts,
            headers,
            self.model.output_bound(query.generation.max_output_tokens, self.input_tokens),
            deployment.dialects,
            deployment.provider,
            Dispatch(adjustments=[*left_out(self.query, deployment), *made]),
            self.own_keys.of(deployment.backend),
            profile,
            self.cache_key,
            self.output_tokens,
        )

    def expectation(self, output_limit: int | None) -> Expectation:
        """What a call with this limit is billed by."""
        return Expectation(self.model, self.query, self.stream, self.input_tokens, self.output_tokens, output_limit)
