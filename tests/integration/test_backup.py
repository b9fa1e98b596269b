"""A backup of the ledger, made as docs/operations.md says while the service writes, serves in its place."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from frontdesk import Client

from tests.commands import frontdesk
from tests.service import pool_config, service
from tests.upstream import FaultyUpstream, Script

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
(STATEMENT,) = re.findall(r"```sql\n(.+?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def back_up(ledger: Path, backup: Path) -> None:
    """Run the page's statement on a ledger that others write to."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute(STATEMENT.replace("backup.db", str(backup)))


async def test_a_backup_that_is_made_under_load_holds_what_was_answered_before(tmp_path: Path) -> None:
    async with FaultyUpstream(Script()) as upstream:
        config = pool_config(upstream.openai_url)

        async def answered(client: Client, times: int) -> list[str]:
            return [(await client.complete("Hello", timeout=30)).completion_id for _ in range(times)]

        config["ledger"] = {"url": f"sqlite:///{tmp_path}/ledger.db", "durability": "sync"}
        async with service(config, tmp_path) as (client, _):
            before = await answered(client, 5)
            load = asyncio.create_task(answered(client, 20))
            await asyncio.to_thread(back_up, tmp_path / "ledger.db", tmp_path / "backup.db")
            after = await load

        config["ledger"] = {"url": f"sqlite:///{tmp_path}/backup.db"}
        async with service(config, tmp_path) as (client, _):
            restored = {(await client.get_decision(each)).decision.decision_id for each in before}
            assert restored == set(before)
            assert (await answered(client, 1))[0] not in {*before, *after}

    shown = await asyncio.to_thread(
        frontdesk, "log", "--ledger", f"sqlite:///{tmp_path}/backup.db", "--json", folder=tmp_path
    )
    assert shown.returncode == 0, shown.stderr
    assert all(each in shown.stdout for each in before)
