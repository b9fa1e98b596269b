"""How the ledger fares, as metrics and log lines."""

from __future__ import annotations

from collections.abc import Callable

from frontdesk_server.domain.record import DropReason
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.logging import EventLog
from frontdesk_server.telemetry.metrics import Metrics


class TelemetryLedgerMonitor:
    """Implements `ledger.LedgerMonitor`."""

    def __init__(self, metrics: Metrics, log: EventLog) -> None:
        self._metrics = metrics
        self._log = log

    def opened(self, waiting: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        """The ledger is open."""
        self._metrics.watch_ledger(waiting, lag_seconds)

    def committed(self, records: int, seconds: float) -> None:
        """A batch is durable."""
        self._metrics.ledger_committed(records, seconds)

    def failed(self, error: BaseException, told: str, waiting: int) -> None:
        """The store refused a batch. Of the error its class alone: its text may quote a record."""
        self._metrics.ledger_failed()
        cause = getattr(error, "orig", None) or error
        self._log.write(names.LOG_LEDGER_FAILING, error=type(cause).__name__, told=told, waiting=waiting)

    def recovered(self, waiting: int) -> None:
        """The store takes batches again."""
        self._log.write(names.LOG_LEDGER_RECOVERED, waiting=waiting)

    def dropped(self, records: int, reason: DropReason) -> None:
        """Records are lost."""
        self._metrics.ledger_dropped(records, reason)
        self._log.write(names.LOG_LEDGER_DROPPED, records=records, reason=reason)

    def deleted(self, decisions: int) -> None:
        """Retention has deleted decisions."""
        self._metrics.ledger_deleted(decisions)
        self._log.write(names.LOG_LEDGER_CLEANED, decisions=decisions)
