"""Breakers that several machines share: what one finds out spares the others their failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from frontdesk_server.domain.defects import report_defect
from frontdesk_server.execution.conditions import BreakerNotices, LiveConditions

_LOOK_SECONDS = 1.0


@asynccontextmanager
async def shared_breakers(conditions: LiveConditions, notices: BreakerNotices) -> AsyncIterator[None]:
    """Inside, breakers tell what they find out, and hear every second what others have."""
    conditions.tell(notices)
    looking = asyncio.create_task(_look(conditions, notices))
    try:
        yield
    finally:
        conditions.tell(None)
        looking.cancel()
        await asyncio.wait([looking])


async def _look(conditions: LiveConditions, notices: BreakerNotices) -> None:
    while True:
        try:
            conditions.hear(await notices.read())
        except Exception as error:  # the next look may go better
            report_defect("breakers", error)
        await asyncio.sleep(_LOOK_SECONDS)
