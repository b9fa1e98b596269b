"""What providers say that a call cost, in each of their spellings."""

from __future__ import annotations

from typing import Any

import pytest
from frontdesk_server.backends.reported_cost import reported_cost_nano_usd


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, None),
        ({"prompt_tokens": 3}, None),
        ({"cost": 0.00125}, 1_250_000),
        ({"cost": 0}, 0),
        ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.4}}, 500_000_000),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, 210_000_000),
        ({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.006}}, 6_000_000),
        ({"estimated_cost": 0.0002}, 200_000),
        ({"cost_in_usd_ticks": 3_530_500}, 353_050),
        ({"cost": "0.1"}, None),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({"cost": 1e300}, None),
        ({"cost": [1]}, None),
        ({"cost": {"total_cost": None}}, None),
    ],
)
def test_the_reported_cost(usage: dict[str, Any], expected: int | None) -> None:
    assert reported_cost_nano_usd(usage) == expected
