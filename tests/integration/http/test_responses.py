"""OpenAI's Responses over HTTP, judged by its official client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.faces.app import FacesApp
from pydantic import BaseModel

from tests.faces import faces
from tests.fake_desk import FakeDesk
from tests.sdks.harness import tried
from tests.service import pool_config

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class Sum(BaseModel):
    """What is asked for as JSON."""

    answer: int


@asynccontextmanager
async def client(folder: Path) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        tried(folder) as (url, _),
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as connected,
    ):
        yield connected


async def test_an_answer_and_its_stream(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        answer = await api.responses.create(model="default", input="chat", instructions="Be brief.", store=False)
        assert (answer.output_text, answer.status) == ("The answer is four.", "completed")
        assert answer.usage is not None
        assert answer.usage.total_tokens == 16
        async with api.responses.stream(model="default", input="chat") as stream:
            kinds = [event.type async for event in stream]
            final = await stream.get_final_response()
    assert final.output_text == "The answer is four."
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"


async def test_tools_with_their_results(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        asked = await api.responses.create(model="default", input="tool", tools=[TOOL])
        async with api.responses.stream(model="default", input="tool", tools=[TOOL]) as stream:
            streamed = await stream.get_final_response()
        call: Any = asked.output[-1]
        items: Any = [
            {"role": "user", "content": "tool"},
            *asked.output,
            {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
        ]
        done = await api.responses.create(model="default", input=items, tools=[TOOL])
    again: Any = streamed.output[-1]
    assert call.arguments == again.arguments == '{"city":"Paris"}'
    assert done.output_text == "The answer is four."


async def test_reasoning_structured_output_and_what_is_wrong(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        async with api.responses.stream(model="default", input="think") as stream:
            thought: Any = (await stream.get_final_response()).output
        items: Any = [{"role": "user", "content": "think"}, *thought, {"role": "user", "content": "chat"}]
        assert (await api.responses.create(model="default", input=items)).status == "completed"
        parsed = await api.responses.parse(model="default", input="json", text_format=Sum)
        refusals: tuple[tuple[dict[str, Any], str], ...] = (
            ({"previous_response_id": "resp_1"}, "previous_response_id"),
            ({"temperature": 2.5}, "temperature"),
            ({"input": []}, "input"),
        )
        for members, param in refusals:
            with pytest.raises(openai.BadRequestError) as refused:
                await api.responses.create(**{"model": "default", "input": "chat", **members})
            assert refused.value.param == param
        with pytest.raises(openai.APIError):
            async for _ in await api.responses.create(model="default", input="cut", stream=True):
                pass
    assert thought[0].summary[0].text == "Two and two."
    assert parsed.output_parsed == Sum(answer=4)


class Vectors:
    """Answers every request for embeddings alike."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def post(self, body: bytes) -> bytes:
        self.asked.append(body)
        return b'{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}'


async def test_embeddings_pass_to_their_backend_as_they_are() -> None:
    vectors = Vectors()
    desk: Any = FakeDesk()
    app = FacesApp(desk, RunningCalls(), max_body_bytes=1000, embeddings=vectors)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://frontdesk") as http:
        asked = await http.post("/v1/embeddings", content=b'{"model": "m", "input": "a", "dimensions": 1}')
        wrong = await http.post("/v1/embeddings", content=b"[]")
    assert asked.json()["data"][0]["embedding"] == [0.5]
    assert vectors.asked == [b'{"model": "m", "input": "a", "dimensions": 1}']
    assert wrong.status_code == 400


class NoVectors:
    """Never answers."""

    async def post(self, body: bytes) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError


async def test_embeddings_are_waited_for_as_long_as_their_caller_waits() -> None:
    desk: Any = FakeDesk()
    app = FacesApp(desk, RunningCalls(), max_body_bytes=1000, embeddings=NoVectors())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://frontdesk") as http:
        late = await http.post("/v1/embeddings", json={"input": "a"}, headers={"x-frontdesk-timeout-ms": "50"})
    assert (late.status_code, late.json()["error"]["code"]) == (504, "DEADLINE_EXCEEDED")


async def test_without_a_backend_there_are_no_embeddings(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        with pytest.raises(openai.NotFoundError):
            await api.embeddings.create(model="m", input="a")


@pytest.mark.parametrize(
    ("backend", "fault"),
    [("nobody", "no backend is named 'nobody'; there are upstream"), ("upstream", "upstream is no openai backend")],
)
async def test_embeddings_need_a_backend_that_has_them(backend: str, fault: str, tmp_path: Path) -> None:
    config = pool_config("http://127.0.0.1:1/v1", server={"http": {"embeddings_backend": backend}})
    config["backends"]["upstream"] = {"kind": "simulated"}
    with pytest.raises(ConfigError, match=fault):
        async with faces(config, tmp_path):
            pass
