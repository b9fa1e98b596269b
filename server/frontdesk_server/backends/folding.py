"""What one network read brought, as few events: neighbouring pieces of one kind leave as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frontdesk_server.domain.events import BackendEvent, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.usage import TokenLogprob


class EventFold:
    """Collects pieces in order. Nothing is held back beyond one read but logprobs whose text is still to come."""

    def __init__(self) -> None:
        self._events: list[BackendEvent] = []
        self._texts: list[str] = []
        self._logprobs: list[TokenLogprob] = []

    def add_text(self, text: str) -> None:
        """Append a piece of the answer."""
        self._texts.append(text)

    def add_logprobs(self, logprobs: Iterable[TokenLogprob]) -> None:
        """Append logprobs of text; a token that ends inside a character has its own before its text."""
        self._logprobs.extend(logprobs)

    def add(self, event: BackendEvent) -> None:
        """Append anything but text."""
        self._flush_text()
        last = self._events[-1] if self._events else None
        match last, event:
            case ReasoningDelta(before, "", ""), ReasoningDelta(text, signature, ""):
                self._events[-1] = ReasoningDelta(before + text, signature)
            case ToolCallDelta(index, id, name, before), ToolCallDelta(same, "", "", more) if same == index:
                self._events[-1] = ToolCallDelta(index, id, name, before + more)
            case _:
                self._events.append(event)

    def take(self) -> list[BackendEvent]:
        """Everything since the last time, in order."""
        self._flush_text()
        events, self._events = self._events, []
        return events

    def _flush_text(self) -> None:
        if self._texts:
            self._events.append(TextDelta("".join(self._texts), tuple(self._logprobs)))
            self._texts.clear()
            self._logprobs.clear()


def token_count(value: Any) -> int | None:
    """A count of tokens as an upstream reports it; None for anything that is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
