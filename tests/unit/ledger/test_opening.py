"""A ledger that cannot be used says so when it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.errors import ConfigError, DecisionNotFound, LedgerUnavailable
from frontdesk_server.ledger import NullLedger

from tests.records import a_routed_query


def config(url: str, **settings: object) -> LedgerConfig:
    return LedgerConfig.model_validate({"url": url, **settings})


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://host/db", "sqlite:///FILE or postgresql"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
async def test_unusable_urls_are_faults_of_the_configuration(url: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        async with open_ledger(config(url)):
            pass


@pytest.mark.parametrize("url", ["hunter2", "postgresql+psycopg://u:ab@host:hunter2@db/x"])
async def test_a_password_in_an_unusable_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        async with open_ledger(config(url)):
            pass
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(caught.value.lines())


async def test_an_unreachable_database_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        async with open_ledger(config(f"sqlite:///{tmp_path}/no/such/folder/l.db")):
            pass


async def test_an_empty_url_keeps_nothing() -> None:
    routed = a_routed_query()
    async with open_ledger(config("")) as ledger:
        assert isinstance(ledger, NullLedger)
        await ledger.record_decision(routed)
        with pytest.raises(DecisionNotFound):
            await ledger.decision(routed.decision.decision_id, "billing")


def test_reading_creates_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"), open_reader(f"sqlite:///{tmp_path}/none.db"):
        pass
    assert not list(tmp_path.iterdir())
