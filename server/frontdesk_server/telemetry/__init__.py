"""Spans, metrics and log lines of what Frontdesk does."""

from frontdesk_server.telemetry.observer import TelemetryObserver
from frontdesk_server.telemetry.setup import Telemetry, open_telemetry

__all__ = ["Telemetry", "TelemetryObserver", "open_telemetry"]
