"""A bug in the service: the caller learns nothing of it, the log learns where, and neither shows a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from frontdesk import Client, FrontdeskError
from frontdesk_server.assembly.app import open_server
from frontdesk_server.config.loading import LoadedConfig, default_config_path, parse_config

from tests.conftest import DefectLog

PROMPT = "my-private-prompt-5c1d"


def loaded(log_format: str) -> LoadedConfig:
    text = default_config_path().read_text() + f"\nledger: {{url: ''}}\ntelemetry: {{log_format: {log_format}}}\n"
    return parse_config(text, str(default_config_path()), {})


@pytest.mark.parametrize("log_format", ["json", "pretty"])
async def test_an_unforeseen_error_is_logged_without_what_was_asked(
    log_format: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    caught_defects: DefectLog,
) -> None:
    async def broken(self: object, query: Any, *args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError(query.last_user_text)

    monkeypatch.setattr("frontdesk_server.routing.engine.Engine.route", broken)
    async with (
        open_server(loaded(log_format), address=f"unix:{tmp_path}/s") as (_, server),
        Client(server.address) as c,
    ):
        with pytest.raises(FrontdeskError) as failure:
            await c.route(PROMPT)
    written = "".join(capfd.readouterr())
    assert failure.value.reason == "INTERNAL"
    assert "ZeroDivisionError" not in str(failure.value)
    assert "defect.caught" in written
    assert "test_internal_errors.py" in written
    assert "ZeroDivisionError" in written
    assert PROMPT not in written
    caught_defects.clear()
