"""The output items of one response as they come: what of each is new, and what the contract has no words for."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from frontdesk_server.backends.folding import EventFold
from frontdesk_server.backends.json_reading import Json, piece, word
from frontdesk_server.backends.logprobs import read_logprob
from frontdesk_server.backends.provider_state import annotated_citations
from frontdesk_server.backends.responses_items import beyond, called, spoken_text, thought
from frontdesk_server.backends.tool_calls import OpenToolCalls
from frontdesk_server.domain.events import ReasoningDelta
from frontdesk_server.domain.usage import FinishReason

_BETWEEN_THOUGHTS = "\n\n"
_SPOKEN = frozenset({"output_text", "refusal"})
"""Contents of a message that are text; any other is a block."""
_OUTPUT = "_output"
"""How the types of items end which answer a call."""


class OpenItems:
    """The items of one response. Whatever says the whole of one adds what the deltas before it left out."""

    def __init__(self, fold: EventFold) -> None:
        self.shown = False
        self.refused = False
        self.searches = 0
        self._fold = fold
        self._tool_calls = OpenToolCalls()
        self._said: dict[Hashable, int] = {}
        """Characters read of every text, thought and arguments; 1 of what is no text and has been kept."""
        self._thinking: dict[int, Hashable] = {}
        """By item of reasoning, the text that its last piece belonged to."""
        self._closed: set[int] = set()
        self._closings = 0
        self._unanswered: set[str] = set()
        """Calls of tools that the contract has no words for, and that the caller is to answer."""

    def ended(self, reason: FinishReason) -> FinishReason:
        """The reason for which the answer ended, as its items show it. Raises as `OpenToolCalls.ended` does."""
        reason = self._tool_calls.ended(reason, shown=self.shown)
        if self.refused:
            return FinishReason.CONTENT_FILTER
        return FinishReason.TOOL_CALLS if reason is FinishReason.STOP and self._unanswered else reason

    def open(self, index: int, item: Json) -> None:
        """An item begins."""
        if index in self._closed:  # there are servers that give all items one number
            self._closed.discard(index)
            for key in [key for key in self._said if isinstance(key, tuple) and key[0] == index]:
                del self._said[key]
                self._fold.start_block(key)
        self._tool_calls.start(index)
        self._read(index, item, whole=False)

    def _read(self, index: int, item: Json, *, whole: bool) -> None:
        """Whatever of an item is new."""
        match item.get("type"):
            case "message":
                for at, part in enumerate(item.get("content") or ()):
                    self.read_content(index, at, part, whole=whole)
            case "reasoning":
                for name in ("summary", "content"):
                    for at, part in enumerate(item.get(name) or ()):
                        rest = self._rest((index, name, at), piece(part.get("text")))
                        self.add_thought(index, (name, at), rest)
            case "function_call":
                rest = self._rest((index, "arguments"), piece(item.get("arguments")))
                known = index in self._tool_calls
                self.add_arguments(index, rest, "" if known else word(item["call_id"]), "" if known else item["name"])

    def read_content(self, index: int, at: int, part: Json, *, whole: bool) -> None:
        """Whatever of a content of a message is new; what is no text is kept once it is whole."""
        key = (index, at)
        match part.get("type"):
            case "output_text":
                self.add_text(key, self._rest(key, piece(part.get("text"))), part.get("logprobs"))
            case "refusal":
                self.add_text(key, self._rest(key, piece(part.get("refusal"))), refusal=True)
            case str() if whole and key not in self._said:
                self._said[key] = 1
                self.shown = True
                self._fold.add_block(part, key)

    def close(self, index: int, item: Json) -> None:
        """Read the rest of an item, and hand over what of it the contract has no words for."""
        self._read(index, item, whole=True)
        match item.get("type"):
            case "message":
                self._close_message(index, item)
            case "reasoning":
                self._close_reasoning(index, item)
            case "function_call":
                said = called(word(item["call_id"]), word(item["name"]), piece(item.get("arguments")))
                self._add_state(beyond(item, said), ("call", self._tool_calls.number(index)))
            case str() as kind:
                self.shown = True
                self._fold.add_block(item)
                self.searches += _is_search(item)
                self._note_call(item, kind)
        self._closed.add(index)
        self._closings += 1

    def close_missing(self, items: Sequence[Json]) -> None:
        """The items of a whole response of which no event told the end."""
        if len(items) > self._closings:
            for index, item in enumerate(items):
                if index not in self._closed:
                    self.close(index, item)

    def _note_call(self, item: Json, kind: str) -> None:
        """What the provider runs itself has no `call_id`, or its output beside it."""
        call_id = item.get("call_id")
        if call_id and isinstance(call_id, str):
            (self._unanswered.discard if kind.endswith(_OUTPUT) else self._unanswered.add)(call_id)

    def _close_message(self, index: int, item: Json) -> None:
        contents = item.get("content") or []
        own = beyond(item, {"type": "message", "role": "assistant", "content": contents})
        for at, part in enumerate(contents):
            if part.get("type") not in _SPOKEN:
                self._add_state({"type": "message", **own}, (index, at))
                continue
            state = _of_content(part)
            self._add_state({**own, "content": state} if state else own, (index, at))
            for citation in annotated_citations(part.get("annotations")):
                self._fold.add_citation(citation, (index, at))
        if not any(self._said.get((index, at)) for at in range(len(contents))):
            self._fold.add_block(item)  # it says nothing, but reasoning before it may demand it

    def _close_reasoning(self, index: int, item: Json) -> None:
        sealed = word(item.get("encrypted_content"))
        if sealed:
            self.shown = True
            self._fold.add(ReasoningDelta(signature=sealed), (index, 0))
        texts = (piece(part.get("text")) for name in ("summary", "content") for part in item.get(name) or ())
        said = thought(_BETWEEN_THOUGHTS.join(filter(None, texts)), sealed)
        self._add_state(beyond(item, said), (index, 0))

    def _rest(self, key: Hashable, whole: str) -> str:
        """What has not been read of a text."""
        return whole[self._said.get(key, 0) :]

    def _count(self, key: Hashable, text: str) -> None:
        self._said[key] = self._said.get(key, 0) + len(text)

    def add_text(self, key: tuple[int, int], text: str, logprobs: Any = None, *, refusal: bool = False) -> None:
        """A piece of a text."""
        if text:
            if logprobs:
                self._fold.add_logprobs(map(read_logprob, logprobs))
            self._count(key, text)
            self.shown = True
            self.refused |= refusal
            self._fold.add_text(text, key, refusal=refusal)

    def add_thought(self, index: int, text: tuple[str, int], said: str) -> None:
        """A piece of reasoning; texts of one item stand apart."""
        if said:
            self._count((index, *text), said)
            self.shown = True
            apart = self._thinking.setdefault(index, text) != text
            self._thinking[index] = text
            self._fold.add(ReasoningDelta(_BETWEEN_THOUGHTS + said if apart else said), (index, 0))

    def add_arguments(self, index: int, arguments: str, call_id: str = "", name: str = "") -> None:
        """A piece of a call's arguments."""
        self._count((index, "arguments"), arguments)
        delta = self._tool_calls.add(index, 0, call_id, word(name), arguments)
        if delta is not None:
            self.shown = True
            self._fold.add(delta)

    def _add_state(self, state: Json, key: Hashable) -> None:
        if state:
            self._fold.add_state(state, key)


def _of_content(part: Json) -> Json:
    """What a content of a message holds beside its text, and the log-probabilities of that."""
    refusal = part.get("type") == "refusal"
    state = beyond(part, spoken_text(piece(part.get("refusal" if refusal else "text")), refusal=refusal))
    if state.get("logprobs"):
        del state["logprobs"]
    return state


def _is_search(item: Json) -> bool:
    """Whether it is a search of the web that is charged; opening a page that was found is not."""
    action = item.get("action")
    kind = action.get("type") if isinstance(action, dict) else "search"
    return item.get("type") == "web_search_call" and kind == "search"
