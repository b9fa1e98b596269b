from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from frontdesk_server.desk.runtime import CurrentRuntime, Runtime

from tests.conftest import DefectLog


def runtime(name: str, closed: list[str], error: Exception | None = None) -> Runtime:
    """A runtime of nothing but resources; says when they are closed."""

    def close() -> None:
        closed.append(name)
        if error is not None:
            raise error

    resources = AsyncExitStack()
    resources.callback(close)
    nothing: Any = None
    return Runtime(nothing, nothing, nothing, nothing, nothing, nothing, nothing, resources)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_replaced_runtime_closes_with_its_last_call_and_not_before() -> None:
    closed: list[str] = []
    holder = CurrentRuntime(runtime("a", closed))
    with holder.lease() as first:
        with holder.lease():
            holder.replace(runtime("b", closed))
            with holder.lease() as second:
                assert first is not second is holder.current
        await turns()
        assert (closed, holder.open_count) == ([], 2)
    await turns()
    assert (closed, holder.open_count) == (["a"], 1)


async def test_an_idle_runtime_closes_when_it_is_replaced_whatever_older_ones_wait_for() -> None:
    closed: list[str] = []
    holder = CurrentRuntime(runtime("a", closed))
    with holder.lease():
        for name in "bcd":
            holder.replace(runtime(name, closed))
        await turns()
        assert closed == ["b", "c"]


async def test_the_end_closes_every_runtime_once() -> None:
    closed: list[str] = []
    holder = CurrentRuntime(runtime("a", closed))
    with holder.lease():
        holder.replace(runtime("b", closed))
        await holder.aclose()
        assert sorted(closed) == ["a", "b"]
    await turns()
    assert sorted(closed) == ["a", "b"]


async def test_a_runtime_that_cannot_be_closed_is_said_and_harms_nobody(caught_defects: DefectLog) -> None:
    closed: list[str] = []
    holder = CurrentRuntime(runtime("a", closed, OSError("a fault of ours")))
    holder.replace(runtime("b", closed))
    await turns()
    assert [defect["part"] for defect in caught_defects] == ["closing"]
    caught_defects.clear()
    await holder.aclose()
    assert closed == ["a", "b"]
