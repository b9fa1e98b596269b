from __future__ import annotations

from frontdesk import Decision, explain
from frontdesk.v1.routing_pb2 import Candidate
from frontdesk_server.rpc.encode import encode_decision

from tests import full_values as full


def test_a_decision_is_told_in_words() -> None:
    signals = (
        "code, difficulty 0.75, about 42 input tokens, math, tools, media, language en, asks for a proof, several parts"
    )
    assert explain(encode_decision(full.DECISION)).splitlines() == [
        "code: rule code",
        "  decided by rules of router support (0123456789ab) in 12.3 ms for 0.000000018 USD",
        "  chosen to explore with probability 0.25",
        f"  signals: {signals}",
        "  strategies asked:",
        "    default/llm: timed out small (confidence 0.40): too slow",
        "  candidates:",
        "    * code  quality 0.90 ± 0.05, 0.000001234 USD, first token in 700 ms, score 0.880",
        "      tiny  excluded, context window: needs 9,000 tokens of 8,192",
        "  plan: code (primary, checked by default/cascade.0, gate)",
    ]


def test_a_bare_decision_needs_nothing_more() -> None:
    assert explain(Decision(model="small", reason="default model")).startswith("small: default model\n")


def test_what_a_newer_server_says_is_shown_as_a_number() -> None:
    candidate = Candidate(model="tiny", exclusion_reason=99, exclusion_detail="new")  # type: ignore[arg-type]
    assert "tiny  excluded, 99: new" in explain(Decision(model="small", candidates=[candidate]))
