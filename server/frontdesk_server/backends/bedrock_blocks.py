"""Content blocks of Converse that are open: what of them the contract has no words for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from frontdesk_server.backends.json_reading import Json, given_value, piece, word
from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.provider import Citation

_EXPRESSED = frozenset(("text", "toolUse", "reasoningContent", "citationsContent"))


def is_foreign(block: Json) -> bool:
    """Whether only Bedrock understands a block: its own tools' calls and results, and whatever it will learn."""
    if not block or _EXPRESSED.isdisjoint(block):
        return bool(block)
    called = block.get("toolUse")
    return isinstance(called, dict) and bool(called.get("type"))


@dataclass(slots=True)
class OpenBlock:
    """One block of a stream; `start` is what it began with, empty for text and reasoning, which begin without."""

    start: Json = field(default_factory=dict)
    citations: list[Json] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _results: list[Json] = field(default_factory=list)

    @property
    def foreign(self) -> bool:
        """Whether only Bedrock understands the block."""
        return is_foreign(self.start)

    def add(self, delta: Json) -> None:
        """Take a delta."""
        match delta:
            case {"text": text} | {"toolUse": {"input": text}} | {"image": {"source": {"bytes": text}}}:
                self._texts.append(piece(text))
            case {"citation": dict() as citation}:
                self.citations.append(citation)
            case {"toolResult": list() as results}:
                for result in results:
                    before = self._results[-1] if self._results else {}
                    if "text" in result and "text" in before:
                        before["text"] += piece(result["text"])
                    else:
                        self._results.append(dict(result))

    def whole(self) -> Json:
        """A foreign block as a unary response would have it."""
        text = "".join(self._texts)
        match self.start:
            case {"toolUse": {**called}}:
                try:
                    return {"toolUse": {**called, "input": given_value(text or "{}")}}
                except ValueError as error:
                    raise UpstreamProtocolError("the input of a provider's own tool ends in its middle") from error
            case {"toolResult": {**result}}:
                return {"toolResult": {**result, "content": self._results}}
            case {"image": {**image}}:
                return {"image": {**image, "source": {"bytes": text}}}
        return self.start

    def cited(self) -> Json:
        """A text with its citations as a unary response would have it."""
        return {"content": [{"text": "".join(self._texts)}], "citations": self.citations}


def citations_of(cited: Json) -> Iterator[Citation]:
    """The sources of a cited text; their places are in the source, not in the answer."""
    for citation in cited.get("citations") or ():
        location = citation.get("location") or {}
        address = word((location.get("web") or {}).get("url")) or word(citation.get("source"))
        quoted = "".join(_texts(citation.get("sourceContent")))
        yield Citation(address, word(citation.get("title")), quoted)


def _texts(contents: Any) -> Iterator[str]:
    return (word(content.get("text")) for content in contents or ())
