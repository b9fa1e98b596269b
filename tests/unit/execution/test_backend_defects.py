"""An exception that nobody foresaw in a backend fails its attempt, not the call, and is reported."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

import pytest
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import CompletionFailed
from frontdesk_server.domain.events import Batch, Completed, TextDelta

from tests.conftest import DefectLog
from tests.fakes import FakeBackend, answer, plan_of, routed
from tests.unit.execution.test_executor import Desk, collect

ERRORS = (ValueError("a header value is not allowed"), TypeError("no JSON"), KeyError("x"), RuntimeError("y"))


@dataclass
class Broken(FakeBackend):
    """Fails for small, before or after its request has left."""

    error: Exception
    sent: bool
    says: str = ""

    def __post_init__(self) -> None:
        super().__init__({"mid": [answer("mid")]})

    async def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        if call.upstream_model == "small":
            call.dispatch.left = self.sent
            if self.says:
                yield [TextDelta(self.says)]
            raise self.error
        async for batch in super().stream(call):
            yield batch


def a_desk(backend: Broken) -> Desk:
    desk = Desk({})
    desk.executor = replace(desk.executor, tools=replace(desk.tools, backends={"fake": backend}))
    return desk


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_request_that_cannot_be_built_costs_nothing_and_the_next_model_is_asked(
    error: Exception, stream: bool, caught_defects: DefectLog
) -> None:
    desk = a_desk(Broken(error, sent=False))
    for _ in range(6):
        events = await collect(desk.start(routed(plan_of("small", "mid")), stream=stream))
        completed = events[-1]
        assert isinstance(completed, Completed)
        failed, accepted = completed.settlement.attempts
        assert (failed.error_reason, failed.cost_nano_usd, failed.usage_estimated) == (
            "UPSTREAM_REQUEST_REFUSED",
            0,
            False,
        )
        assert str(error) not in failed.error_message
        assert accepted.model == "mid"
    assert [defect["part"] for defect in caught_defects] == ["backend"] * 6
    caught_defects.clear()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_response_that_cannot_be_read_is_one_that_breaks_the_api(
    error: Exception, caught_defects: DefectLog
) -> None:
    events = await collect(a_desk(Broken(error, sent=True)).start(routed(plan_of("small", "mid"))))
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.settlement.attempts[0].error_reason == "UPSTREAM_PROTOCOL_ERROR"
    assert completed.model == "mid"
    caught_defects.clear()


async def test_after_commit_it_fails_the_call_with_what_was_shown(caught_defects: DefectLog) -> None:
    desk = a_desk(Broken(KeyError("x"), sent=True, says="12345678"))
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small", "mid"))))
    assert failure.value.reason == "UPSTREAM_PROTOCOL_ERROR"
    assert failure.value.settlement.attempts[0].usage.output_tokens == 2
    caught_defects.clear()
