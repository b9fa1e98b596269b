"""A short run of every fuzzer; the long ones are `make chaos`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.chaos import fuzz_port, fuzz_protobuf, fuzz_sse
from tests.chaos.fuzzing import Budget, Report


@pytest.mark.parametrize("fuzz", [fuzz_sse.fuzz, fuzz_protobuf.fuzz, fuzz_port.fuzz], ids=["sse", "protobuf", "port"])
async def test_no_input_is_a_finding(fuzz: Callable[[Budget], Awaitable[Report]]) -> None:
    report = await fuzz(Budget(seconds=4, inputs=2_000))
    assert report.inputs > 50
    assert report.findings == []
