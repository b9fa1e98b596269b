"""The way through a plan: which step may come next, and the reservation of what it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from frontdesk_server.domain.conditions import Conditions
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.model import Model
from frontdesk_server.limits import Limits, Refusal, Reservation


@dataclass(frozen=True, slots=True)
class _Next:
    position: int
    reservation: Reservation


class Steps:
    """One request's steps by position; the plan's length stands for the end. At most one reservation is held."""

    def __init__(
        self,
        routed: RoutedQuery,
        models: Mapping[str, Model],
        conditions: Conditions,
        limits: Limits,
        remaining: Callable[[], float],
        reservation: Reservation | None,
    ) -> None:
        self.end = len(routed.decision.plan)
        self.refusal: Refusal | None = None
        self._routed = routed
        self._models = models
        self._conditions = conditions
        self._limits = limits
        self._remaining = remaining
        self._next = None if reservation is None else _Next(0, reservation)
        self._taken = False

    async def next(self, position: int) -> int:
        """The first step from here whose model may be called now and has room within its limits, which is reserved."""
        while (position := self._eligible(position)) < self.end:
            if self._next is not None and self._next.position == position:
                return position
            self.release()
            reserved = await self._limits.reserve(self._routed, self._model(position), first=not self._taken)
            if isinstance(reserved, Reservation):
                self._next = _Next(position, reserved)
                return position
            self.refusal = reserved
            position += 1
        self.release()
        return position

    def is_last(self, position: int) -> bool:
        """Whether no later step may be called now."""
        return self._eligible(position + 1) == self.end

    def take(self) -> Reservation:
        """The reservation of the step that `next` found."""
        if self._next is None:
            raise RuntimeError("no step is reserved")
        taken, self._next, self._taken = self._next.reservation, None, True
        return taken

    def release(self) -> None:
        """Give back what was reserved and not taken."""
        if self._next is not None:
            self._next.reservation.release()
            self._next = None

    def _eligible(self, position: int) -> int:
        remaining = self._remaining()
        for index in range(position, self.end if remaining > 0 else 0):
            if self._conditions.exclusion(self._model(index), self._routed.caller, remaining) is None:
                return index
        return self.end

    def _model(self, position: int) -> Model:
        return self._models[self._routed.decision.plan[position].model]
