"""Hypothesis strategies for the structure of an answer: any sequence of blocks, cut in any pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from frontdesk_server.domain.events import (
    CitationDelta,
    Delta,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from frontdesk_server.domain.provider import Citation, ProviderBlock, ProviderState
from frontdesk_server.domain.query import ContentPart, ProviderPart, ReasoningPart, TextPart, ToolCall
from hypothesis import strategies as st

_TEXT = st.text(min_size=1, max_size=8)
_ARGUMENTS = ("{}", '{"city":"Köln"}', '{"a":[1,{"b":"😀"}]}')


def parts_of_an_answer() -> st.SearchStrategy[tuple[ContentPart, ...]]:
    """Parts as models give them: every kind, any number of each, in any order; ids of calls differ."""
    one = st.one_of(
        st.builds(TextPart, _TEXT, st.booleans()),
        st.builds(ReasoningPart, _TEXT, st.one_of(st.just(""), _TEXT)),
        st.builds(lambda signature: ReasoningPart(signature=signature), _TEXT),
        st.builds(lambda data: ReasoningPart(redacted_data=data), _TEXT),
        st.builds(lambda json: ProviderPart(ProviderBlock("anthropic", json)), st.sampled_from(_ARGUMENTS)),
        st.builds(lambda name, arguments: ToolCall("", name, arguments), _TEXT, st.sampled_from(_ARGUMENTS)),
    )
    return st.lists(st.tuples(one, st.booleans()).map(_with_more), max_size=8).map(_with_ids)


def _with_more(drawn: tuple[ContentPart, bool]) -> ContentPart:
    """Every other part has state, and sources where it is text."""
    part, more = drawn
    if not more:
        return part
    part = replace(part, provider_state=(ProviderState("openai", '{"a":1}'), ProviderState("anthropic", "{}")))
    return replace(part, citations=(Citation("https://e.org", "t"),)) if isinstance(part, TextPart) else part


def _with_ids(parts: Sequence[ContentPart]) -> tuple[ContentPart, ...]:
    return tuple(
        replace(part, id=f"call-{place}") if isinstance(part, ToolCall) else part for place, part in enumerate(parts)
    )


def cut(text: str) -> st.SearchStrategy[list[str]]:
    """The text in pieces, none of them empty."""
    places = st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)
    return places.map(lambda ends: [piece for piece in _between(text, sorted(ends)) if piece])


def _between(text: str, ends: list[int]) -> list[str]:
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


@st.composite
def deltas_of(draw: st.DrawFn, parts: Sequence[ContentPart]) -> list[Delta]:
    """The parts in pieces. Pieces of one part keep their order; pieces of different parts may alternate."""
    queues: list[list[Delta]] = []
    calls = 0
    for place, part in enumerate(parts):
        match part:
            case TextPart(text, refusal):
                queues.append([TextDelta(piece, part=place, refusal=refusal) for piece in draw(cut(text))])
            case ReasoningPart(text, signature, redacted_data):
                pieces: list[Delta] = [ReasoningDelta(piece, part=place) for piece in draw(cut(text))]
                pieces += [ReasoningDelta(signature=piece, part=place) for piece in draw(cut(signature))]
                pieces += [ReasoningDelta(redacted_data=piece, part=place) for piece in draw(cut(redacted_data))]
                queues.append(pieces)
            case ToolCall(id, name, arguments):
                queues.append([ToolCallDelta(calls, id, name, part=place)])
                queues[-1] += [ToolCallDelta(calls, arguments_json=p, part=place) for p in draw(cut(arguments))]
                calls += 1
            case ProviderPart(block):
                queues.append([ProviderBlockDelta(block, place)])
        queues[-1] += [ProviderStateDelta(state, place) for state in part.provider_state]
        if isinstance(part, TextPart):
            queues[-1] += [CitationDelta(citation, place) for citation in part.citations]
    deltas: list[Delta] = []
    while waiting := [queue for queue in queues if queue]:
        deltas.append(draw(st.sampled_from(waiting)).pop(0))
    return deltas
