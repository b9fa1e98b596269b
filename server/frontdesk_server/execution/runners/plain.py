"""A step whose answer is given as it comes."""

from __future__ import annotations

from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import Delta
from frontdesk_server.execution.runners.base import Given, Onward, Request


async def run_plain(request: Request, position: int, kind: StepKind) -> Given | Onward:
    """Commit with the first content when streaming, with the whole answer otherwise."""
    run = await request.begin(position, kind)
    held: list[Delta] = []

    async def hold(delta: Delta) -> None:
        held.append(delta)

    try:
        await run.run(request.commit if request.stream else hold)
    except UpstreamError as error:
        return await request.hand_over(run, position, AttemptOutcome.FAILED, error=error)
    for delta in held:
        await request.commit(delta)
    return Given(run)
