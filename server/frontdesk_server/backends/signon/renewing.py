"""Something that expires and is renewed before it does, beside those who use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import UpstreamCredentialsRefused

T = TypeVar("T")

log = structlog.get_logger()

_LEAD_SECONDS = 240.0
"""How long before its end something is renewed, unless it lives so short that a quarter of its life is less. Where a
library keeps tokens itself, it gives a new one from five minutes before their end."""
_PAUSE_SECONDS = 30.0
"""Between two renewals while there is something to use, whatever became of the first."""
_WAIT_SECONDS = 1.0
"""Between two renewals while there is nothing to use; who asks meanwhile is refused at once."""
_PATIENCE_SECONDS = 15.0
"""How long a request waits for a renewal; others may then still answer it."""
_LONGEST_SECONDS = 60.0
"""How long a renewal may take."""


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """What may be used until `expires_at`, in seconds since 1970; None: nothing says when it ends."""

    value: T = field(repr=False)
    expires_at: float | None


class Renewing(Generic[T]):
    """Holds a lease and has at most one renewal at work.

    The first request waits for the first one. After that a renewal begins before the lease ends, by itself, and only
    where it has failed until the end do requests wait again, or are refused.
    """

    def __init__(self, renew: Callable[[], Awaitable[Lease[T]]], clock: Clock, kind: str) -> None:
        """`renew` raises UpstreamCredentialsRefused where there is nothing to be had; `kind` names it in log lines."""
        self._renew = renew
        self._clock = clock
        self._kind = kind
        self._lease: Lease[T] | None = None
        self._renew_at: float | None = None
        self._acquired_at = 0.0
        self._not_before = 0.0
        self._refusal: UpstreamCredentialsRefused | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> T | None:
        """What is used now."""
        return None if self._lease is None else self._lease.value

    async def value(self) -> T:
        """What can be used now.

        Raises:
            UpstreamCredentialsRefused: there is nothing, and none could be had.

        """
        now = self._now()
        lease = self._usable(now)
        if lease is not None:
            if self._renew_at is not None and now >= self._renew_at:
                self._begin(now)
            return lease.value
        if (task := self._begin(now)) is not None:
            await asyncio.wait([task], timeout=_PATIENCE_SECONDS)
        if (lease := self._usable(self._now())) is not None:
            return lease.value
        if task is not None and not task.done():
            raise UpstreamCredentialsRefused(f"{self._kind}: nothing has come for {_PATIENCE_SECONDS:g} s")
        raise UpstreamCredentialsRefused(str(self._refusal or f"{self._kind}: what came is over already"))

    def doubt(self) -> None:
        """Let the next request wait for another one, unless this one is brand-new."""
        if self._now() >= self._acquired_at + _PAUSE_SECONDS:
            self._lease = None

    async def aclose(self) -> None:
        """Renew no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _usable(self, now: float) -> Lease[T] | None:
        lease = self._lease
        return lease if lease is not None and (lease.expires_at is None or now < lease.expires_at) else None

    def _begin(self, now: float) -> asyncio.Task[None] | None:
        """The renewal that is at work; None while none may begin."""
        if self._task is None and now >= self._not_before:
            if self._timer is not None:
                self._timer.cancel()
            self._task = asyncio.get_running_loop().create_task(self._renewed())
        return self._task

    async def _renewed(self) -> None:
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                self._take(await self._renew())
        except UpstreamCredentialsRefused as error:
            self._failed(error)
        except TimeoutError:
            self._failed(UpstreamCredentialsRefused(f"{self._kind}: nothing came within {_LONGEST_SECONDS:g} s"))
        except Exception as error:
            report_defect("sign_on", error, kind=self._kind)
            self._failed(UpstreamCredentialsRefused(f"{self._kind}: the renewal failed: {type(error).__name__}"))
        finally:
            self._task = None

    def _take(self, lease: Lease[T]) -> None:
        now = self._now()
        self._lease, self._refusal, self._acquired_at = lease, None, now
        self._not_before = now + _WAIT_SECONDS
        self._renew_at = None
        if lease.expires_at is not None:
            life = max(0.0, lease.expires_at - now)
            self._renew_at = max(now + _WAIT_SECONDS, lease.expires_at - min(_LEAD_SECONDS, life / 4))
            if life <= _LEAD_SECONDS:  # a library may have given what it kept
                self._renew_at = now + min(_PAUSE_SECONDS, 3 * life / 4)
            self._again_at(self._renew_at)

    def _failed(self, error: UpstreamCredentialsRefused) -> None:
        now = self._now()
        usable = self._usable(now) is not None
        log.warning("sign_on.not_renewed", kind=self._kind, reason=str(error), usable=usable)
        self._refusal = error
        self._not_before = now + (_PAUSE_SECONDS if usable else _WAIT_SECONDS)
        if usable:
            self._again_at(self._not_before)

    def _again_at(self, instant: float) -> None:
        """Renew then, whether or not anything is asked: a request that comes seldom need not wait either."""
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, instant - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._begin(max(self._now(), self._not_before))
