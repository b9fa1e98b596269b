"""The durable record of decisions, attempts, usage, cost, latency and outcomes."""

from frontdesk_server.ledger.ledger import SqlLedger, open_ledger
from frontdesk_server.ledger.monitor import LedgerMonitor
from frontdesk_server.ledger.null import NullLedger
from frontdesk_server.ledger.redaction import Redactor

__all__ = ["LedgerMonitor", "NullLedger", "Redactor", "SqlLedger", "open_ledger"]
