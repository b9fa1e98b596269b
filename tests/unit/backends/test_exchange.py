"""What is repeated of an upstream's words."""

from __future__ import annotations

import pytest
from frontdesk_server.backends.exchange import Upstream
from frontdesk_server.config.pool import OpenAIBackendConfig

SECRET = "sk-0123456789abcdef"


@pytest.mark.parametrize("length", range(280, 305, 3))
async def test_a_credential_is_masked_whole_wherever_the_message_is_cut(length: int) -> None:
    config = OpenAIBackendConfig.model_validate(
        {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": SECRET, "headers": {"x-team": "blue-team"}}
    )
    upstream = Upstream(config, "/chat/completions", {})
    message = upstream.quote("x" * length + f" {SECRET} of blue-team " + "y" * 500)
    await upstream.aclose()
    assert len(message) <= 301
    assert "sk-" not in message
    assert "blue" not in message
