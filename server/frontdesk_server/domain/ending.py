"""What ended a call: told once, from what was raised, so that ledger, spans and metrics say the same."""

from __future__ import annotations

from frontdesk_server.domain.errors import DeadlineExceeded, FrontdeskError

CANCELLED = "CANCELLED"
"""The reason of what its caller left. It is no error of Frontdesk's."""

STATUSES = ("completed", "failed", "deadline", "cancelled")
"""Every way in which a call ends."""


def status_of(reason: str) -> str:
    """How a call with this reason ended, in one word: completed, failed, deadline or cancelled.

    A deadline is the caller's or its router's; cancelled is only what its caller left.
    """
    match reason:
        case "":
            return "completed"
        case DeadlineExceeded.reason:
            return "deadline"
    return "cancelled" if reason == CANCELLED else "failed"


def our_fault() -> FrontdeskError:
    """What an exception that nobody foresaw is to callers and in the books: INTERNAL, without its text."""
    return FrontdeskError("a fault of Frontdesk's own")


def cause_of(
    raised: BaseException, *, ended_by: FrontdeskError | None = None, overdue: bool = False
) -> FrontdeskError | None:
    """Why a call ended so; None when its caller left.

    What is abandoned sees only a cancellation: `ended_by` tells why its front has done that, and `overdue` that its
    deadline has passed.
    """
    if isinstance(raised, FrontdeskError):
        return raised
    if isinstance(raised, Exception):
        return our_fault()
    if ended_by is None and overdue:
        return DeadlineExceeded("the deadline passed before the answer was complete")
    return ended_by
