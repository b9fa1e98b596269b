"""What one network read brought, as few events: neighbouring pieces of one part leave as one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace

from frontdesk_server.backends.halves import REPLACEMENT, HalfCharacters
from frontdesk_server.backends.json_reading import Json, json_text
from frontdesk_server.domain.events import (
    BackendEvent,
    CitationDelta,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from frontdesk_server.domain.provider import Citation, ProviderBlock, ProviderState
from frontdesk_server.domain.usage import TokenLogprob


class EventFold:
    """Collects pieces in order and numbers the parts that they belong to by their first pieces.

    A `block` is the number, or several, that the dialect itself gives to the part, where it does. Without one,
    neighbouring text is one part, and so is neighbouring reasoning; every tool call is one. Nothing is held back beyond
    one read but logprobs whose text is still to come, and the first half of a character. What only the provider
    understands is bound to its `dialect`.
    """

    def __init__(self, dialect: str = "") -> None:
        self._dialect = dialect
        self._events: list[BackendEvent] = []
        self._texts: list[str] = []
        self._text_part = 0
        self._refusal = False
        self._logprobs: list[TokenLogprob] = []
        self._halves = HalfCharacters()
        self._places: dict[Hashable, int] = {}
        self._begun = 0
        self._last: Hashable = None

    def start_block(self, block: Hashable) -> None:
        """Let the next piece of this block begin a new part: there are upstreams that give all blocks one number."""
        self._places.pop(block, None)
        self._last = None

    def add_text(self, text: str, block: Hashable = None, *, refusal: bool = False) -> None:
        """Append a piece of the answer."""
        kind = "refusal" if refusal else "text"
        part = self._place(kind if block is None else block, numbered=block is not None)
        if part != self._text_part or refusal != self._refusal:
            self._flush_text()
            self._text_part, self._refusal = part, refusal
        self._texts.append(text)

    def add_logprobs(self, logprobs: Iterable[TokenLogprob]) -> None:
        """Append logprobs of text; a token that ends inside a character has its own before its text."""
        self._logprobs.extend(logprobs)

    def add(self, event: BackendEvent, block: Hashable = None) -> None:
        """Append anything but text; the place of a delta is set here."""
        self._flush_text()
        match event:
            case ReasoningDelta(text):
                part = self._place("reasoning" if block is None else block, numbered=block is not None)
                dialect = self._dialect if event.signature or event.redacted_data else ""
                event = replace(event, text=self._halves.join(("reasoning", part), text), part=part, dialect=dialect)
            case ToolCallDelta(index, arguments_json=arguments):
                part = self._place(("call", index), numbered=True)
                event = replace(event, arguments_json=self._halves.join((index, part), arguments), part=part)
        last = self._events[-1] if self._events else None
        match last, event:
            case _, ReasoningDelta("", "", "") | ToolCallDelta(_, "", "", ""):
                pass  # half a character
            case ReasoningDelta(before, "", "", part), ReasoningDelta(text, _, "", same) if same == part:
                self._events[-1] = replace(event, text=before + text)
            case ToolCallDelta(index, id, name, before, part), ToolCallDelta(same, "", "", more) if same == index:
                self._events[-1] = ToolCallDelta(index, id, name, before + more, part)
            case _:
                self._events.append(event)

    def add_block(self, block: Json, number: Hashable = None) -> None:
        """Append a whole part that only the provider understands."""
        self._flush_text()
        part = self._place(("block", self._begun) if number is None else number, numbered=True)
        self._events.append(ProviderBlockDelta(ProviderBlock(self._dialect, json_text(block)), part))

    def add_state(self, state: Json, key: Hashable = None) -> None:
        """Append what the provider wants back with a part, if it holds anything, or with the message."""
        self._flush_text()
        part = self._places.get(key)
        if key is None or part is not None:
            self._events.append(ProviderStateDelta(ProviderState(self._dialect, json_text(state)), part))

    def add_citation(self, citation: Citation, key: Hashable = "text") -> None:
        """Append a source of a text, if there is any text."""
        self._flush_text()
        part = self._places.get(key)
        if part is not None:
            self._events.append(CitationDelta(citation, part))

    def end(self) -> None:
        """The answer is over: a half whose other half never came is replaced."""
        self._flush_text()
        for kind, part in self._halves.alone():
            match kind:
                case "text":
                    self._events.append(TextDelta(REPLACEMENT, part=part))
                case "reasoning":
                    self._events.append(ReasoningDelta(REPLACEMENT, part=part))
                case int() as index:
                    self._events.append(ToolCallDelta(index, arguments_json=REPLACEMENT, part=part))

    def take(self) -> list[BackendEvent]:
        """Everything since the last time, in order."""
        self._flush_text()
        events, self._events = self._events, []
        return events

    def _flush_text(self) -> None:
        if not self._texts:
            return
        text = self._halves.join(("text", self._text_part), "".join(self._texts))
        self._texts.clear()
        if text:
            self._events.append(TextDelta(text, tuple(self._logprobs), self._text_part, self._refusal))
            self._logprobs.clear()

    def _place(self, key: Hashable, *, numbered: bool) -> int:
        """The place of the part; what has no number of its own begins a new part after anything else."""
        if key != self._last:
            self._last = key
            if key not in self._places or not numbered:
                self._places[key] = self._begun
                self._begun += 1
        return self._places[key]
