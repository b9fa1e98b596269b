"""The way through a plan: which step may come next, and the reservation of what it may use."""

from __future__ import annotations

from functools import partial

from frontdesk_server.domain.decision import Exclusion, RoutedQuery
from frontdesk_server.domain.fitting import Fitting
from frontdesk_server.domain.model import Model
from frontdesk_server.execution.balancing import Balancer, Passage
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.deadline import Deadline
from frontdesk_server.execution.plan import Plan
from frontdesk_server.execution.room import Room
from frontdesk_server.state.limits import Limits, Refusal, Reservation


class Steps:
    """One request's steps by position; the plan's length stands for the end.

    At most one step is held: what it may use is reserved, and a deployment of its model has let it through.
    """

    def __init__(
        self,
        routed: RoutedQuery,
        plan: Plan,
        conditions: LiveConditions,
        balancer: Balancer,
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        self.end = len(plan)
        self.refusal: Refusal | None = None
        self.fitting = Fitting.of(routed.query, routed.decision.signals.input_tokens, conditions.profile)
        self._routed = routed
        self._plan = plan
        self._conditions = conditions
        self._balancer = balancer
        self._limits = limits
        self._deadline = deadline
        self._position = 0
        self._reservation: Reservation | None = None
        self._passage: Passage | None = None
        self._taken = False

    async def reserve_first(self) -> Refusal | None:
        """Hold what the first step may use, or tell why there is no room for it."""
        return None if await self._reserve(0) else self.refusal

    async def next(self, position: int) -> int:
        """The first step from here whose model may be called now and has room within its limits, which is held."""
        while (position := self._eligible(position)) < self.end:
            if self._holds(position) or (await self._reserve(position) and self._admit(position)):
                return position
            position += 1
        self.release()
        return position

    def is_last(self, position: int) -> bool:
        """Whether no later step may be called now."""
        return self._eligible(position + 1) == self.end

    def take(self) -> tuple[Room, Passage]:
        """What the step that `next` found may use, and the deployment that may be called."""
        reservation, passage = self._reservation, self._passage
        if reservation is None or passage is None:
            raise RuntimeError("no step is held")
        self._reservation, self._passage, self._taken = None, None, True
        model = self._plan[self._position].model
        return Room(reservation, partial(self._reserved, model, repeated=True)), passage

    def release(self) -> None:
        """Give back what is held."""
        if self._passage is not None:
            self._passage.abandoned()
            self._passage = None
        if self._reservation is not None:
            self._reservation.release()
            self._reservation = None

    def exclusions(self) -> dict[str, Exclusion]:
        """Why models of the plan may not be called now; those without reasons lost their places to other calls."""
        models = {step.model.name: step.model for step in self._plan}
        reasons = ((name, self._exclusion(model, self._deadline.remaining())) for name, model in models.items())
        return {name: reason for name, reason in reasons if reason is not None}

    def _holds(self, position: int) -> bool:
        return self._passage is not None and self._position == position

    async def _reserve(self, position: int) -> bool:
        if self._reservation is not None and self._position == position:
            return True
        self.release()
        reserved = await self._reserved(self._plan[position].model)
        if not isinstance(reserved, Reservation):
            self.refusal = reserved
            return False
        self._position, self._reservation = position, reserved
        return True

    async def _reserved(self, model: Model, *, repeated: bool = False) -> Reservation | Refusal:
        return await self._limits.reserve(self._routed, model, first=not self._taken, repeated=repeated)

    def _admit(self, position: int) -> bool:
        """Pass the breaker of a deployment that can take the query; it may have changed its mind meanwhile."""
        model = self._plan[position].model
        self._passage = self._balancer.acquire(model, self.fitting.unfit(model))
        return self._passage is not None

    def _eligible(self, position: int) -> int:
        remaining = self._deadline.remaining()
        for index in range(position, self.end if remaining > 0 else 0):
            if self._holds(index) or self._exclusion(self._plan[index].model, remaining) is None:
                return index
        return self.end

    def _exclusion(self, model: Model, remaining: float) -> Exclusion | None:
        """Why the model may not be called; an attempt may just have learned what it refuses."""
        return self._conditions.exclusion(model, self._routed.caller, remaining) or self.fitting.exclusion(model)
