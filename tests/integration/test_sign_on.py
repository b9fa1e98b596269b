"""Sign-on in service: what cannot sign on is refused, and others answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from frontdesk_server.assembly.app import open_runtime
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError

from tests.service import pool_config, service
from tests.unit.backends.signon.test_kinds import google, service_account
from tests.upstream import FaultyUpstream
from tests.upstream.loopback import Loopback


def config_of(upstream: FaultyUpstream, account: Path, **small: Any) -> dict[str, Any]:
    config = pool_config(upstream.openai_url)
    config["backends"]["signed"] = {
        "kind": "openai",
        "base_url": upstream.openai_url,
        "sign_on": {"kind": "google_adc", "credentials_file": str(account)},
    }
    del config["models"]["small"]["backend"]
    config["models"]["small"] |= small
    return config


async def test_what_signs_on_is_sent_its_token(tmp_path: Path) -> None:
    async with Loopback(google) as tokens, FaultyUpstream() as upstream:
        config = config_of(upstream, service_account(tmp_path, tokens), backend="signed")
        async with service(config, tmp_path) as (client, _):
            for _ in range(3):
                assert (await client.complete("hi")).model == "small"
    sent = {request.headers["authorization"] for request in upstream.requests}
    assert sent == {"Bearer google for https://www.googleapis.com/auth/cloud-platform"}
    assert len(tokens.requests) == 1


async def test_a_failing_sign_on_is_refused_credentials_and_another_model_answers(tmp_path: Path) -> None:
    async with Loopback(google) as tokens, FaultyUpstream() as upstream:
        account = service_account(tmp_path, tokens, "unknown@project.iam.gserviceaccount.com")
        async with service(config_of(upstream, account, backend="signed"), tmp_path) as (client, _):
            answer = await client.complete("hi")
    failed, answered = answer.attempts
    assert (failed.error_reason, answered.model) == ("UPSTREAM_CREDENTIALS_REFUSED", "mid")
    assert failed.error_message == "google_adc: no token: RefreshError (invalid_grant)"
    assert (failed.cost_nano_usd, failed.usage.input_tokens) == (0, 0)


async def test_a_failing_sign_on_turns_to_another_deployment(tmp_path: Path) -> None:
    async with Loopback(google) as tokens, FaultyUpstream() as upstream:
        account = service_account(tmp_path, tokens, "unknown@project.iam.gserviceaccount.com")
        both = [{"backend": "signed", "weight": 1000}, {"backend": "upstream"}]
        async with service(config_of(upstream, account, deployments=both), tmp_path) as (client, _):
            answers = [await client.complete("hi") for _ in range(3)]
    assert {(answer.model, len(answer.attempts)) for answer in answers} == {("small", 1)}


async def test_a_missing_package_is_a_fault_of_the_configuration_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "frontdesk_server.backends.signon.azure_entra"
    for name in [name for name in sys.modules if f"{name}.".startswith(("azure.identity.", f"{ours}."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    config = pool_config("http://127.0.0.1:9/v1")
    config["backends"]["upstream"]["sign_on"] = {"kind": "azure_entra"}
    loaded = parse_config(yaml.safe_dump(config, sort_keys=False), str(tmp_path / "frontdesk.yaml"), {})
    with pytest.raises(ConfigError) as caught:
        async with open_runtime(loaded):
            pass
    (fault,) = caught.value.faults
    assert (fault.path, fault.message) == (
        "backends.upstream.sign_on",
        "needs azure-identity: pip install '.[azure]' in a checkout",
    )
    assert fault.line > 1
