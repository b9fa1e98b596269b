"""One observed cascade, as the desk would tell of it."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.telemetry import TelemetryObserver

from tests.records import LARGE, SMALL, a_cascade, a_routed_query

METHOD = "frontdesk.v1.RouterService/StreamComplete"


def observe_cascade(observer: TelemetryObserver, metadata: Mapping[str, str]) -> RoutedQuery:
    """A small model answers and is rejected, a large one answers."""
    call = observer.call_started(METHOD, metadata)
    routed = a_routed_query()
    call.route_started().ended(routed)
    for model, attempt in zip((SMALL, LARGE), a_cascade().attempts, strict=True):
        observed = call.attempt_started(model, model.primary, routed.query, purpose="answer")
        observed.first_token()
        observed.ended(attempt)
    call.settled(routed, a_cascade(), None)
    call.ended("OK", None)
    return routed
