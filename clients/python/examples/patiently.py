"""Repeats what the server says may be repeated, later each time, and never past the deadline."""

from __future__ import annotations

import asyncio
import random
import time
from itertools import count

from frontdesk import Client, CompleteResponse, FrontdeskError


async def complete_patiently(client: Client, query: str, *, seconds: float) -> CompleteResponse:
    """The answer within so many seconds, waits included; raises the last error when there is none."""
    end = time.monotonic() + seconds
    for attempt in count():
        try:
            return await client.complete(query, timeout=end - time.monotonic())
        except FrontdeskError as error:
            if error.retry_after_seconds is None:  # waiting does not help
                raise
            wait = error.retry_after_seconds * 2**attempt * random.uniform(1.0, 1.5)  # noqa: S311 - so that callers spread
            if time.monotonic() + wait >= end:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("count ends never")
