"""What the embedded pool's answers cost is what was predicted of them, within a factor of two."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from frontdesk_server.cli.demo import QUERIES
from frontdesk_server.config.loading import default_config_path

from tests.service import service

PAIRS = json.loads((Path(__file__).parents[1] / "data/short_hard_long_easy.json").read_text())


async def test_predicted_and_actual_cost_of_the_embedded_pool_agree_within_a_factor_of_two(tmp_path: Path) -> None:
    config = yaml.safe_load(default_config_path().read_text())
    for model in config["models"].values():
        model.update(time_to_first_token_ms=0.001, output_tokens_per_second=1e9)
    predicted, actual = 0, 0
    async with service(config | {"ledger": {"url": ""}, "telemetry": {"log_level": "error"}}, tmp_path) as (client, _):
        for query in (*QUERIES, *(query for pair in PAIRS for query in pair)):
            completion = await client.complete(query)
            (chosen,) = (one for one in completion.decision.candidates if one.model == completion.decision.model)
            cost = completion.cost.total_nano_usd
            assert chosen.predicted_cost_nano_usd / 2 <= cost <= chosen.predicted_cost_nano_usd * 2, query
            predicted, actual = predicted + chosen.predicted_cost_nano_usd, actual + cost
    assert 0.85 < actual / predicted < 1.15
