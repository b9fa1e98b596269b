"""What the service shows of the state it is in."""

from __future__ import annotations

from pathlib import Path

import pytest
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
