"""What is asked of Redis in one batch, and the form in which its script reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from frontdesk_server.state.limits.store import MOST, Change, Hold, LimitStoreError

_WHATEVER_THE_LIMIT = -1
_USED_WITHOUT_ASKING = -2
_Field = tuple[str, int, int, int, float]
"""Key, amount, limit, least aside, end of the window."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Amounts that are added together, or none of them. The answer of a reservation is waited for."""

    fields: Sequence[_Field]
    holds: Sequence[Hold] = ()
    answer: asyncio.Future[int | None] | None = None

    @classmethod
    def reservation(cls, holds: Sequence[Hold], aside: bool, answer: asyncio.Future[int | None]) -> Job:
        """Of a call, with what may be needed again `aside`."""
        fields = [(one.key, one.amount, one.limit, max(1, one.amount) if aside else MOST, one.ends_at) for one in holds]
        return cls(fields, holds, answer)

    @classmethod
    def correction(cls, changes: Sequence[Change]) -> Job:
        """Whatever the limits."""
        return cls([(one.key, one.amount, _WHATEVER_THE_LIMIT, 0, one.ends_at) for one in changes])

    @classmethod
    def told(cls, changes: Sequence[Change]) -> Job:
        """What was used without asking."""
        return cls([(one.key, one.amount, _USED_WITHOUT_ASKING, 0, one.ends_at) for one in changes])

    @classmethod
    def renewal(cls, hold: Hold) -> Job:
        """Nothing is added; what is set aside is fitted to what is left."""
        return cls([(hold.key, 0, hold.limit, max(1, hold.amount), hold.ends_at)], (hold,))

    @classmethod
    def giving_back(cls, hold: Hold) -> Job:
        """Nothing is added, and nothing set aside."""
        return cls([(hold.key, 0, hold.limit, MOST + 1, hold.ends_at)])

    @property
    def changes(self) -> list[Change]:
        """What it adds where it is applied."""
        return [Change(key, amount, ends_at) for key, amount, _, _, ends_at in self.fields if amount]

    def resolve(self, refused: int | None) -> None:
        """It was applied, or refused for want of room at this hold."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(refused)

    def fail(self, error: LimitStoreError) -> None:
        """It cannot be applied."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)


class LimitBatch:
    """The script's keys and arguments for some jobs."""

    def __init__(self, jobs: Sequence[Job], prefix: str, aside: Callable[[str], int]) -> None:
        """`aside` tells what the process takes to be set aside for it of a counter."""
        places: dict[str, int] = {}
        ends: dict[str, float] = {}
        self.holds: dict[str, Hold | None] = {}
        """Of every counter, in order, the last hold; None where there are only corrections."""
        self.fields: list[int] = []
        for job in jobs:
            self.fields.append(len(job.fields))
            for key, amount, limit, least, ends_at in job.fields:
                ends[key] = ends_at
                self.holds.setdefault(key, None)
                self.fields += (places.setdefault(key, len(places) + 1), amount, limit, least)
            for hold in job.holds:
                self.holds[hold.key] = hold
        counters = [prefix + key for key in places]
        self.keys = [*counters, *(f"{counter}/aside" for counter in counters)]
        self.counters = [number for key in places for number in (int(ends[key] * 1000), aside(key))]
        """The end in Unix milliseconds and the aside of each."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """A batch whose answer did not come: it may have been applied, or not."""

    number: int
    jobs: Sequence[Job]

    @property
    def certain(self) -> list[Change]:
        """What its corrections take, and what they give only if it was not applied: others may have had that since."""
        return [change for job in self.jobs if job.answer is None for change in job.changes if change.amount > 0]

    def outcome(self, number: str, answers: str) -> list[Change]:
        """What is to be told beside that, now that the last batch which was applied is known with its answers."""
        if number != str(self.number):
            return [change for job in self.jobs if job.answer is None for change in job.changes if change.amount < 0]
        applied = [job for job, answer in zip(self.jobs, answers.split(","), strict=False) if answer == "0"]
        counted = [change for job in applied for change in job.changes if job.answer is not None or change.amount > 0]
        return [Change(change.key, -change.amount, change.ends_at) for change in counted]
