"""Starts the attempts of one request: what each is to answer, and the time that it gets."""

from __future__ import annotations

from dataclasses import replace

from frontdesk_server.domain.affinity import affinity_key
from frontdesk_server.domain.caching import speaks_of_caching, with_cache_hints
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.own_keys import own_keys
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.tokens import expected_output_tokens
from frontdesk_server.execution.account import Account
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.deadline import Deadline
from frontdesk_server.execution.order import AttemptOrder, AttemptTools
from frontdesk_server.execution.plan import Plan, Step
from frontdesk_server.execution.steps import Steps
from frontdesk_server.execution.timers import AttemptTimers


class Attempts:
    """The attempts of one request."""

    def __init__(
        self,
        tools: AttemptTools,
        routed: RoutedQuery,
        call: Call,
        plan: Plan,
        steps: Steps,
        account: Account,
        deadline: Deadline,
        *,
        stream: bool,
        slice_share: float,
        caches_prompts: bool,
    ) -> None:
        """An attempt gets `slice_share` of what is left, where another may follow it."""
        self._tools = tools
        self._routed = routed
        self._parent = call.observation
        self._own_keys = own_keys(call)
        self._plan = plan
        self._steps = steps
        self._account = account
        self._deadline = deadline
        self._stream = stream
        self._slice_share = slice_share
        self._caches_prompts = caches_prompts

    def start(self, position: int, kind: StepKind) -> AttemptRun:
        """Open an attempt of the step that is held."""
        step, signals = self._plan[position], self._routed.decision.signals
        room, passage = self._steps.take()
        deadline = self._deadline.bound()
        share = deadline if self._steps.is_last(position) else deadline.slice(self._slice_share)
        whole_is_held = not self._stream or (step.is_judged and step.stream_mode is StreamMode.HOLD)
        until_end = share if whole_is_held else deadline
        query, cache_key = self._cacheable(self._prepared(step))
        order = AttemptOrder(
            index=self._account.opened,
            model=step.model,
            kind=kind,
            query=query,
            cache_key=cache_key,
            stream=self._stream,
            timers=AttemptTimers.of(step.model.timeouts, deadline, share, until_end, stream=self._stream),
            input_tokens=signals.input_tokens,
            output_tokens=expected_output_tokens(self._routed.query, signals),
            own_keys=self._own_keys,
            fitting=self._steps.fitting,
        )
        run = AttemptRun(self._tools, order, passage, self._parent, room)
        self._account.open(run, room.reservation)
        return run

    def _prepared(self, step: Step) -> Query:
        """The caller's query, with log-probabilities where the step's check reads them."""
        query = self._routed.query
        if step.check is None or not step.check.needs_logprobs or query.generation.logprobs:
            return query
        return replace(query, generation=replace(query.generation, logprobs=True))

    def _cacheable(self, query: Query) -> tuple[Query, str]:
        """The query as caches of providers may keep it, and the key of its conversation; as it is where none should."""
        if not self._caches_prompts or speaks_of_caching(query):
            return query, ""
        router, conversation = self._routed.decision.router, self._routed.policy.affinity_key
        hinted = with_cache_hints(query, goes_on=bool(conversation))
        return hinted, affinity_key(self._routed.caller, router, conversation) if conversation else ""
