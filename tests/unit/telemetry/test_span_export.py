"""The fast encoder says exactly what the SDK's does."""

from __future__ import annotations

from frontdesk_server.telemetry import TelemetryObserver
from frontdesk_server.telemetry.sampling import Gate
from frontdesk_server.telemetry.span_export import encode
from frontdesk_server.telemetry.tracing import Tracing
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tests.cascade import observe_cascade
from tests.spans import KeepingProcessor

RESOURCE = Resource({"service.name": "desk", "worker": 3})
SCOPE = InstrumentationScope("frontdesk", "1", "https://example.org/schema")

texts = st.text(st.characters(codec="utf-8"), max_size=200)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(texts, min_size=1, max_size=3).map(tuple),
)
attributes = st.dictionaries(st.text(st.characters(codec="ascii"), min_size=1, max_size=150), values, max_size=6)
states = st.sampled_from([None, TraceState([("vendor", "1"), ("other", "x")])])
contexts = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.just(TraceFlags(TraceFlags.SAMPLED)),
    states,
)
instants = st.integers(0, 2**63 - 1)
spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=st.just(RESOURCE),
    attributes=attributes,
    events=st.lists(st.builds(Event, texts, attributes, instants), max_size=3),
    links=st.lists(st.builds(Link, contexts, attributes), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=st.sampled_from(StatusCode).map(Status),
    start_time=instants,
    end_time=instants,
    instrumentation_scope=st.just(SCOPE),
)


@given(st.lists(spans, min_size=1, max_size=4))
def test_any_spans_are_encoded_as_by_the_sdk(some: list[ReadableSpan]) -> None:
    assert encode(some) == encode_spans(some)


def test_a_cascade_is_encoded_as_by_the_sdk() -> None:
    kept = KeepingProcessor()
    observe_cascade(TelemetryObserver(Tracing(kept, RESOURCE, Gate(1.0), "1")), {})
    assert encode(kept.spans) == encode_spans(kept.spans)
