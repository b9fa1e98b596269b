"""The seam through which the ledger tells how it fares; telemetry implements it."""

from __future__ import annotations

from typing import Protocol


class LedgerMonitor(Protocol):
    """Told from the ledger's writer thread; must neither block nor raise."""

    def committed(self, records: int, seconds: float) -> None:
        """A batch is durable."""

    def failed(self, error: BaseException, waiting: int) -> None:
        """The store refused a batch; it is kept and tried again. `waiting` records are in memory."""

    def recovered(self, waiting: int) -> None:
        """The store takes batches again."""

    def dropped(self, records: int, reason: str) -> None:
        """Records are lost; reason is "queue_full", "unencodable", "refused" or "stopped"."""

    def deleted(self, decisions: int) -> None:
        """Retention has deleted decisions."""


class NullMonitor:
    """Keeps nothing."""

    def committed(self, records: int, seconds: float) -> None:
        """Keep nothing."""

    def failed(self, error: BaseException, waiting: int) -> None:
        """Keep nothing."""

    def recovered(self, waiting: int) -> None:
        """Keep nothing."""

    def dropped(self, records: int, reason: str) -> None:
        """Keep nothing."""

    def deleted(self, decisions: int) -> None:
        """Keep nothing."""
