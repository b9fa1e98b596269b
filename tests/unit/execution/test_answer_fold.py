"""The parts of an answer, whatever pieces they come in; the server and its Python client read them alike."""

from __future__ import annotations

from frontdesk._fold import Fold
from frontdesk.events import AttemptStarted, Started, event_of
from frontdesk_server.domain.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.query import ContentPart, Message, ReasoningPart, Role, TextPart, ToolCall
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.answer_fold import AnswerFold
from frontdesk_server.rpc.encode_events import encode_event
from frontdesk_server.rpc.encode_messages import encode_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blocks import deltas_of, parts_of_an_answer


def collected(deltas: list[Delta]) -> tuple[ContentPart, ...]:
    collector = AnswerFold()
    for delta in deltas:
        collector.add(delta)
    return collector.answer(FinishReason.STOP, Usage()).message.parts


def folded(deltas: list[Delta]) -> object:
    fold = Fold()
    fold.add(Started())
    fold.add(AttemptStarted())
    for delta in deltas:
        event = event_of(encode_event(delta))
        assert event is not None
        fold.add(event)
    return fold.response().message


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_blocks_in_any_pieces_come_to_the_same_parts(data: st.DataObject) -> None:
    parts = data.draw(parts_of_an_answer())
    deltas = data.draw(deltas_of(parts))
    assert collected(deltas) == parts
    assert folded(deltas) == encode_message(Message(Role.ASSISTANT, parts))


def test_blocks_of_one_kind_stay_apart_with_their_signatures() -> None:
    deltas: list[Delta] = [
        ReasoningDelta("first", "s1"),
        ReasoningDelta(redacted_data="sealed", part=1),
        ReasoningDelta("second", part=2),
        TextDelta("Hm.", part=3),
        ToolCallDelta(0, "a", "f", part=4),
        ReasoningDelta(signature="s2", part=2),
        TextDelta(" So.", part=5),
    ]
    assert collected(deltas) == (
        ReasoningPart("first", "s1"),
        ReasoningPart(redacted_data="sealed"),
        ReasoningPart("second", "s2"),
        TextPart("Hm."),
        ToolCall("a", "f", "{}"),
        TextPart(" So."),
    )
