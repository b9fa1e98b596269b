"""A check in which something unforeseen goes wrong: the answer has not passed, and the defect is reported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from frontdesk_server.config.checks import AgreementCheck, CheckConfig, CombinedCheck, HeuristicCheck, VerifierCheck
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer, CheckResult
from frontdesk_server.domain.errors import DeadlineExceeded, FrontdeskError, UpstreamFailed
from frontdesk_server.domain.observer import NULL_CALL
from frontdesk_server.domain.query import text_query
from frontdesk_server.execution.checks import CheckContext, Judge, build_check
from frontdesk_server.execution.checks.guarded import Guarded

from tests.conftest import DefectLog
from tests.unit.routing.desk import FakeAsk, an_answer

SECRET = "my salary is 90,000"


class BrokenAsk(FakeAsk):
    """Fails as nobody foresaw."""

    async def __call__(self, *_: object, **__: object) -> Answer:
        raise ZeroDivisionError(SECRET)


class Broken:
    """A check that breaks where it is told."""

    needs_logprobs = False

    def __init__(self, where: str, error: Exception) -> None:
        self._where = where
        self._error = error

    @asynccontextmanager
    async def open(self, context: CheckContext) -> AsyncIterator[Judge]:
        self._break("opening")
        yield self._judge
        self._break("closing")

    async def _judge(self, answer: Answer) -> tuple[CheckResult, ...]:
        self._break("judging")
        return (CheckResult("broken", 1.0, 0.5, passed=True),)

    def _break(self, where: str) -> None:
        if where == self._where:
            raise self._error


def _context() -> CheckContext:
    return CheckContext(text_query(SECRET), "small", NULL_CALL, lambda: 1.0, Bill())


@pytest.mark.parametrize(("where", "passed"), [("opening", False), ("judging", False), ("closing", True)])
async def test_a_defect_anywhere_in_a_check_lets_the_request_go_on(
    where: str, passed: bool, caught_defects: DefectLog
) -> None:
    async with Guarded("broken", 0.5, Broken(where, ValueError(SECRET))).open(_context()) as judge:
        (result,) = await judge(an_answer("42"))

    assert result.passed is passed
    assert result.detail == ("" if passed else "failed unexpectedly: ValueError")
    assert [(line["part"], line["check"], line["error_type"]) for line in caught_defects] == [
        ("check", "broken", "ValueError")
    ]
    assert SECRET not in str(caught_defects) + str(result)
    caught_defects.clear()


@pytest.mark.parametrize(
    "config",
    [
        VerifierCheck(kind="verifier", model="mid"),
        AgreementCheck(kind="agreement", model="mid"),
        AgreementCheck(kind="agreement", samples=2),
        CombinedCheck(kind="all", checks=(VerifierCheck(kind="verifier", model="mid"),)),
        CombinedCheck(kind="weighted", checks=(VerifierCheck(kind="verifier", model="mid"),)),
    ],
)
async def test_every_check_that_asks_survives_a_defect(config: CheckConfig, caught_defects: DefectLog) -> None:
    async with build_check(config, BrokenAsk()).open(_context()) as judge:
        results = await judge(an_answer("42"))

    assert not results[-1].passed
    assert {(line["part"], line["error_type"]) for line in caught_defects} == {("check", "ZeroDivisionError")}
    caught_defects.clear()


async def test_another_part_that_holds_lets_the_answer_pass(caught_defects: DefectLog) -> None:
    parts = (VerifierCheck(kind="verifier", model="mid"), HeuristicCheck(kind="heuristic"))
    async with build_check(CombinedCheck(kind="any", checks=parts), BrokenAsk()).open(_context()) as judge:
        assert (await judge(an_answer("The answer is 42.")))[-1].passed
    caught_defects.clear()


@pytest.mark.parametrize("error", [UpstreamFailed("down"), DeadlineExceeded("late")])
async def test_what_is_foreseen_and_what_the_attempt_raises_passes_through(error: FrontdeskError) -> None:
    with pytest.raises(type(error)):
        async with Guarded("broken", 0.5, Broken("judging", error)).open(_context()) as judge:
            await judge(an_answer("42"))
    with pytest.raises(ZeroDivisionError):
        async with build_check(HeuristicCheck(kind="heuristic"), BrokenAsk()).open(_context()):
            raise ZeroDivisionError
