"""What the examples of the README's pages promise."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import grpc
import pytest
from frontdesk import Client, FrontdeskError, reasons, text_of
from frontdesk.testing import FakeFrontdesk

EXAMPLES = Path(__file__).parents[3] / "clients" / "python" / "examples"
_spec = importlib.util.spec_from_file_location("patiently", EXAMPLES / "patiently.py")
assert _spec is not None
assert _spec.loader is not None
patiently = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(patiently)


async def test_the_patient_caller_waits_as_told_and_stops_before_the_deadline() -> None:
    with FakeFrontdesk(text="at last") as desk:
        async with Client(desk.address) as client:
            for _ in range(2):
                desk.fail(reasons.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_seconds=0.01)
            assert text_of((await patiently.complete_patiently(client, "hi", seconds=20)).message) == "at last"
            desk.fail(reasons.BUDGET_EXHAUSTED, grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_seconds=3600)
            begun = time.monotonic()
            with pytest.raises(FrontdeskError, match="BUDGET_EXHAUSTED"):
                await patiently.complete_patiently(client, "hi", seconds=20)
            assert time.monotonic() - begun < 20
            desk.fail(reasons.NO_ELIGIBLE_MODEL, grpc.StatusCode.FAILED_PRECONDITION)
            with pytest.raises(FrontdeskError, match="NO_ELIGIBLE_MODEL"):
                await patiently.complete_patiently(client, "hi", seconds=20)
    assert len(desk.queries) == 5
