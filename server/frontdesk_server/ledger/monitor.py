"""The seam through which the ledger tells how it fares; telemetry implements it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from frontdesk_server.domain.record import DropReason


class LedgerMonitor(Protocol):
    """Told from the ledger's writer thread, and from the event loop; must neither block nor raise."""

    def opened(self, waiting: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        """The ledger is open; its backlog can be read at any time, from any thread."""

    def committed(self, records: int, seconds: float) -> None:
        """A batch is durable."""

    def failed(self, error: BaseException, told: str, waiting: int) -> None:
        """The store refused a batch, or says nothing (TimeoutError); it is kept, with `waiting` records in memory.

        `told` is what the store says of itself, and never quotes a record.
        """

    def recovered(self, waiting: int) -> None:
        """The store takes batches again."""

    def dropped(self, records: int, reason: DropReason) -> None:
        """Records are lost."""

    def deleted(self, decisions: int) -> None:
        """Retention has deleted decisions."""


class NullMonitor:
    """Keeps nothing."""

    def opened(self, waiting: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        """Keep nothing."""

    def committed(self, records: int, seconds: float) -> None:
        """Keep nothing."""

    def failed(self, error: BaseException, told: str, waiting: int) -> None:
        """Keep nothing."""

    def recovered(self, waiting: int) -> None:
        """Keep nothing."""

    def dropped(self, records: int, reason: DropReason) -> None:
        """Keep nothing."""

    def deleted(self, decisions: int) -> None:
        """Keep nothing."""
