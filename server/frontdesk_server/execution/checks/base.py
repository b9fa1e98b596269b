"""What every check gets and gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer, CheckResult
from frontdesk_server.domain.observer import NULL_ATTEMPT, AttemptObservation, AttemptParent
from frontdesk_server.domain.query import Query

Judge = Callable[[Answer], Awaitable[tuple[CheckResult, ...]]]
"""Judges a whole answer, or its beginning. Every result stands on the attempt; the last one decides."""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The attempt whose answer will be judged; `remaining_seconds` tells what is left of the deadline.

    The questions that a check asks are observed below `attempt`, its defects at `parent`.

    On `bill` stands every question that the checks ask, also one whose answer comes to nothing.
    """

    query: Query
    model: str
    parent: AttemptParent
    remaining_seconds: Callable[[], float]
    bill: Bill
    attempt: AttemptObservation = NULL_ATTEMPT


class Check(Protocol):
    """Decides whether an answer is good enough."""

    @property
    def needs_logprobs(self) -> bool:
        """Whether the answer must come with log-probabilities."""

    def open(self, context: CheckContext) -> AbstractAsyncContextManager[Judge]:
        """Prepare beside the attempt, such as by asking a second model at once; leaving aborts what still runs."""
