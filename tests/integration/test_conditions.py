"""What the service shows of the state it is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk import FrontdeskError
from frontdesk_server.assembly.app import App

from tests.service import pool_config, service
from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream


def breaker_states(app: App, model: str) -> dict[str, float | None]:
    registry = app.telemetry.metrics.registry
    return {
        state: registry.get_sample_value(
            "frontdesk_breaker_state", {"frontdesk_model": model, "frontdesk_breaker_state": state}
        )
        for state in ("closed", "half_open", "open")
    }


async def test_metrics_tell_the_state_of_every_breaker(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream:
        upstream.script = Script(fault=Fault.STATUS, status=500)
        config = pool_config(upstream.openai_url)
        config["routers"]["default"]["fallbacks"] = []
        async with service(config, tmp_path) as (client, app):
            assert breaker_states(app, "small") == {"closed": 1, "half_open": 0, "open": 0}
            for _ in range(5):
                with pytest.raises(Exception, match="500"):
                    await client.complete("Hello")
            assert breaker_states(app, "small") == {"closed": 0, "half_open": 0, "open": 1}
            assert breaker_states(app, "mid") == {"closed": 1, "half_open": 0, "open": 0}
            assert app.telemetry.metrics.registry.get_sample_value("frontdesk_calls_queued") == 0


async def test_an_answer_beyond_our_own_limit_closes_the_model_to_nobody(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream:
        config = pool_config(upstream.openai_url)
        config["backends"]["upstream"]["max_response_bytes"] = 100_000
        async with service(config, tmp_path) as (client, app):
            upstream.script = Script(tokens=("x" * 60_000,) * 2)
            for _ in range(6):
                with pytest.raises(FrontdeskError) as failure:
                    await client.complete("Tell me everything")
                assert failure.value.reason == "UPSTREAM_RESPONSE_TOO_LONG"
            assert breaker_states(app, "small") == {"closed": 1, "half_open": 0, "open": 0}
            upstream.script = Script(tokens=("short",))
            assert (await client.complete("Hello")).model == "small"


@pytest.mark.parametrize(("slow", "chosen"), [(("small",), "frontier"), (("small", "mid", "frontier"), "")])
async def test_routing_knows_what_the_router_s_own_timeout_leaves(
    slow: tuple[str, ...], chosen: str, tmp_path: Path
) -> None:
    async with FaultyUpstream() as upstream:
        config = pool_config(upstream.openai_url)
        for model in slow:
            config["models"][model]["time_to_first_token_ms"] = 200_000
        async with service(config, tmp_path) as (client, _):
            if chosen:
                assert (await client.route("Hello")).model == chosen
                assert (await client.complete("Hello")).model == chosen
                return
            for ask in (client.route, client.complete):
                with pytest.raises(FrontdeskError) as failure:
                    await ask("Hello")
                assert failure.value.reason == "NO_ELIGIBLE_MODEL"
                assert "first token expected after 200.00 s, 120.00 s are left" in str(failure.value)
