"""What a caller knows of a completion whose response does not come in time."""

from __future__ import annotations

import grpc
import pytest
from frontdesk import Client, FrontdeskError, Query, user
from frontdesk.v1.router_service_pb2 import CompleteRequest
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub
from frontdesk_server.desk.calls import seconds_to_work
from hypothesis import given
from hypothesis import strategies as st

from tests import full_values as full
from tests.fake_desk import FakeDesk
from tests.serving import serving


async def test_a_caller_whose_deadline_passes_knows_by_what_its_completion_is_found() -> None:
    async with serving(FakeDesk(hang=True)) as server, Client(server.address) as client:
        with pytest.raises(FrontdeskError) as late:
            await client.complete("hi", timeout=0.4)
    assert late.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert late.value.completion_id == full.DECISION.decision_id


async def test_what_answers_in_time_sends_nothing_ahead_and_may_be_repeated() -> None:
    request = CompleteRequest(query=Query(messages=[user("hi")]))
    async with serving(FakeDesk()) as server, grpc.aio.insecure_channel(server.address) as channel:
        call = RouterServiceStub(channel).Complete(request, timeout=20)
        assert (await call).completion_id == full.DECISION.decision_id
        assert "x-frontdesk-decision-id" not in dict(await call.initial_metadata())


@given(st.floats(min_value=0.0, max_value=1e6))
def test_most_of_the_callers_time_is_used_and_what_grpc_rounds_is_kept(seconds: float) -> None:
    kept = seconds - seconds_to_work(seconds)
    assert 0 <= kept <= 0.12 + 1e-9 * seconds
    assert kept <= 0.1 * seconds + 1e-9
