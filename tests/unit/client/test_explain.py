"""What the golden vectors (tests/contract) do not show."""

from __future__ import annotations

from frontdesk import Decision, explain
from frontdesk.v1.routing_pb2 import Candidate


def test_a_bare_decision_needs_nothing_more() -> None:
    assert explain(Decision(model="small", reason="default model")).startswith("small: default model\n")


def test_what_a_newer_server_says_is_shown_as_unknown() -> None:
    candidate = Candidate(model="tiny", exclusion_reason=99, exclusion_detail="new")  # type: ignore[arg-type]
    assert "tiny: excluded, unknown: new" in explain(Decision(model="small", candidates=[candidate]))
