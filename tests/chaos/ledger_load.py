"""A process that records decisions as fast as it may, and tells of each: run by the kill test."""

from __future__ import annotations

import asyncio
import sys
import time

from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.config.service import LedgerConfig

from tests.records import a_cascade, a_routed_query


async def load(url: str, durability: str) -> None:
    """Print `id instant` once the ledger has taken a decision and its settlement."""
    settings = LedgerConfig.model_validate({"url": url, "durability": durability})
    async with open_ledger(settings) as ledger, asyncio.TaskGroup() as tasks:

        async def call_after_call() -> None:
            while True:
                routed = a_routed_query()
                await ledger.record_decision(routed)
                await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
                sys.stdout.write(f"{routed.decision.decision_id} {time.monotonic()}\n")
                sys.stdout.flush()
                await asyncio.sleep(0.001)

        for _ in range(8):
            tasks.create_task(call_after_call())


if __name__ == "__main__":
    asyncio.run(load(sys.argv[1], sys.argv[2]))
