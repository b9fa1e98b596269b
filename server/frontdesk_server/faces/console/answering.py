"""An answer on its way to the page: the desk's own events, with what is to be shown of each as the page's markup.

Pieces of the answer travel as bare text, which the script puts into the page as text.
"""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.attempt import Attempt
from frontdesk_server.domain.events import (
    AttemptEnded,
    AttemptStarted,
    Completed,
    CompletionEvent,
    ReasoningDelta,
    Started,
    TextDelta,
)
from frontdesk_server.faces.console.visiting import Visit
from frontdesk_server.faces.http import Headers, event_of


@dataclass(slots=True)
class Trial:
    """An attempt as far as it has come; `ended` is None while it runs."""

    index: int
    model: str
    kind: str
    ended: Attempt | None = None


class EventPage:
    """Writes the events of one answer."""

    def __init__(self, visit: Visit, headers: Headers) -> None:
        self._visit = visit
        self._headers = [header for header in headers if header[0] != "cache-control"]  # streams say so themselves
        self._trials: dict[int, Trial] = {}

    async def take(self, event: CompletionEvent) -> None:
        """Write one event of the desk's."""
        match event:
            case Started(decision):
                await self._visit.reply.begin_events(self._headers)
                await self._write("decided", "_decided", decision=decision)
            case AttemptStarted(index, model, kind):
                self._trials[index] = Trial(index, model, kind.value)
                await self._write_trials()
            case AttemptEnded(attempt):
                self._end(attempt)
                await self._visit.reply.events(event_of("restarted", {}))
                await self._write_trials()
            case TextDelta(text):
                await self._visit.reply.events(event_of("text", {"text": text}))
            case ReasoningDelta(text) if text:
                await self._visit.reply.events(event_of("reasoning", {"text": text}))
            case Completed(model, _, _, settlement):
                for attempt in settlement.attempts:
                    self._end(attempt)
                await self._write_trials()
                await self._write("completed", "_settled", answered_by=model, settlement=settlement)
                await self._visit.reply.end()
            case _:
                pass

    def _end(self, attempt: Attempt) -> None:
        self._trials[attempt.index] = Trial(attempt.index, attempt.model, attempt.kind.value, attempt)

    async def _write_trials(self) -> None:
        await self._write("attempts", "_trials", trials=list(self._trials.values()))

    async def _write(self, name: str, template: str, **values: object) -> None:
        html = self._visit.render(template, values).decode()
        await self._visit.reply.events(event_of(name, {"html": html}))
