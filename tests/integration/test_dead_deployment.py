"""A model of two deployments of which one fails at once: every call is answered, and what is shown is true."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 503])
@pytest.mark.parametrize("together", [1, 8])
async def test_no_call_fails_while_the_other_deployment_is_healthy(status: int, together: int, tmp_path: Path) -> None:
    async with (
        FaultyUpstream(Script(Fault.STATUS, status=status)) as dead,
        FaultyUpstream(Script(first_token_seconds=0.02)) as healthy,
    ):
        config = pool_config(dead.openai_url)
        config["backends"]["healthy"] = {"kind": "openai", "base_url": healthy.openai_url}
        del config["models"]["small"]["backend"]
        config["models"]["small"]["deployments"] = [{"backend": "upstream"}, {"backend": "healthy"}]
        config["routers"]["default"] |= {"models": ["small"], "fallbacks": []}
        async with service(config, tmp_path) as (client, app):
            for _ in range(24 // together):
                answers = await asyncio.gather(*(client.complete("Hello", timeout=20) for _ in range(together)))
                assert {answer.model for answer in answers} == {"small"}
                assert {answer.attempts[-1].backend for answer in answers} == {"healthy"}
            assert len(healthy.requests) == 24
            assert 5 <= len(dead.requests) <= 8 + together
            assert {model.name: model.available for model in await client.list_models()}["small"]

            def value(name: str, **labels: str) -> float | None:
                labels = {f"frontdesk_{label}": value for label, value in labels.items()}
                request_model = {"gen_ai_request_model": "small"} if "deployment" in name else {}
                return app.telemetry.metrics.registry.get_sample_value(name, {**labels, **request_model})

            state = "frontdesk_deployment_breaker_state"
            assert value(state, model="small", backend="upstream", breaker_state="open") == 1
            assert value(state, model="small", backend="healthy", breaker_state="closed") == 1
            assert value("frontdesk_breaker_state", model="small", breaker_state="closed") == 1
