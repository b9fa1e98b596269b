"""What an upstream refuses by name costs one call, is counted and logged, and is not asked for again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frontdesk._requests import to_query
from frontdesk.v1 import chat_pb2 as pb

from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script
from tests.upstream.server import SeenRequest


def refusing(field: str, message: str) -> Any:
    def script(request: SeenRequest) -> Script:
        if field in request.body:
            return Script(Fault.STATUS, status=400, error_type="invalid_request_error", error_message=message)
        return Script()

    return script


async def test_a_field_that_only_we_sent_is_refused_once(tmp_path: Path) -> None:
    script = refusing("stream_options", "stream_options is not supported")
    async with FaultyUpstream(script) as upstream, service(pool_config(upstream.openai_url), tmp_path) as (client, app):
        for _ in range(3):
            events = [event async for event in client.stream_complete("Hello", timeout=20)]
            assert events
        assert ["stream_options" in request.body for request in upstream.requests] == [True, False, False, False]
        labels = {"frontdesk_backend": "upstream", "frontdesk_refused_field": "stream_options"}
        page = app.telemetry.metrics.registry.collect()
        counted = [
            sample.value
            for family in page
            for sample in family.samples
            if sample.name == "frontdesk_refused_fields_total" and labels.items() <= sample.labels.items()
        ]
        assert counted == [1]


def hot(query: pb.Query) -> None:
    query.generation.temperature = 0.5


def formal(query: pb.Query) -> None:
    query.generation.response_format.json_object.SetInParent()


def demanding(query: pb.Query) -> None:
    query.tools.add(name="weather")
    query.tool_choice.mode = pb.ToolChoice.MODE_REQUIRED


def flexible(query: pb.Query) -> None:
    query.provider_options.add(dialect="openai", options_json='{"service_tier": "flex"}')


@pytest.mark.parametrize(
    ("setting", "field", "message", "detail"),
    [
        (hot, "temperature", "Unsupported parameter: 'temperature' is not supported with this model.", "temperature"),
        (formal, "response_format", "Unknown parameter: 'response_format'.", "JSON without a schema"),
        (demanding, "tool_choice", "`tool_choice` is not supported with this model", "demanded tool"),
        (flexible, "service_tier", "Unknown parameter: 'service_tier'.", "provider_options openai.service_tier"),
    ],
)
async def test_a_setting_of_the_caller_is_refused_once_and_then_another_model_is_chosen(
    tmp_path: Path, setting: Callable[[pb.Query], None], field: str, message: str, detail: str
) -> None:
    async with FaultyUpstream(refusing(field, message)) as stern, FaultyUpstream() as mild:
        config = pool_config(stern.openai_url)
        config["backends"]["mild"] = {"kind": "openai", "base_url": mild.openai_url}
        config["models"]["small"]["capabilities"] = ["tools", "json_object"]
        config["models"]["other"] = {**config["models"]["small"], "backend": "mild"}
        config["routers"]["default"] |= {"models": ["small", "other"], "fallbacks": ["other"], "default_model": "small"}
        async with service(config, tmp_path) as (client, _):
            query = to_query("Hello")
            setting(query)
            for _ in range(3):
                answer = await client.complete(query, timeout=20)
                assert answer.model == "other"
            assert len(stern.requests) == 1
            (candidate,) = [one for one in answer.decision.candidates if one.model == "small"]
            assert f"takes no {detail}" in candidate.exclusion_detail
            assert (await client.complete("Hello", timeout=20)).model == "small"
