"""The embedded backend."""

from __future__ import annotations

import json
from typing import Any

import pytest
from frontdesk_server.backends import build_backend
from frontdesk_server.backends.json_sample import sample_json
from frontdesk_server.backends.simulated import Pace, SimulatedBackend
from frontdesk_server.backends.simulated_answer import compose
from frontdesk_server.config.pool import SimulatedBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamFailed, UpstreamRequestRefused
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    Message,
    Query,
    ReasoningEffort,
    Role,
    TextPart,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    text_query,
)
from frontdesk_server.domain.usage import FinishReason
from hypothesis import given
from hypothesis import strategies as st

from tests.sink import each

CONFIG = SimulatedBackendConfig(kind="simulated", time_to_first_token_ms=80, output_tokens_per_second=100)
ADD = Tool("add", parameters_json='{"type": "object", "properties": {"a": {"type": "integer"}}}')


class Sleeper:
    """Remembers how long it was to sleep, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


async def answer(query: Query, *, stream: bool = True, **options: Any) -> list[BackendEvent]:
    backend = SimulatedBackend("sim", CONFIG, **{"sleep": Sleeper(), **options})
    return [event async for event in each(backend.stream(BackendCall("small-llm", query, stream)))]


def text_of(events: list[BackendEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def end_of(events: list[BackendEvent]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


async def test_an_answer_says_that_it_is_simulated_and_takes_the_query_up() -> None:
    text = text_of(await answer(text_query("What is 2 + 2?")))
    assert text.startswith("[simulated small-llm]")
    assert "What is 2 + 2?" in text


async def test_the_same_query_has_the_same_answer_streamed_and_unary() -> None:
    streamed, unary = await answer(text_query("Hi")), await answer(text_query("Hi"), stream=False)
    assert text_of(streamed) == text_of(unary)
    assert end_of(streamed) == end_of(unary)
    assert sum(isinstance(event, TextDelta) for event in unary) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_it_keeps_its_pace(stream: bool) -> None:
    sleeper = Sleeper()
    events = await answer(text_query("Hi"), stream=stream, sleep=sleeper)
    tokens = end_of(events).usage.output_tokens
    assert tokens is not None
    assert sleeper.slept[0] == 0.08
    assert sum(sleeper.slept[1:]) == pytest.approx(tokens / 100, abs=0.021)
    assert len(sleeper.slept) <= tokens


async def test_a_model_of_its_own_pace_keeps_that() -> None:
    sleeper = Sleeper()
    await answer(text_query("Hi"), sleep=sleeper, paces={"small-llm": Pace(300, 1e9)})
    assert sleeper.slept == [0.3]


def test_models_announce_their_pace_through_the_pool() -> None:
    model = Model("small-llm", (Deployment("sim", "tiny"),), 8192, time_to_first_token_ms=90)
    backend = build_backend("sim", CONFIG, {"small-llm": model})
    assert isinstance(backend, SimulatedBackend)
    assert backend.paces == {"tiny": Pace(90, 100)}


@given(asked=st.text(max_size=400), expected=st.integers(15, 3200))
def test_an_answer_is_about_as_long_as_is_expected_of_it(asked: str, expected: int) -> None:
    taken = compose("small-llm", text_query(asked), expected=expected).usage.output_tokens
    assert taken is not None
    assert expected / 2 <= taken <= expected * 2


async def test_a_limit_of_tokens_is_honoured() -> None:
    events = await answer(text_query("Hi", GenerationConfig(max_output_tokens=5)))
    assert (end_of(events).finish_reason, end_of(events).usage.output_tokens) == (FinishReason.LENGTH, 5)


async def test_stop_sequences_are_honoured() -> None:
    events = await answer(text_query("Hi", GenerationConfig(stop_sequences=("never", " asked"))))
    assert text_of(events) == "[simulated small-llm] You"
    assert end_of(events).finish_reason is FinishReason.STOP


async def test_logprobs_are_one_a_token_and_repeatable() -> None:
    query = text_query("Hi", GenerationConfig(logprobs=True, top_logprobs=2))
    events = await answer(query)
    logprobs = [logprob for event in events if isinstance(event, TextDelta) for logprob in event.logprobs]
    assert "".join(logprob.token for logprob in logprobs) == text_of(events)
    assert all(logprob.logprob <= 0 and len(logprob.top) == 2 for logprob in logprobs)
    assert events == await answer(query)


async def test_reasoning_comes_when_asked_for_and_is_counted() -> None:
    events = await answer(text_query("Hi", GenerationConfig(reasoning_effort=ReasoningEffort.LOW)))
    assert isinstance(events[0], ReasoningDelta)
    assert end_of(events).usage.reasoning_tokens


async def test_json_is_answered_when_asked_for() -> None:
    as_object = await answer(text_query("Hi", GenerationConfig(response_format=JsonObjectFormat())))
    assert json.loads(text_of(as_object))["simulated"] is True
    schema = JsonSchemaFormat("s", '{"type": "object", "properties": {"n": {"type": "integer"}}}')
    assert json.loads(text_of(await answer(text_query("Hi", GenerationConfig(response_format=schema))))) == {"n": 0}


@pytest.mark.parametrize("choice", [ToolChoice(ToolChoiceMode.REQUIRED), ToolChoice(tool_name="add")])
async def test_a_demanded_tool_is_called(choice: ToolChoice) -> None:
    query = Query((Message(Role.USER, (TextPart("2 + 2?"),)),), (ADD,), choice)
    events = await answer(query)
    (call,) = (event for event in events if isinstance(event, ToolCallDelta))
    assert (call.name, json.loads(call.arguments_json)) == ("add", {"a": 0})
    assert call.id
    assert (text_of(events), end_of(events).finish_reason) == ("", FinishReason.TOOL_CALLS)


async def test_a_tools_result_is_taken_up() -> None:
    result = Message(Role.TOOL, (ToolResult("1", "the sum is 4"),))
    assert "the sum is 4" in text_of(await answer(Query((result,), (ADD,), ToolChoice(ToolChoiceMode.AUTO))))


@pytest.mark.parametrize(("rate", "failures"), [(0.0, 0), (0.25, 5), (1.0, 20)])
async def test_the_configured_share_of_calls_fails_evenly(rate: float, failures: int) -> None:
    backend = SimulatedBackend("sim", CONFIG.model_copy(update={"error_rate": rate}), sleep=Sleeper())
    failed = 0
    for _ in range(20):
        try:
            async for _batch in backend.stream(BackendCall("m", text_query("Hi"), True)):
                pass
        except UpstreamFailed:
            failed += 1
    assert failed == failures


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "simulated"),
        ({"type": "string", "minLength": 12, "maxLength": 12}, "simulated..."),
        ({"type": "string", "maxLength": 3}, "sim"),
        ({"type": "string", "format": "date"}, "2000-01-01"),
        ({"type": ["integer", "null"], "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "minimum": 1, "multipleOf": 5}, 5),
        ({"type": "number", "exclusiveMaximum": 1}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, 0),
        (
            {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"const": 1}}}]},
            {"a": 0, "b": 1},
        ),
        ({"allOf": [{"$ref": "#/$defs/n"}], "$defs": {"n": {"type": "integer"}}}, 0),
        ({}, "simulated"),
    ],
)
def test_sampled_json_satisfies_its_schema(schema: dict[str, Any], expected: Any) -> None:
    assert json.loads(sample_json(json.dumps(schema))) == expected


def test_a_recursive_schema_ends() -> None:
    node = {"type": "object", "properties": {"left": {"$ref": "#/$defs/n"}, "right": {"$ref": "#/$defs/n"}}}
    tree = json.loads(sample_json(json.dumps({**node, "$defs": {"n": node}})))
    assert tree["left"]["right"]


@pytest.mark.parametrize(
    "schema",
    [
        "not json",
        '{"enum": 3}',
        '{"$ref": "#/nowhere"}',
        '{"allOf": [{"$ref": "#"}]}',
        '{"type": "string", "minLength": 1000000000}',
        '{"type": "array", "minItems": 1000000000}',
        '{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]}',
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(schema: str) -> None:
    with pytest.raises(UpstreamRequestRefused):
        sample_json(schema)
