"""Nobody learns by an answer, or by how long it takes, whether another caller's decision exists."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from frontdesk_server.assembly.app import open_app
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.call import Caller, LocalCall
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.ids import new_decision_id
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.record import Ledger
from sqlalchemy import Engine, event

from tests.records import a_cascade, a_routed_query

WINDOW_SECONDS = 0.05


def settings(url: str, flush_ms: float = WINDOW_SECONDS * 1000) -> LedgerConfig:
    return LedgerConfig.model_validate({"url": url, "flush_ms": flush_ms})


async def asked(ledger: Ledger, decision_id: str, statements: list[str]) -> tuple[list[str], bool, str]:
    """The statements that looking it up costs, whether it waited for other workers, and the refusal."""
    statements.clear()
    started = time.monotonic()
    with pytest.raises(DecisionNotFound) as refusal:
        await ledger.decision(decision_id, "another")
    waited = time.monotonic() - started >= 2 * WINDOW_SECONDS
    return list(statements), waited, str(refusal.value).replace(decision_id, "ID")


@pytest.mark.parametrize("committed", [True, False])
async def test_anothers_decision_costs_what_an_unknown_one_costs(committed: bool, ledger_url: str) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and "pg_class" not in statement:  # what partitions need is asked beside
            statements.append(statement)

    routed = a_routed_query()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        async with open_ledger(settings(ledger_url)) as ledger:
            if committed:
                await ledger.record_decision(routed)
                await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
        async with open_ledger(settings(ledger_url)) as ledger:
            if not committed:
                await ledger.record_decision(routed)
            others = await asked(ledger, routed.decision.decision_id, statements)
            unknown = await asked(ledger, new_decision_id(), statements)
            assert (await ledger.decision(routed.decision.decision_id, "billing")).caller == "billing"
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert others == unknown
    assert others[1:] == (True, "no decision 'ID' is recorded")
    assert len(others[0]) == 2


async def test_judging_anothers_decision_is_like_judging_an_unknown_one(tmp_path: Path) -> None:
    text = f"""
backends: {{up: {{kind: simulated}}}}
models: {{small: {{backend: up}}}}
routers: {{default: {{default_model: small, strategy: {{kind: model, model: small}}}}}}
ledger: {{url: "sqlite:///{tmp_path}/ledger.db", flush_ms: {WINDOW_SECONDS * 1000}}}
"""
    ours, others = LocalCall(Caller("ours")), LocalCall(Caller("others"))
    query = a_routed_query().query
    async with open_app(parse_config(text, str(tmp_path / "f.yaml"), {})) as app:
        decision = await app.desk.route(query, RoutingPolicy(), ours, {})
        for decision_id in (decision.decision_id, new_decision_id()):
            for ask in (
                app.desk.decision(decision_id, others),
                app.desk.report_outcome(decision_id, 0.5, "us", others, {}),
            ):
                started = time.monotonic()
                with pytest.raises(DecisionNotFound):
                    await ask
                assert time.monotonic() - started >= 2 * WINDOW_SECONDS
        outcome, replaced = await app.desk.report_outcome(decision.decision_id, 1.0, "us", ours, {})
    assert (outcome.quality, replaced) == (1.0, False)
