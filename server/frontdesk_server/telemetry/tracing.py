"""Spans, recorded cheaply.

A span is drafted in a few slots and becomes an SDK span only when it ends, on its way to the SDK's span processors
(batching, export and their OTEL_BSP_* settings are theirs). The SDK's own recording costs more than ten times as much
per span (43 against 2.6 µs where it was measured), for locks and limits that spans of one task with attributes of our
own do not need.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.propagation import Inbound
from frontdesk_server.telemetry.sampling import Gate

Attributes = dict[str, Any]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET = Status(StatusCode.UNSET)
_ERROR = Status(StatusCode.ERROR)


class Tracing:
    """Where spans go. Nothing of it is global."""

    def __init__(self, processor: SpanProcessor, resource: Resource, gate: Gate, version: str) -> None:
        self.processor = processor
        self.resource = resource
        self.scope = InstrumentationScope(names.SCOPE, version, names.SCHEMA_URL)
        self._gate = gate

    def server_span(self, method: str, inbound: Inbound) -> Span | None:
        """The span of a call that has arrived; None when it is not sampled."""
        if not self._gate.admits(inbound):
            return None
        state = TraceState.from_header([inbound.tracestate]) if inbound.tracestate else None
        parent = None
        if inbound.trace_id:
            parent = SpanContext(inbound.trace_id, inbound.span_id, True, _SAMPLED, state)
        trace_id = inbound.trace_id or new_trace_id()
        context = SpanContext(trace_id, new_span_id(), False, _SAMPLED, state)
        return Span(self, method, SpanKind.SERVER, context, parent, time.time_ns())


class Span:
    """A span that is not over."""

    __slots__ = ("_events", "_kind", "_links", "_name", "_parent", "_tracing", "attributes", "context", "start_ns")

    def __init__(
        self,
        tracing: Tracing,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        start_ns: int,
    ) -> None:
        self._tracing = tracing
        self._name = name
        self._kind = kind
        self._parent = parent
        self._events: list[Event] = []
        self._links: tuple[Link, ...] = ()
        self.context = context
        self.start_ns = start_ns
        self.attributes: Attributes = {}

    def child(self, name: str, kind: SpanKind = SpanKind.INTERNAL, start_ns: int | None = None) -> Span:
        """A span below this one; it starts now unless told."""
        mine = self.context
        context = SpanContext(mine.trace_id, new_span_id(), False, _SAMPLED, mine.trace_state)
        return Span(self._tracing, name, kind, context, mine, time.time_ns() if start_ns is None else start_ns)

    def link(self, span: Span) -> None:
        """Refer to another span."""
        self._links = (*self._links, Link(span.context))

    def event(self, name: str, attributes: Attributes, at_ns: int | None = None) -> None:
        """Something happened, now unless told."""
        self._events.append(Event(name, attributes, time.time_ns() if at_ns is None else at_ns))

    def end(self, error_type: str = "", *, failed: bool | None = None, end_ns: int | None = None) -> None:
        """The span is over and leaves for export.

        Whether its status is an error follows from `error_type`, unless `failed` says otherwise.
        """
        if error_type:
            self.attributes[names.ERROR_TYPE] = error_type
        self._tracing.processor.on_end(
            ReadableSpan(
                self._name,
                self.context,
                self._parent,
                self._tracing.resource,
                self.attributes,
                self._events,
                self._links,
                self._kind,
                status=_ERROR if (bool(error_type) if failed is None else failed) else _UNSET,
                start_time=self.start_ns,
                end_time=time.time_ns() if end_ns is None else end_ns,
                instrumentation_scope=self._tracing.scope,
            )
        )


def new_trace_id() -> int:
    """A random trace id, never 0."""
    return random.getrandbits(128) or 1


def new_span_id() -> int:
    """A random span id, never 0."""
    return random.getrandbits(64) or 1


def known(attributes: Mapping[str, Any]) -> Attributes:
    """Only the attributes whose value is known."""
    return {name: value for name, value in attributes.items() if value is not None and value != "" and value != ()}
