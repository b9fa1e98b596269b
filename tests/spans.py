"""Spans as tests look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode


class KeepingProcessor(SpanProcessor):
    """Keeps every span that ends."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def named(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def children(self, parent: ReadableSpan) -> list[str]:
        """Names of the spans directly below, by start."""
        assert parent.context is not None
        below = [s for s in self.spans if s.parent is not None and s.parent.span_id == parent.context.span_id]
        return [span.name for span in sorted(below, key=lambda span: span.start_time or 0)]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def events(span: ReadableSpan, name: str) -> Sequence[dict[str, Any]]:
    return [dict(event.attributes or {}) for event in span.events if event.name == name]


def failed(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.ERROR
