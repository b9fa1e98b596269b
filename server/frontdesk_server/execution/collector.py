"""Folds an answer's deltas into the whole answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.events import Delta, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.query import ContentPart, Message, ReasoningPart, Role, TextPart, ToolCall
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage

_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class _CallPieces:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class AnswerCollector:
    """Collects the deltas of one attempt."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[ReasoningDelta] = []
        self._calls: dict[int, _CallPieces] = {}
        self._logprobs: list[TokenLogprob] = []
        self._characters = 0

    def add(self, delta: Delta) -> None:
        """Take one delta."""
        match delta:
            case TextDelta(text, logprobs):
                self._text.append(text)
                self._logprobs.extend(logprobs)
                self._characters += len(text)
            case ToolCallDelta(index, id_, name, arguments_json):
                call = self._calls.setdefault(index, _CallPieces())
                call.id = call.id or id_
                call.name = call.name or name
                call.arguments.append(arguments_json)
                self._characters += len(name) + len(arguments_json)
            case ReasoningDelta(text):
                self._reasoning.append(delta)
                self._characters += len(text)

    @property
    def tokens(self) -> int:
        """Tokens so far: counted where logprobs tell, else estimated at four characters each."""
        return max(len(self._logprobs), -(-self._characters // _CHARACTERS_PER_TOKEN))

    def answer(self, finish_reason: FinishReason, usage: Usage, upstream_model: str = "") -> Answer:
        """The answer so far, as a whole."""
        return Answer(
            Message(Role.ASSISTANT, tuple(self._parts())), finish_reason, usage, tuple(self._logprobs), upstream_model
        )

    def _parts(self) -> list[ContentPart]:
        parts: list[ContentPart] = []
        if self._reasoning:
            parts.append(
                ReasoningPart(
                    text="".join(piece.text for piece in self._reasoning),
                    signature="".join(piece.signature for piece in self._reasoning),
                    redacted_data="".join(piece.redacted_data for piece in self._reasoning),
                )
            )
        if self._text:
            parts.append(TextPart("".join(self._text)))
        for _, call in sorted(self._calls.items()):
            parts.append(ToolCall(call.id, call.name, "".join(call.arguments) or "{}"))
        return parts
