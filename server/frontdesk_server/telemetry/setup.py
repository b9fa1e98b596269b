"""Builds telemetry from the configuration and the standard OTEL_* variables; nothing of it is global."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from frontdesk import __version__
from frontdesk.channel import is_local
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import start_http_server
from structlog.typing import FilteringBoundLogger

from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.drift_monitor import TelemetryDriftMonitor
from frontdesk_server.telemetry.ledger_monitor import TelemetryLedgerMonitor
from frontdesk_server.telemetry.logging import EventLog, open_event_log
from frontdesk_server.telemetry.metrics import Metrics
from frontdesk_server.telemetry.observer import TelemetryObserver
from frontdesk_server.telemetry.sampling import configured_gate
from frontdesk_server.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

_DEFAULT_ENDPOINT = "http://localhost:4317"
_PROPAGATORS = frozenset({"tracecontext", "baggage"})


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the composition root hands around. `prometheus_port` is 0 without a metrics page."""

    observer: TelemetryObserver
    metrics: Metrics
    logger: FilteringBoundLogger
    ledger_monitor: TelemetryLedgerMonitor
    drift_monitor: TelemetryDriftMonitor
    prometheus_port: int = 0


@contextlib.asynccontextmanager
async def open_telemetry(
    config: TelemetryConfig,
    environ: Mapping[str, str],
    *,
    providers: Mapping[str, str],
    worker: int = 0,
    logger: FilteringBoundLogger | None = None,
    span_processor: SpanProcessor | None = None,
) -> AsyncIterator[Telemetry]:
    """Start telemetry; at the end flush whatever has not been sent.

    `providers` maps backends to providers. Worker n of several serves its own metrics page, n ports above the
    configured one. `span_processor` takes spans instead of the configured exporter.

    Raises:
        ConfigError: a variable asks for what is not there, or the metrics page's address is not usable.

    """
    metrics = Metrics()
    resource = _resource(config, environ, worker)
    async with contextlib.AsyncExitStack() as stack:
        log = stack.enter_context(open_event_log(config)) if logger is None else EventLog(logger, config)
        processor = span_processor
        if processor is None and (spans := _span_exporter(environ)) is not None:
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            processor = BatchSpanProcessor(spans)
        tracing = None
        if processor is not None:
            stack.push_async_callback(asyncio.to_thread, processor.shutdown)
            tracing = Tracing(processor, resource, configured_gate(environ, config.sample_ratio), __version__)
        if (exporter := _metric_exporter(environ)) is not None:
            from frontdesk_server.telemetry.metric_export import MetricPusher

            scope = InstrumentationScope(names.SCOPE, __version__, names.SCHEMA_URL)
            interval_seconds = _milliseconds(environ, "OTEL_METRIC_EXPORT_INTERVAL", 60_000) / 1000
            pusher = MetricPusher(metrics.registry, exporter, resource, scope, interval_seconds, metrics)
            pusher.start()
            stack.push_async_callback(asyncio.to_thread, pusher.stop)
        port = 0
        if config.prometheus_address is not None:
            port = _serve_metrics(config.prometheus_address, worker, metrics, stack)
        yield Telemetry(
            TelemetryObserver(tracing, metrics, log, providers, _propagators(environ), tuple(config.span_labels)),
            metrics,
            log.logger,
            TelemetryLedgerMonitor(metrics, log),
            TelemetryDriftMonitor(metrics, log),
            port,
        )


def _resource(config: TelemetryConfig, environ: Mapping[str, str], worker: int) -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, which the SDK reads, win over the configuration."""
    attributes: dict[str, str | int] = {SERVICE_VERSION: __version__, "frontdesk.worker": worker}
    if "OTEL_SERVICE_NAME" not in environ:
        attributes[SERVICE_NAME] = config.service_name
    return Resource.create(attributes)


def _span_exporter(environ: Mapping[str, str]) -> SpanExporter | None:
    match _exporter(environ, "TRACES"):
        case "console":
            from opentelemetry.sdk.trace.export import ConsoleSpanExporter

            return ConsoleSpanExporter()
        case "otlp":
            from frontdesk_server.telemetry.span_export import FastSpanExporter

            return FastSpanExporter(channel_options=_channel_options(environ, "TRACES"))
    return None


def _channel_options(environ: Mapping[str, str], signal: str) -> Any:
    """A collector on this machine is not asked of the proxy that the environment names."""
    endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    target = urlsplit(endpoint or _DEFAULT_ENDPOINT).netloc or str(endpoint)
    return (("grpc.enable_http_proxy", 0),) if is_local(target) else None


def _metric_exporter(environ: Mapping[str, str]) -> MetricExporter | None:
    match _exporter(environ, "METRICS"):
        case "console":
            from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

            return ConsoleMetricExporter()
        case "otlp":
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

            return OTLPMetricExporter(channel_options=_channel_options(environ, "METRICS"))
    return None


def _exporter(environ: Mapping[str, str], signal: str) -> str:
    """otlp, console or none. Unlike the standard's default, OTLP needs an endpoint to be named: nobody may listen."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "none"
    endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    chosen = environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() or ("otlp" if endpoint else "none")
    if chosen not in {"otlp", "console", "none", "prometheus"}:
        raise _fault(f"OTEL_{signal}_EXPORTER={chosen} is not known; there are otlp, console and none")
    protocol = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if chosen == "otlp" and protocol not in {None, "", "grpc"}:
        raise _fault(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not supported; Frontdesk exports by grpc")
    return chosen


def _propagators(environ: Mapping[str, str]) -> frozenset[str]:
    chosen = environ.get("OTEL_PROPAGATORS", "").strip().lower()
    if not chosen:
        return _PROPAGATORS
    asked = {name.strip() for name in chosen.split(",")} - {"none"}
    if unknown := asked - _PROPAGATORS:
        raise _fault(f"OTEL_PROPAGATORS={chosen}: {', '.join(sorted(unknown))} is not supported")
    return frozenset(asked)


def _milliseconds(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(environ.get(name) or default)
    except ValueError as error:
        raise _fault(f"{name} is no number of milliseconds") from error


def _serve_metrics(address: str, worker: int, metrics: Metrics, stack: contextlib.AsyncExitStack) -> int:
    host, _, port = address.rpartition(":")
    try:
        asked = int(port)
        server, thread = start_http_server(asked + worker if asked else 0, host.strip("[]"), metrics.registry)
    except (ValueError, OverflowError, OSError) as error:
        fault = ConfigFault(f"cannot serve metrics on {address}: {in_words(error)}", "telemetry.prometheus_address")
        raise ConfigError("telemetry", [fault]) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    stack.push_async_callback(asyncio.to_thread, stop)
    return int(server.server_port)


def _fault(message: str) -> ConfigError:
    return ConfigError("environment", [ConfigFault(message)])
