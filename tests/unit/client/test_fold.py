"""A stream folds to what `Complete` would have returned."""

from __future__ import annotations

import pytest
from frontdesk import FrontdeskError, text_of
from frontdesk._fold import Fold
from frontdesk.events import AttemptEnded, AttemptStarted, Completed, Event, ReasoningDelta, Started, TextDelta
from frontdesk.v1.chat_pb2 import FINISH_REASON_STOP, ContentPart, Reasoning, TokenLogprob, ToolCall, Usage
from frontdesk.v1.router_service_pb2 import CompleteResponse, ToolCallDelta
from frontdesk.v1.routing_pb2 import Attempt, Cost, Decision


def folded(*events: Event) -> CompleteResponse:
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.response()


STARTED = Started(completion_id="1", decision=Decision(decision_id="1", model="small"))
COMPLETED = Completed(
    model="small",
    finish_reason=FINISH_REASON_STOP,
    usage=Usage(output_tokens=2),
    cost=Cost(total_nano_usd=7),
    attempts=[Attempt(model="small")],
)


def test_deltas_join_to_parts_in_order() -> None:
    completion = folded(
        STARTED,
        AttemptStarted(model="small"),
        ReasoningDelta(text="let "),
        ReasoningDelta(text="me see", signature="s"),
        TextDelta(text="Hello", logprobs=[TokenLogprob(token="Hello", logprob=-1)]),
        TextDelta(text=", world"),
        ToolCallDelta(index=0, id="a", name="f", arguments_json='{"x"'),
        ToolCallDelta(index=1, id="b", name="g"),
        ToolCallDelta(index=0, arguments_json=": 1}"),
        COMPLETED,
    )
    assert list(completion.message.parts) == [
        ContentPart(reasoning=Reasoning(text="let me see", signature="s")),
        ContentPart(text="Hello, world"),
        ContentPart(tool_call=ToolCall(id="a", name="f", arguments_json='{"x": 1}')),
        ContentPart(tool_call=ToolCall(id="b", name="g", arguments_json="{}")),
    ]
    assert [entry.token for entry in completion.logprobs] == ["Hello"]
    assert (completion.completion_id, completion.decision.model, completion.model) == ("1", "small", "small")
    assert (completion.finish_reason, completion.usage.output_tokens) == (FINISH_REASON_STOP, 2)
    assert (completion.cost.total_nano_usd, len(completion.attempts)) == (7, 1)


def test_deltas_of_another_attempt_never_mix_in() -> None:
    completion = folded(
        STARTED,
        AttemptStarted(model="small"),
        TextDelta(text="wrong", logprobs=[TokenLogprob(token="wrong")]),
        AttemptEnded(attempt=Attempt(model="small"), next_model="large", superseded=True),
        AttemptStarted(model="large"),
        TextDelta(text="right"),
    )
    assert (completion.model, text_of(completion.message)) == ("large", "right")
    assert not completion.logprobs
    assert [attempt.model for attempt in completion.attempts] == ["small"]


def test_an_attempt_that_ends_beside_another_leaves_that_one_to_speak() -> None:
    completion = folded(
        STARTED,
        AttemptStarted(model="small"),
        AttemptStarted(index=1, model="large"),
        AttemptEnded(attempt=Attempt(index=1, model="large"), next_model="small"),
        TextDelta(text="right"),
    )
    assert (completion.model, text_of(completion.message)) == ("small", "right")


def test_asking_in_between_changes_nothing() -> None:
    fold = Fold()
    for event in (STARTED, AttemptStarted(model="small"), TextDelta(text="a")):
        fold.add(event)
    fold.response().message.parts[0].text = "changed"
    fold.add(TextDelta(text="b"))
    assert text_of(fold.response().message) == "ab"


def test_a_stream_without_its_last_event_is_no_completion() -> None:
    fold = Fold()
    fold.add(STARTED)
    with pytest.raises(FrontdeskError, match="STREAM_CUT"):
        fold.raise_unless_complete()
    fold.add(COMPLETED)
    fold.raise_unless_complete()
