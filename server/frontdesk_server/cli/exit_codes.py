"""What the exit code of a command says, one for each class of fault; docs/command-line.md tells them to its users."""

from __future__ import annotations

FAULT = 1
"""Something failed at work: a server that refuses, a ledger that cannot be read, data that cannot be understood."""

USAGE = 2
"""The command line or the configuration is at fault; nothing was done."""

UNSUPPORTED = 3
"""The data cannot certify, or support, what is asked of it."""
