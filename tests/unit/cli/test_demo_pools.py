"""The pools of `frontdesk demo`: what is found, what is said of it, what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import typer
from frontdesk_server.cli import app, demo_pools, demo_upstreams
from frontdesk_server.cli.demo_pools import PoolChoice, demo_pool
from frontdesk_server.domain.model import Capability
from typer.testing import CliRunner

NOBODY = "http://127.0.0.1:9"


@contextmanager
def serving(pages: Mapping[str, Any]) -> Iterator[str]:
    """A server with these JSON pages."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(pages[self.path]).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_the_openai_pool_is_refused_without_a_key(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(typer.BadParameter, match="OPENAI_API_KEY is not set"):
        demo_pool(PoolChoice.OPENAI, "", "")


def test_the_openai_pool_says_which_model_plays_which_and_never_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine")
    pool = demo_pool(PoolChoice.OPENAI, "", "")
    assert "small-llm is gpt-4.1-nano" in pool.told
    assert "sk-of-mine" not in pool.told + repr(pool)
    assert {model.backend for model in pool.loaded.config.models.values()} == {"real"}


def test_the_ollama_pool_is_made_of_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    models = [{"name": "large", "size": 9}, {"name": "tiny", "size": 1}, {"name": "tiny-code", "size": 5}]
    with serving({"/api/tags": {"models": models}}) as url:
        for module in (demo_pools, demo_upstreams):
            monkeypatch.setattr(module, "OLLAMA", url)
        told = demo_pool(PoolChoice.OLLAMA, "", "").told
    assert told.startswith(f"Ollama at {url}, 3 models found: small-llm is tiny,")
    assert told.endswith("code-llm is tiny-code, frontier-llm is large")


def test_without_ollama_its_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (demo_pools, demo_upstreams):
        monkeypatch.setattr(module, "OLLAMA", NOBODY)
    with pytest.raises(typer.BadParameter, match=f"no Ollama with a model answers at {NOBODY}"):
        demo_pool(PoolChoice.OLLAMA, "", "")


def test_the_model_of_an_endpoint_is_the_small_one_and_the_others_stay_simulated() -> None:
    with serving({"/v1/models": {"data": [{"id": "some-llm"}]}}) as url:
        pool = demo_pool(PoolChoice.AUTO, f"{url}/v1", "")
    models = pool.loaded.config.models
    assert (pool.checked, models["small-llm"].upstream_model) == ("small-llm", "some-llm")
    assert Capability.LOGPROBS in models["small-llm"].capabilities
    assert {name for name, model in models.items() if model.backend == "embedded"} == set(models) - {"small-llm"}
    assert "some-llm" in pool.told
    assert "simulated" in pool.told


def test_a_pool_that_gives_no_answer_ends_the_demo_with_what_happened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo_pools, "_OPENAI", f"{NOBODY}/v1")
    ran = CliRunner(env={"OPENAI_API_KEY": "a-key"}).invoke(
        app, ["demo", "--pool", "openai", "--ledger", f"{tmp_path}/demo.db"]
    )
    assert ran.exit_code == 1
    assert "Every model that the router falls back on was asked, and none answered" in ran.stderr
    assert "--pool embedded" in ran.stderr


def test_an_endpoint_where_nobody_answers_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match=f"answers at {NOBODY}"):
        demo_pool(PoolChoice.AUTO, NOBODY, "")
