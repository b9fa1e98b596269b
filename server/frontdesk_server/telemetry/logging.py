"""Log lines: structlog, JSON by orjson or pretty in a terminal, static event names. Never content, never secrets."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.domain.defects import CAUGHT, DefectCounter
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.libraries import take_library_lines
from frontdesk_server.telemetry.line_buffer import LineBuffer
from frontdesk_server.telemetry.terminal import TerminalRenderer

_Sink = structlog.PrintLogger | structlog.BytesLogger

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 100}

EVENT_LEVELS: Mapping[str, str] = {
    names.LOG_CALL_ENDED: "info",
    names.LOG_CALL_FAILED: "info",
    names.LOG_PAGE_SHOWN: "debug",  # a list that is watched asks every two seconds
    names.LOG_ROUTE_DECIDED: "debug",
    names.LOG_ROUTE_FAILED: "warning",
    names.LOG_ATTEMPT_ENDED: "debug",
    names.LOG_ATTEMPT_REPEATED: "debug",
    names.LOG_COMPLETION_SETTLED: "debug",
    names.LOG_FIELD_REFUSED: "warning",
    names.LOG_LEDGER_FAILING: "error",
    names.LOG_LEDGER_RECOVERED: "warning",
    names.LOG_LEDGER_DROPPED: "error",
    names.LOG_LEDGER_CLEANED: "info",
    names.LOG_SCORES_DRIFTED: "warning",
}
"""Every event of telemetry and its level, unless the configuration says otherwise."""


class EventLog:
    """Writes telemetry's events, each at its own level; those below the threshold cost one look-up.

    With `write_line`, which takes bytes, an event is rendered here and at once, to what the logger would make of it.
    """

    def __init__(
        self,
        logger: FilteringBoundLogger,
        config: TelemetryConfig,
        write_line: Callable[[bytes], object] | None = None,
    ) -> None:
        self.logger = logger
        self._write_line = write_line
        self._levels: dict[str, str] = {}
        for event, usual in EVENT_LEVELS.items():
            level = config.log_levels.get(event, usual)
            if level != "off" and _LEVELS[level] >= _LEVELS[config.log_level]:
                self._levels[event] = level

    def enabled(self, event: str) -> bool:
        """Whether the event is written at all."""
        return event in self._levels

    def write(self, event: str, **values: object) -> None:
        """Write one line."""
        level = self._levels.get(event)
        if level is None:
            return
        if self._write_line is None:
            getattr(self.logger, level)(event, **values)
        else:
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            values = {**values, "event": event, "level": level, "timestamp": at}
            self._write_line(orjson.dumps(values, default=str, option=orjson.OPT_APPEND_NEWLINE))


@contextlib.contextmanager
def open_event_log(config: TelemetryConfig) -> Iterator[EventLog]:
    """The log of telemetry's events on standard error; on leaving, everything is written."""
    logger = build_logger(config)
    if _is_pretty(config, sys.stderr):
        yield EventLog(logger, config)
        return
    buffer = LineBuffer(sys.stderr.buffer)
    buffer.start()
    try:
        yield EventLog(logger, config, buffer.write)
    finally:
        buffer.stop()


def build_logger(config: TelemetryConfig, stream: TextIO | None = None) -> FilteringBoundLogger:
    """Build a structlog logger, on standard error unless told; nothing global is configured."""
    sink, processors, wrapper = _pipeline(config, stream or sys.stderr)
    logger: FilteringBoundLogger = structlog.wrap_logger(
        sink, processors=processors, wrapper_class=wrapper, context_class=dict, cache_logger_on_first_use=True
    )
    return logger.bind()  # binding resolves the lazy proxy once, not on every line


def configure_process(config: TelemetryConfig, counter: DefectCounter | None = None) -> None:
    """Let every module's `structlog.get_logger()` write as the configuration says: the process's one global setting.

    Libraries' warnings are among the lines. Defects that nobody else counts, `counter` does.
    """
    take_library_lines()
    _, processors, wrapper = _pipeline(config, sys.stderr)
    structlog.configure(
        processors=[partial(_count_defect, counter), *processors],
        wrapper_class=wrapper,
        context_class=dict,
        logger_factory=lambda *_: _pipeline(config, sys.stderr)[0],  # whatever standard error is by then
    )


def _pipeline(config: TelemetryConfig, stream: TextIO) -> tuple[_Sink, list[Processor], type[FilteringBoundLogger]]:
    """Where lines go and what makes them. Tracebacks never show local variables: those hold prompts."""
    before: list[Processor] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso", utc=True)]
    wrapper = structlog.make_filtering_bound_logger(_LEVELS[config.log_level])
    if _is_pretty(config, stream):
        colours = stream.isatty()
        console = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
        renderer = TerminalRenderer(console, colours=colours)
        return structlog.PrintLogger(stream), [*before, renderer], wrapper
    json_lines: list[Processor] = [*before, structlog.processors.format_exc_info, _render_json]
    return structlog.BytesLogger(stream.buffer), json_lines, wrapper


def _count_defect(counter: DefectCounter | None, _logger: object, _method: str, values: EventDict) -> EventDict:
    if values["event"] == CAUGHT and not values.pop("counted") and counter is not None:
        counter.defect(values["part"], values["error_type"])
    return values


def _is_pretty(config: TelemetryConfig, stream: TextIO) -> bool:
    return config.log_format == "pretty" or (config.log_format == "auto" and stream.isatty())


def _render_json(_logger: object, _method: str, values: Any) -> bytes:
    return orjson.dumps(values, default=str)
