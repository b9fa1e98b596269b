"""Prepares the executions of plans over one snapshot of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.config.service import ExecutionConfig
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StreamMode
from frontdesk_server.domain.model import Model
from frontdesk_server.execution.account import Account
from frontdesk_server.execution.attempts import Attempts
from frontdesk_server.execution.books import Books
from frontdesk_server.execution.checks import Check
from frontdesk_server.execution.deadline import Deadline
from frontdesk_server.execution.execution import Execution
from frontdesk_server.execution.order import AttemptTools
from frontdesk_server.execution.plan import Step
from frontdesk_server.execution.runners import Request
from frontdesk_server.execution.steps import Steps
from frontdesk_server.state.limits import Limits


@dataclass(frozen=True, slots=True)
class Executor:
    """What executions need of a configuration.

    `checks` and `fitted` cascades are keyed by their path in the configuration, `hedges` by their router. `caching` are
    the routers that have providers cache prompts.
    """

    tools: AttemptTools
    models: Mapping[str, Model]
    checks: Mapping[str, Check]
    config: ExecutionConfig
    limits: Limits = field(default_factory=Limits.none)
    hedges: Mapping[str, HedgeConfig] = field(default_factory=dict)
    fitted: Mapping[str, FittedCascade] = field(default_factory=dict)
    caching: frozenset[str] = frozenset()

    def start(self, routed: RoutedQuery, call: Call, deadline: float, books: Books, *, stream: bool) -> Execution:
        """Prepare to execute; `deadline` is an instant of the clock's monotonic time.

        Raises:
            PermissionDenied: the caller brings a key of its own that it may not bring.
        """
        tools, decision = self.tools, routed.decision
        plan = tuple(map(self._step, decision.plan))
        due = Deadline.of(call, deadline, tools.clock)
        steps = Steps(routed, plan, tools.conditions, tools.balancer, self.limits, due)
        account = Account(decision, self.models.get(decision.strongest_model))
        attempts = Attempts(
            tools,
            routed,
            call,
            plan,
            steps,
            account,
            due,
            stream=stream,
            slice_share=self.config.slice_share,
            caches_prompts=decision.router in self.caching,
        )
        hedge = self.hedges.get(decision.router) if stream else None
        request = Request(
            routed, plan, steps, attempts, account, due, call.observation, tools.conditions, stream, hedge
        )
        return Execution(request, call, books)

    def _step(self, step: PlanStep) -> Step:
        """The step with what its names stand for."""
        cascade = self.fitted.get(step.check)
        check = self.checks[step.check] if step.check and cascade is None else None
        mode = step.stream_mode or StreamMode.HOLD
        return Step(self.models[step.model], check, cascade, mode, step.gate_tokens)
