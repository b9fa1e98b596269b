"""The clients that applications have, against the running service; docs/http.md has the table that this proves."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.sdks.harness import ROOT, outcomes, tried
from tests.sdks.table import SDKS, Sdk, table

_PAGE = ROOT / "docs/http.md"


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
async def test_every_feature_works_with_every_client(sdk: Sdk, tmp_path: Path) -> None:
    if sdk.needs is not None and not sdk.needs.exists():
        pytest.skip(f"{sdk.needs} is not installed")
    async with tried(tmp_path) as (url, upstream):
        told = await outcomes(sdk.command, url)
        slow = [request for request in upstream.requests if request.body["messages"][-1]["content"] == "slow"]
        assert slow
        for request in slow:  # the client has left each of them
            await asyncio.wait_for(request.aborted.wait(), 2)
    assert told == dict.fromkeys(sdk.features, "yes")


def test_the_page_has_the_table() -> None:
    """`python -m tests.sdks.table` prints it anew."""
    found = re.search(r"<!-- python -m tests.sdks.table -->\n(.*?)\n\n", _PAGE.read_text() + "\n", re.DOTALL)
    assert found is not None
    assert f"{found[1]}\n" == table({sdk.name: frozenset(sdk.features) for sdk in SDKS})
