"""Budgets and rate limits: rules, reservations, and the stores of their counters."""

from frontdesk_server.state.limits.counters import Standing
from frontdesk_server.state.limits.limits import LimitedConditions, Limits
from frontdesk_server.state.limits.opening import check_limit_store, open_limit_store
from frontdesk_server.state.limits.reservation import Refusal, Reservation, Used
from frontdesk_server.state.limits.store import Change, Hold, LimitStore, LimitStoreError, MemoryLimitStore
from frontdesk_server.state.limits.worst_case import worst_case

__all__ = [
    "Change",
    "Hold",
    "LimitStore",
    "LimitStoreError",
    "LimitedConditions",
    "Limits",
    "MemoryLimitStore",
    "Refusal",
    "Reservation",
    "Standing",
    "Used",
    "check_limit_store",
    "open_limit_store",
    "worst_case",
]
