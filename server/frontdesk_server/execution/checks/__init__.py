"""Checks that the answers of a cascade must pass. One file a family."""

from frontdesk_server.execution.checks.base import Check, CheckContext, Judge
from frontdesk_server.execution.checks.build import build_check

__all__ = ["Check", "CheckContext", "Judge", "build_check"]
