"""The table that routing_quality.py prints."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.learning.evaluation.estimates import Evaluation


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    bar: str
    measured: str
    beside: str
    """Random, prompt length and the published best, on the same rows."""
    evaluation: Evaluation | None = None
