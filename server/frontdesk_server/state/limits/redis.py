"""Counters in Redis, shared by many machines.

One task speaks to Redis, one batch at a time: what comes while a batch is under way goes with the next, so a crowd of
callers costs a few round trips. Each batch is applied once, also when its answer was lost: the next greeting tells.
While Redis does not answer, nobody waits for it: a greeting now and then finds out when it is back, and until then
`Shares` tells what may be used, and keeps what is to be told.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.state.limits.batch import Job, LimitBatch, Unheard
from frontdesk_server.state.limits.redis_errors import is_gone
from frontdesk_server.state.limits.redis_scripts import APPLY, GREET
from frontdesk_server.state.limits.shares import LEASE_SECONDS, Shares
from frontdesk_server.state.limits.store import Change, Hold, LimitStoreError
from frontdesk_server.state.outage import Outage
from frontdesk_server.state.redis import told_by

log = structlog.get_logger()

_BEAT_SECONDS = 1.0
_RETURN_SECONDS = 0.25
_PRESENT_SECONDS = 10
_MOST_JOBS = 256
_MOST_RENEWALS = 200


class RedisLimitStore:
    """Counters in Redis. One hash tag keeps all keys in one slot of a cluster.

    `shares`: while Redis does not answer, use this process's share; else refuse to reserve then.
    """

    def __init__(
        self,
        client: Redis,
        prefix: str,
        clock: Clock,
        defects: DefectCounter | None = None,
        *,
        shares: bool = False,
        lease_seconds: float = LEASE_SECONDS,
        outage: Outage | None = None,
    ) -> None:
        self._clock = clock
        self._defects = defects
        self._client = client
        self._shares = Shares(clock, lease_seconds)
        self._lease_ms = int(lease_seconds * 1000) if shares else 0
        self._apply_script = client.register_script(APPLY)
        self._greet_script = client.register_script(GREET)
        self._prefix = f"{{{prefix}:limits}}:"
        self._members = f"{self._prefix}processes"
        self._process = uuid.uuid4().hex
        self._number = 0
        self._jobs: list[Job] = []
        self._alone = False
        self._outage = outage or Outage()
        self._unheard: Unheard | None = None
        self._greet_at = 0.0
        self._wake = asyncio.Event()
        self._closing = False
        self._speaking: asyncio.Task[None] | None = None

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        if self._alone:
            return self._reserve_alone(holds)
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._submit(Job.reservation(holds, self._lease_ms > 0, answer))
        return await answer

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters by the task; while Redis does not answer, up to 10,000 counters' corrections wait for it."""
        if self._alone:
            self._use_alone(changes)
        else:
            self._submit(Job.correction(changes))

    async def values(self, keys: Sequence[str]) -> list[int]:
        """What counters stand at, without what processes have set aside."""
        if not keys:
            return []
        counters = [self._prefix + key for key in keys]
        try:
            async with self._client.pipeline() as asking:
                asking.mget(counters)
                for counter in counters:
                    asking.hvals(f"{counter}/aside")
                found, *asides = await asking.execute()
        except (RedisError, OSError) as error:
            raise LimitStoreError(f"Redis: {error}") from error
        return [int(value or 0) - sum(map(_amount, aside)) for value, aside in zip(found, asides, strict=True)]

    async def aclose(self) -> None:
        """Apply what is outstanding, and give back what is set aside."""
        if self._speaking is None:
            return
        self._closing = True
        self._wake.set()
        speaking, self._speaking = self._speaking, None
        await speaking
        self._closing = False

    def _submit(self, job: Job) -> None:
        self._jobs.append(job)
        self._wake.set()
        if self._speaking is None:
            self._speaking = asyncio.get_running_loop().create_task(self._speak())

    # What follows runs in the task, but for what is done alone.

    async def _speak(self) -> None:
        while not self._closing:
            await self._turn()
            if not self._jobs:
                seconds = _RETURN_SECONDS if self._alone else _BEAT_SECONDS
                waking = asyncio.get_running_loop().call_later(seconds, self._wake.set)
                await self._wake.wait()
                waking.cancel()
            self._wake.clear()
        await self._turn()
        await self._part()

    async def _turn(self) -> None:
        """Greet where it is time to, then apply what waits."""
        if self._alone or (self._lease_ms and self._clock.monotonic() >= self._greet_at):
            await self._greet()
        while self._jobs and not self._alone:
            jobs, self._jobs = self._jobs[:_MOST_JOBS], self._jobs[_MOST_JOBS:]
            await self._apply(jobs)

    async def _greet(self) -> None:
        self._number += 1
        self._greet_at = self._clock.monotonic() + _BEAT_SECONDS
        keys = [self._key_of_batches, self._members]
        try:
            told, processes = await self._greet_script(keys=keys, args=[self._process, self._number, _PRESENT_SECONDS])
        except Exception as error:
            if not is_gone(error):
                report_defect("limits", error, self._defects)
            self._cut_off(error, None)
            return
        self._shares.processes = int(processes)
        if self._alone:
            await self._come_back(told.decode() if isinstance(told, bytes) else told)
        elif renewals := self._shares.renewals(_MOST_RENEWALS):
            self._jobs += [Job.renewal(hold) for hold in renewals]

    async def _come_back(self, told: str) -> None:
        """Take back what was noted of a batch that arrived after all, tell what was used, and ask again."""
        number, _, answers = told.partition("|")
        unheard, self._unheard = self._unheard, None
        if unheard is not None:
            self._use_alone(unheard.outcome(number, answers))
            if self._lease_ms:  # what was set aside with it is to be heard of
                self._jobs += [Job.renewal(hold) for job in unheard.jobs for hold in job.holds]
        self._alone = False
        while not self._alone and self._shares.untold:
            if changes := self._shares.told(_MOST_JOBS):
                await self._apply([Job.told(changes)])
        if not self._alone:
            self._outage.answered()
            log.warning("limits.store_back", processes=self._shares.processes)

    async def _apply(self, jobs: Sequence[Job]) -> None:
        """Apply jobs as one batch; those that Redis refuses are tried one by one, to find which one is at fault."""
        self._number += 1
        asked_at = self._clock.monotonic()
        header: list[str | int] = [self._process, self._number, self._lease_ms, max(1, self._shares.processes)]
        try:
            batch = LimitBatch(jobs, self._prefix, self._shares.aside)
            told = await self._apply_script(
                keys=[self._key_of_batches, *batch.keys], args=[*header, *batch.counters, *batch.fields]
            )
        except Exception as error:
            if is_gone(error):
                self._cut_off(error, Unheard(self._number, jobs))
            elif len(jobs) > 1:
                for job in jobs:
                    await self._apply([job])
            else:
                self._fail(jobs[0], error)
            return
        numbers = [int(number) for number in told.split(b"," if isinstance(told, bytes) else ",")]
        for job, refused in zip(jobs, numbers, strict=False):
            job.resolve(refused - 1 if refused else None)
        for key, aside in zip(batch.holds, numbers[len(jobs) :], strict=False):
            if (hold := batch.holds[key]) is not None:
                self._shares.lend(hold, aside, asked_at)

    def _cut_off(self, error: BaseException, unheard: Unheard | None) -> None:
        """Nobody answers: from now on this process is alone, with the jobs in hand and those that wait."""
        self._outage.failed()
        if not self._alone:
            self._alone = True
            self._shares.leave()
            log.warning("limits.store_gone", error=told_by(error), shares=self._lease_ms > 0)
        waiting, self._jobs = self._jobs, []
        for job in waiting:
            if job.answer is None:
                self._use_alone(job.changes)
        if unheard is not None:
            self._unheard = unheard
            self._use_alone(unheard.certain)
            waiting = [*unheard.jobs, *waiting]
        for job in waiting:
            if job.answer is not None and not job.answer.done():
                try:
                    job.resolve(self._reserve_alone(job.holds))
                except LimitStoreError as fault:
                    job.fail(fault)

    def _reserve_alone(self, holds: Sequence[Hold]) -> int | None:
        if not self._lease_ms or not self._shares.processes:
            raise LimitStoreError("Redis does not answer")
        return self._shares.reserve(holds)

    def _use_alone(self, changes: Sequence[Change]) -> None:
        if lost := self._shares.use(changes):
            log.error("limits.corrections_lost", count=lost)

    def _fail(self, job: Job, error: Exception) -> None:
        report_defect("limits", error, self._defects)
        if job.answer is None:
            log.error("limits.corrections_lost", count=len(job.changes))
        job.fail(LimitStoreError(f"a reservation cannot be applied: {type(error).__name__}"))

    async def _part(self) -> None:
        """Give asides back; what could not be told by now is lost."""
        if not self._alone and (holds := self._shares.returned()):
            await self._apply([Job.giving_back(hold) for hold in holds])
        if self._alone and (untold := self._shares.untold):
            log.error("limits.corrections_lost", count=untold)

    @property
    def _key_of_batches(self) -> str:
        return f"{self._prefix}batch:{self._process}"


def _amount(aside: bytes | str) -> int:
    """Of what a process has set aside, as the script writes it with its end."""
    text = aside.decode() if isinstance(aside, bytes) else aside
    return int(text.partition(":")[0])
