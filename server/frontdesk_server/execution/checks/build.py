"""Builds a check from its configuration."""

from __future__ import annotations

from frontdesk_server.config.checks import (
    AgreementCheck,
    CheckConfig,
    CombinedCheck,
    HeuristicCheck,
    LogprobCheck,
    SelfRatingCheck,
    VerifierCheck,
)
from frontdesk_server.domain.asking import Ask
from frontdesk_server.execution.checks.agreement import Agreement
from frontdesk_server.execution.checks.asked import Asked
from frontdesk_server.execution.checks.base import Check
from frontdesk_server.execution.checks.combined import Combined
from frontdesk_server.execution.checks.computed import Heuristic, Logprob
from frontdesk_server.execution.checks.guarded import Guarded


def build_check(config: CheckConfig, ask: Ask) -> Check:
    """Build the check; `ask` is how those that ask a model do it."""
    return Guarded(config.kind, config.threshold, _check(config, ask))


def _check(config: CheckConfig, ask: Ask) -> Check:
    match config:
        case LogprobCheck():
            return Logprob(config)
        case HeuristicCheck():
            return Heuristic(config)
        case SelfRatingCheck() | VerifierCheck():
            return Asked(config, ask)
        case AgreementCheck():
            return Agreement(config, ask)
        case CombinedCheck():
            return Combined(config, tuple(build_check(part, ask) for part in config.checks))
