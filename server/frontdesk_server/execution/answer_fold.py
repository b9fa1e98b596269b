"""Folds an answer's deltas into the whole answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import itemgetter

from frontdesk_server.domain.attempt import Answer
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
from frontdesk_server.domain.query import ContentPart, Message, ProviderPart, ReasoningPart, Role, TextPart, ToolCall
from frontdesk_server.domain.tokens import TokenCount, estimate_tokens, sealed_tokens
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage


@dataclass(slots=True)
class _CallPieces:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class AnswerFold:
    """Collects the deltas of one attempt, part by part."""

    def __init__(self) -> None:
        self._reasoning: dict[int, list[ReasoningDelta]] = {}
        self._texts: dict[int, list[str]] = {}
        self._refusals: set[int] = set()
        self._calls: dict[tuple[int, int], _CallPieces] = {}
        self._blocks: dict[int, ProviderBlock] = {}
        self._state: dict[int | None, list[ProviderState]] = {}
        self._citations: dict[int, list[Citation]] = {}
        self._logprobs: list[TokenLogprob] = []
        self._count = TokenCount()
        self._sealed = False

    def add(self, delta: Delta) -> None:
        """Take one delta."""
        match delta:
            case TextDelta(text, logprobs, part, refusal):
                if refusal:
                    self._refusals.add(part)
                self._texts.setdefault(part, []).append(text)
                self._logprobs.extend(logprobs)
                self._count.add(text)
            case ToolCallDelta(index, id_, name, arguments_json, part):
                call = self._calls.setdefault((part, index), _CallPieces())
                call.id = call.id or id_
                call.name = call.name or name
                call.arguments.append(arguments_json)
                self._count.add(name + arguments_json)
            case ProviderBlockDelta(block, part):
                self._blocks[part] = block
            case ProviderStateDelta(state, place):
                self._state.setdefault(place, []).append(state)
            case CitationDelta(citation, part):
                self._citations.setdefault(part, []).append(citation)
            case ReasoningDelta(text):
                self._reasoning.setdefault(delta.part, []).append(delta)
                self._sealed = self._sealed or bool(delta.signature or delta.redacted_data)
                self._count.add(text)

    @property
    def tokens(self) -> int:
        """Tokens so far: counted where logprobs tell, else estimated by their script."""
        return max(len(self._logprobs), self._count.tokens)

    @property
    def sealed_tokens(self) -> int:
        """Tokens of reasoning that came encrypted, by its size, as far as its text did not come, too."""
        if not self._sealed:
            return 0
        hidden = 0
        for pieces in self._reasoning.values():
            shown = estimate_tokens("".join(piece.text for piece in pieces))
            sealed = sealed_tokens(sum(len(piece.signature) + len(piece.redacted_data) for piece in pieces))
            hidden += max(0, sealed - shown)
        return hidden

    def answer(self, finish_reason: FinishReason, usage: Usage, upstream_model: str = "") -> Answer:
        """The answer so far, as a whole."""
        message = Message(Role.ASSISTANT, tuple(self._parts()), provider_state=tuple(self._state.get(None, ())))
        return Answer(message, finish_reason, usage, tuple(self._logprobs), upstream_model)

    def _parts(self) -> list[ContentPart]:
        """By their places; of one place, which no server of ours fills twice, reasoning first and blocks last."""
        placed: list[tuple[tuple[int, int, int], ContentPart]] = []
        for part, pieces in self._reasoning.items():
            placed.append(((part, 0, 0), _reasoning(pieces)))
        for part, texts in self._texts.items():
            citations = tuple(self._citations.get(part, ()))
            placed.append(((part, 1, 0), TextPart("".join(texts), part in self._refusals, citations)))
        for (part, index), call in self._calls.items():
            placed.append(((part, 2, index), ToolCall(call.id, call.name, "".join(call.arguments) or "{}")))
        placed += (((part, 3, 0), ProviderPart(block)) for part, block in self._blocks.items())
        return [self._with_state(part, place[0]) for place, part in sorted(placed, key=itemgetter(0))]

    def _with_state(self, part: ContentPart, place: int) -> ContentPart:
        state = self._state.get(place)
        return part if state is None else replace(part, provider_state=tuple(state))


def _reasoning(pieces: list[ReasoningDelta]) -> ReasoningPart:
    return ReasoningPart(
        text="".join(piece.text for piece in pieces),
        signature="".join(piece.signature for piece in pieces),
        redacted_data="".join(piece.redacted_data for piece in pieces),
        dialect=next((piece.dialect for piece in pieces if piece.dialect), ""),
    )
