"""The ledger with the contract's messages as the form of its records."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager

from frontdesk_server import ledger
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.record import Ledger
from frontdesk_server.ledger import reader
from frontdesk_server.ledger.readings import Readings
from frontdesk_server.rpc.record import ContractCodec


def open_ledger(
    config: LedgerConfig,
    clock: Clock | None = None,
    *,
    monitor: ledger.LedgerMonitor | None = None,
    redactor: ledger.Redactor | None = None,
) -> AbstractAsyncContextManager[Ledger]:
    """Open the configured ledger for writing, as `frontdesk_server.ledger.open_ledger`."""
    return ledger.open_ledger(config, ContractCodec(), clock, monitor=monitor, redactor=redactor)


def open_reader(url: str) -> AbstractContextManager[reader.LedgerReader]:
    """Open a ledger that exists, as `frontdesk_server.ledger.reader.open_reader`."""
    return reader.open_reader(url, ContractCodec())


def open_readings(config: LedgerConfig) -> Readings | None:
    """The configured ledger, to be read while it is written; None where none is kept."""
    url = config.url.get_secret_value() and (config.read_url.get_secret_value() or config.url.get_secret_value())
    return Readings(url, ContractCodec()) if url else None
