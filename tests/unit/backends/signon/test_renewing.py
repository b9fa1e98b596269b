"""Something that expires: one renewal at a time, before the end, beside those who use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from frontdesk_server.backends.signon.renewing import Lease, Renewing
from frontdesk_server.domain.errors import UpstreamCredentialsRefused

from tests.fakes import FakeClock


class Source:
    """Gives numbered tokens of an hour, each when it is let through, or fails."""

    def __init__(self, clock: FakeClock, life_seconds: float | None = 3600.0) -> None:
        self.clock = clock
        self.life_seconds = life_seconds
        self.asked = 0
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Lease[str]:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        ends = None if self.life_seconds is None else self.clock.seconds + self.life_seconds
        return Lease(f"token {number}", ends)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock) -> Source:
    return Source(clock)


def renewing(source: Callable[[], Awaitable[Lease[str]]], clock: FakeClock) -> Renewing[str]:
    return Renewing(source, clock, "test")


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_requests_wait_for_one_renewal(source: Source, clock: FakeClock) -> None:
    source.gate.clear()
    tokens = renewing(source, clock)
    waiting = [asyncio.create_task(tokens.value()) for _ in range(20)]
    await turns()
    waiting.pop().cancel()  # whose caller left takes nothing from the others
    source.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"token 1"}
    assert source.asked == 1
    await tokens.aclose()


async def test_a_token_is_renewed_before_its_end_while_the_old_one_serves(source: Source, clock: FakeClock) -> None:
    tokens = renewing(source, clock)
    await tokens.value()
    clock.seconds += 3600 - 241
    assert (await tokens.value(), source.asked) == ("token 1", 1)
    source.gate.clear()
    clock.seconds += 2
    assert {await tokens.value() for _ in range(10)} == {"token 1"}
    await turns()
    assert source.asked == 2
    assert await tokens.value() == "token 1"
    source.gate.set()
    await turns()
    assert await tokens.value() == "token 2"
    await tokens.aclose()


async def test_a_token_that_nobody_asks_for_is_renewed_by_itself(clock: FakeClock) -> None:
    source = Source(clock, life_seconds=0.2)
    tokens = renewing(source, clock)
    await tokens.value()
    clock.seconds += 0.16
    async with asyncio.timeout(5):
        while source.asked < 2:
            await asyncio.sleep(0.01)
    await tokens.aclose()


async def test_a_failing_renewal_is_repeated_with_pauses_and_refuses_only_after_the_end(
    source: Source, clock: FakeClock
) -> None:
    tokens = renewing(source, clock)
    await tokens.value()
    source.failure = UpstreamCredentialsRefused("test: no token (invalid_grant)")
    clock.seconds += 3400
    for _ in range(5):
        assert await tokens.value() == "token 1"
        await turns()
    assert source.asked == 2
    clock.seconds += 31
    await tokens.value()
    await turns()
    assert source.asked == 3
    clock.seconds += 200
    with pytest.raises(UpstreamCredentialsRefused, match="invalid_grant"):
        await tokens.value()
    with pytest.raises(UpstreamCredentialsRefused, match="invalid_grant"):
        await tokens.value()
    assert source.asked == 4  # at once only the first asked again
    source.failure = None
    clock.seconds += 2
    assert await tokens.value() == "token 5"
    await tokens.aclose()


async def test_what_nobody_foresaw_is_told_by_its_type_alone(
    source: Source, clock: FakeClock, caught_defects: list[object]
) -> None:
    source.failure = RuntimeError("with a secret in it")
    tokens = renewing(source, clock)
    with pytest.raises(UpstreamCredentialsRefused) as caught:
        await tokens.value()
    assert "secret" not in str(caught.value)
    assert "RuntimeError" in str(caught.value)
    assert "secret" not in str(caught_defects)
    caught_defects.clear()
    await tokens.aclose()


async def test_a_refused_token_is_replaced_unless_it_is_brand_new(source: Source, clock: FakeClock) -> None:
    tokens = renewing(source, clock)
    await tokens.value()
    tokens.doubt()
    assert await tokens.value() == "token 1"
    clock.seconds += 60
    tokens.doubt()
    assert await tokens.value() == "token 2"
    await tokens.aclose()


async def test_a_library_that_gives_what_it_kept_is_asked_with_pauses(source: Source, clock: FakeClock) -> None:
    tokens = renewing(source, clock)
    await tokens.value()
    ends = clock.seconds + 3600
    for _ in range(8):
        clock.seconds = max(clock.seconds, ends - 240)
        source.life_seconds = ends - clock.seconds  # the same token once more
        await tokens.value()
        await turns()
        clock.seconds += 4
    assert source.asked <= 3
    await tokens.aclose()


async def test_closing_ends_a_renewal_at_work(source: Source, clock: FakeClock) -> None:
    source.gate.clear()
    tokens = renewing(source, clock)
    waiting = asyncio.create_task(tokens.value())
    await turns()
    await tokens.aclose()
    with pytest.raises(UpstreamCredentialsRefused):
        await waiting


def test_nothing_of_a_token_is_in_its_representation() -> None:
    assert "secret" not in repr(Lease("secret", 1.0))
