"""What a provider wants back of an answer that came in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from frontdesk_server.backends.json_reading import Json
from frontdesk_server.domain.provider import Citation

REASONING_FIELDS = frozenset(("reasoning_content", "reasoning", "content"))
"""Where reasoning may stand in a message. State names the field that was used, with null for what the parts say."""

_JOINED = frozenset(("text", "summary"))
"""Members of items whose pieces are joined; all others come whole."""
_GROWING = _JOINED | {"data", "transcript"}
"""The same of objects: a sound comes in pieces of what it sounds like and of what it says."""


def unread(holder: Json, read: frozenset[str]) -> Json:
    """The objects and lists among its members which nothing has read; mere words and numbers are no state."""
    return {
        name: value for name, value in holder.items() if name not in read and value and isinstance(value, dict | list)
    }


def accumulate(whole: Json, piece: Json) -> None:
    """Add the members of a piece, those of objects at every depth.

    Of a list, an item goes on with the last one where nothing in both contradicts.
    """
    for name, value in piece.items():
        known = whole.get(name)
        if isinstance(known, list) and isinstance(value, list):
            for item in value:
                if not (known and _goes_on(known[-1], item)):
                    known.append(item)
        elif isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            whole[name] = _items(value) if isinstance(value, list) else value


def _merge(whole: Json, piece: Json) -> None:
    """Add the members of an object within a message; a list in it comes whole."""
    for name, value in piece.items():
        known = whole.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        elif name in _GROWING and isinstance(known, str) and isinstance(value, str):
            whole[name] = known + value
        elif value is not None or known is None:
            whole[name] = value


def _items(values: Iterable[Any]) -> list[Any]:
    items: list[Any] = []
    accumulate({"": items}, {"": list(values)})
    return items


def _goes_on(last: Any, item: Any) -> bool:
    """Whether the item continued the last one, and was joined to it."""
    if not isinstance(last, dict) or not isinstance(item, dict) or last.get("index") != item.get("index"):
        return False
    if not isinstance(item.get("index"), int) or last.get("type") != item.get("type"):
        return False
    shared = [name for name, value in item.items() if value is not None and last.get(name) is not None]
    if any(name not in _JOINED and last[name] != item[name] for name in shared):
        return False
    for name, value in item.items():
        if name in shared and name in _JOINED and isinstance(value, str) and isinstance(last[name], str):
            last[name] += value
        elif last.get(name) is None:
            last[name] = value
    return True


def url_citations(annotations: Any) -> Iterator[Citation]:
    """The sources among the annotations of a message, as OpenAI and OpenRouter give them."""
    for annotation in annotations if isinstance(annotations, list) else ():
        if isinstance(annotation, dict) and isinstance(source := annotation.get("url_citation"), dict):
            start, end = _place(source.get("start_index")), _place(source.get("end_index"))
            placed = start is not None and end is not None
            yield Citation(
                _text(source.get("url")),
                _text(source.get("title")),
                _text(source.get("content")),
                start if placed else None,
                end if placed else None,
            )


def annotated_citations(annotations: Any) -> Iterator[Citation]:
    """The sources among the annotations of a text, as OpenAI's Responses give them: pages, and files by name."""
    for annotation in annotations if isinstance(annotations, list) else ():
        if isinstance(annotation, dict):
            start, end = _place(annotation.get("start_index")), _place(annotation.get("end_index"))
            placed = start is not None and end is not None
            yield Citation(
                _text(annotation.get("url")) or _text(annotation.get("file_id")),
                _text(annotation.get("title")) or _text(annotation.get("filename")),
                "",
                start if placed else None,
                end if placed else None,
            )


def searched_citations(document: Json) -> Iterator[Citation]:
    """The sources that stand beside an answer, as Perplexity gives them."""
    results = document.get("search_results")
    if isinstance(results, list) and results:
        for result in results:
            if isinstance(result, dict):
                yield Citation(_text(result.get("url")), _text(result.get("title")), _text(result.get("snippet")))
    elif isinstance(addresses := document.get("citations"), list):
        yield from (Citation(address) for address in addresses if isinstance(address, str))


def anthropic_citation(citation: Any) -> Citation | None:
    """A citation of Anthropic; its places are in the source, not in the answer."""
    if not isinstance(citation, dict):
        return None
    title = _text(citation.get("title")) or _text(citation.get("document_title"))
    return Citation(
        _text(citation.get("url")) or _text(citation.get("source")), title, _text(citation.get("cited_text"))
    )


def _text(value: Any) -> str:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _place(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
