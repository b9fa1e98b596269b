"""Hypothesis strategies for whole conversations: every role and part, tool loops as they are met in the field.

Ids repeat and are odd, results come late, twice, out of order or never, users speak in between, texts are blank,
reasoning is unsigned, signed or redacted, arguments are broken: all that the contract allows.
"""

from __future__ import annotations

from typing import Any

from frontdesk.v1 import chat_pb2 as pb
from hypothesis import strategies as st

_TEXTS = st.sampled_from(["", " ", "\n\t", "Hello", "Grüße, 漢", "Two\nlines", " padded "])
_NAMES = st.sampled_from(["", "", "", "ann", "Anna Müller", "a<b>|c/d\\e", "n" * 70])
_IDS = st.sampled_from(
    ["0", "1", "list_dir:0", "functions.get_weather:0", "toolu_01AbC", "call_1", "aB3dE6gH9", "a b", "é", "i" * 70]
)
_TOOLS = st.sampled_from(["get_weather", "list_dir", "functions.search", "tool with spaces", "t" * 80])
_ARGUMENTS = st.sampled_from(["", "{}", '{"city": "Rome"}', "[1]", "null", '{"city": "Ro', "plain"])
_EFFORTS = (pb.REASONING_EFFORT_LOW, pb.REASONING_EFFORT_MEDIUM, pb.REASONING_EFFORT_HIGH)


@st.composite
def queries(draw: st.DrawFn) -> pb.Query:
    """Queries whose histories the contract allows, with settings that may contradict them at some providers."""
    history = _History(draw)
    for _ in range(draw(st.integers(0, 9))):
        draw(st.sampled_from([history.system, history.user, history.assistant, history.assistant, history.results]))()
    if history.known and draw(st.sampled_from([True, False])):
        history.results()
    else:
        history.user()
    names = draw(st.lists(st.sampled_from(["get_weather", "list_dir", "other"]), unique=True, max_size=3))
    choices: list[pb.ToolChoice | None] = [None]
    if names:
        modes = [pb.ToolChoice.MODE_AUTO, pb.ToolChoice.MODE_NONE, pb.ToolChoice.MODE_REQUIRED]
        choices += [pb.ToolChoice(tool_name=names[0]), *(pb.ToolChoice(mode=mode) for mode in modes)]
    return pb.Query(
        messages=history.messages,
        tools=[pb.Tool(name=name) for name in names],
        tool_choice=draw(st.sampled_from(choices)),
        generation=draw(_settings()),
    )


class _History:
    """A conversation as it grows; `known` are the ids that a result may answer."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.messages: list[pb.Message] = []
        self.known: list[str] = []
        self._draw = draw
        self._of_turn: set[str] = set()

    def system(self) -> None:
        self._say(pb.ROLE_SYSTEM, [pb.ContentPart(text=text) for text in self._draw(_some(_TEXTS))])

    def user(self) -> None:
        self._say(pb.ROLE_USER, self._draw(_some(st.one_of(_TEXTS.map(_text), _media()))))

    def assistant(self) -> None:
        if not self.messages or self.messages[-1].role != pb.ROLE_ASSISTANT:
            self._of_turn.clear()
        parts = self._draw(st.lists(st.one_of(_TEXTS.map(_text), _reasoning(), _calls(), _calls()), max_size=4))
        kept = []
        for part in parts:
            if part.HasField("tool_call"):
                if part.tool_call.id in self._of_turn:
                    continue
                self._of_turn.add(part.tool_call.id)
                self.known.append(part.tool_call.id)
            kept.append(part)
        self._say(pb.ROLE_ASSISTANT, kept)

    def results(self) -> None:
        if not self.known:
            return
        recent = st.sampled_from(self.known[-3:]) | st.sampled_from(self.known)
        for answered in self._draw(st.lists(st.lists(recent, min_size=1, max_size=3), min_size=1, max_size=2)):
            parts = [
                pb.ContentPart(
                    tool_result=pb.ToolResult(
                        tool_call_id=call_id, content=self._draw(_TEXTS), is_error=self._draw(st.booleans())
                    )
                )
                for call_id in answered
            ]
            self._say(pb.ROLE_TOOL, parts)

    def _say(self, role: pb.Role.ValueType, parts: list[pb.ContentPart]) -> None:
        self.messages.append(pb.Message(role=role, parts=parts, name=self._draw(_NAMES)))


def _text(text: str) -> pb.ContentPart:
    return pb.ContentPart(text=text)


def _some(element: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, min_size=1, max_size=3)


def _media() -> st.SearchStrategy[pb.ContentPart]:
    kinds = st.sampled_from(["image/png", "image/jpeg", "application/pdf"])
    data = kinds.map(lambda kind: pb.Media(mime_type=kind, data=b"\x00"))
    uri = st.just(pb.Media(mime_type="image/png", uri="https://example.org/a.png"))
    return st.one_of(data, uri).map(lambda media: pb.ContentPart(media=media))


def _reasoning() -> st.SearchStrategy[pb.ContentPart]:
    unsigned = _TEXTS.map(lambda text: pb.Reasoning(text=text))
    signed = _TEXTS.map(lambda text: pb.Reasoning(text=text, signature="c2ln"))
    redacted = st.just(pb.Reasoning(redacted_data="ZGF0YQ"))
    return st.one_of(unsigned, signed, redacted).map(lambda reasoning: pb.ContentPart(reasoning=reasoning))


def _calls() -> st.SearchStrategy[pb.ContentPart]:
    calls = st.builds(pb.ToolCall, id=_IDS, name=_TOOLS, arguments_json=_ARGUMENTS)
    return calls.map(lambda call: pb.ContentPart(tool_call=call))


def _settings() -> st.SearchStrategy[pb.GenerationConfig]:
    fields: dict[str, st.SearchStrategy[Any]] = {
        "max_output_tokens": st.sampled_from([1, 1024, 1025, 4000, 100_000]),
        "temperature": st.sampled_from([0.0, 0.7, 1.0, 1.5]),
        "top_p": st.sampled_from([0.5, 0.95, 1.0]),
        "stop_sequences": st.lists(st.sampled_from(["END", "\n", "  "]), max_size=2),
        "reasoning_effort": st.sampled_from(_EFFORTS),
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: pb.GenerationConfig(**values))
