from __future__ import annotations

import asyncio

from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import ROLE_USER, ContentPart, Message, Query
from frontdesk_server.rpc.service import RouterService

from tests.fake_desk import FakeDesk


async def test_a_long_batch_leaves_others_their_turn_between_its_queries() -> None:
    query = Query(messages=[Message(role=ROLE_USER, parts=[ContentPart(text="hi")])])
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    response = await RouterService(FakeDesk()).route_batch(pb.RouteBatchRequest(queries=[query] * 50), None)  # type: ignore[arg-type]
    task.cancel()
    assert len(response.results) == 50
    assert turns >= 50
