"""What pages read of a ledger while it is written, whichever database keeps it."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_readings
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.errors import LedgerUnavailable, Overloaded
from frontdesk_server.domain.record import Outcome
from frontdesk_server.ledger.reader import Filters, LedgerReader
from frontdesk_server.ledger.readings import Readings
from frontdesk_server.ledger.spending import Spending, spending
from frontdesk_server.rpc.record import ContractCodec
from sqlalchemy import text

from tests.records import a_cascade, a_routed_query, an_answer

HOUR = timedelta(hours=1)
NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def config(url: str) -> LedgerConfig:
    return LedgerConfig.model_validate({"url": url, "flush_ms": 5})


async def fill(url: str) -> None:
    """Three completions an hour apart, of which one was judged, and one that was merely routed."""
    async with open_ledger(config(url)) as ledger:
        for hour, router in enumerate(("default", "default", "other")):
            routed = a_routed_query(router=router, at=NOON + hour * HOUR)
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, a_cascade(), answer=an_answer("42"), error_reason="")
            if hour == 0:
                await ledger.record_outcome(Outcome(routed.decision.decision_id, 0.5, "judge", NOON))
        await ledger.record_decision(a_routed_query(at=NOON + 2 * HOUR))


async def summed(url: str, filters: Filters, most: int = 1000) -> Spending:
    readings = open_readings(config(url))
    assert readings is not None
    found = await readings.read(lambda reader: spending(reader, filters, HOUR, most))
    await readings.aclose()
    return found


async def test_every_view_sums_up_to_the_same(ledger_url: str) -> None:
    await fill(ledger_url)
    found = await summed(ledger_url, Filters())
    one = a_cascade().cost
    assert one.total_nano_usd is not None
    assert one.saved_nano_usd is not None
    total = found.total
    assert (total.decisions, total.completions, total.judged) == (4, 3, 1)
    assert (list(total.endings), total.endings["completed"]) == (["completed", "failed", "deadline", "cancelled"], 3)
    assert (total.cost_nano_usd, total.saved_nano_usd) == (3 * one.total_nano_usd, 3 * one.saved_nano_usd)
    assert total.quality == 0.5
    for view in (found.models, found.routers, found.callers, found.times):
        assert sum(sums.cost_nano_usd for sums in view.values()) == total.cost_nano_usd
        assert sum(sums.decisions for sums in view.values()) == total.decisions
    assert list(found.models) == ["large", ""]
    assert list(found.routers) == ["default", "other"]
    assert list(found.callers) == ["billing"]
    assert list(found.times) == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert found.whole


async def test_a_call_that_was_cut_off_costs_and_is_in_no_share_of_what_was_saved(ledger_url: str) -> None:
    """As in `frontdesk report`, whose page is made of the same records by the same definition."""
    await fill(ledger_url)
    whole = (await summed(ledger_url, Filters())).total
    async with open_ledger(config(ledger_url)) as ledger:
        routed, cascade = a_routed_query(at=NOON), a_cascade()
        cut = replace(cascade, cost=replace(cascade.cost, strongest_nano_usd=None))
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, cut, answer=None, error_reason="CANCELLED")
    found = (await summed(ledger_url, Filters())).total
    one = cascade.cost
    assert found.cost_nano_usd > whole.cost_nano_usd
    assert one.saved_nano_usd is not None
    assert one.strongest_nano_usd is not None
    assert found.saved_share == whole.saved_share == one.saved_nano_usd / one.strongest_nano_usd


async def test_windows_and_callers_bound_what_is_summed(ledger_url: str) -> None:
    await fill(ledger_url)
    assert (await summed(ledger_url, Filters(since=NOON + HOUR))).total.completions == 2
    assert (await summed(ledger_url, Filters(caller="nobody"))).total.decisions == 0


async def test_of_very_many_the_newest_are_looked_through_and_it_is_said(ledger_url: str) -> None:
    await fill(ledger_url)
    found = await summed(ledger_url, Filters(), most=2)
    assert (found.total.decisions, found.whole) == (2, False)
    assert (await summed(ledger_url, Filters(since=NOON + 2 * HOUR), most=3)).whole


async def test_a_reading_ends_with_its_time_and_writes_nothing(ledger_url: str) -> None:
    await fill(ledger_url)
    readings = Readings(ledger_url, ContractCodec(), seconds=0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT max(i) FROM n"

    def execute(reader: LedgerReader, statement: str) -> None:
        with reader.engine.connect() as connection:
            connection.execute(text(statement))

    started = time.monotonic()
    with pytest.raises(LedgerUnavailable):
        await readings.read(lambda reader: execute(reader, endless))
    assert time.monotonic() - started < 20
    with pytest.raises(LedgerUnavailable):
        await readings.read(lambda reader: execute(reader, "DELETE FROM records"))
    await readings.aclose()


async def test_few_may_wait_for_a_reading_and_the_loop_never_does(ledger_url: str) -> None:
    await fill(ledger_url)
    readings = open_readings(config(ledger_url))
    assert readings is not None
    going = threading.Event()
    waiting = [asyncio.create_task(readings.read(lambda _: going.wait(10))) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await readings.read(lambda _: None)
    going.set()
    assert all(await asyncio.gather(*waiting))
    assert await readings.read(lambda _: "again") == "again"
    await readings.aclose()
