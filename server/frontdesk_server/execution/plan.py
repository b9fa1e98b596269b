"""A plan as it is executed: its models, checks and fitted cascades themselves, not their names."""

from __future__ import annotations

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.domain.decision import StreamMode
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.value import value
from frontdesk_server.execution.checks import Check


@value
class Step:
    """One step: whom to ask, and what judges the answer: a check, or the fitted cascade that it is a member of.

    `gate_tokens` counts the first tokens that mode GATE checks.
    """

    model: Model
    check: Check | None = None
    cascade: FittedCascade | None = None
    stream_mode: StreamMode = StreamMode.HOLD
    gate_tokens: int = 0

    @property
    def is_judged(self) -> bool:
        """Whether its answer can be rejected."""
        return self.check is not None or self.cascade is not None


Plan = tuple[Step, ...]
