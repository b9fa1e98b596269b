"""What a demonstration shows beside routing: an escalation, a provider that dies, a stream that is cancelled."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from frontdesk import Client
from frontdesk.events import TextDelta
from frontdesk.v1.router_service_pb2 import GetDecisionResponse
from rich.console import Console

from frontdesk_server.cli.demo_provider import STEADY, UNSURE, DemoProvider
from frontdesk_server.cli.demo_view import Opening, Shown, headline, show_answer
from frontdesk_server.cli.money import total_usd
from frontdesk_server.config.pool import ModelConfig, OpenAIBackendConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.routers import RouterConfig

_PROVIDER = "demonstration"
_CAREFUL, _RENTED = "careful", "rented"
_UNSURE_MODEL, _STEADY_MODEL = "unsure-llm", "rented-llm"
_SURE_ENOUGH = 0.65
_KNOWN_AND_GUESSED = (
    "What is the capital of France? Answer with one word.",
    "What is 347 * 289? Answer with a number only.",
)
_DELTAS_BEFORE_CANCEL = 3
_MOST_CALLS_UNTIL_OPEN = 8
_SETTLED_WITHIN_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.02


def with_scenes(config: Config, provider: DemoProvider, checked: str = "") -> Config:
    """The configuration with the models of the provider, and with the routers that the scenes ask.

    `checked` is a real model, whose answers are judged by the probabilities that it gave their words.
    """
    backend = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": provider.base_url, "api_key": ""})
    rented: dict[str, Any] = {"backend": _PROVIDER, "context_window": 8192, "quality": 0.6}
    models = {
        _UNSURE_MODEL: {**rented, "upstream_model": UNSURE, "prices": {"input": 0.05, "output": 0.20}},
        _STEADY_MODEL: {**rented, "upstream_model": STEADY, "prices": {"input": 0.30, "output": 1.20}},
    }
    first: dict[str, Any] = {"model": _UNSURE_MODEL, "check": {"kind": "heuristic"}}
    if checked:
        first = {"model": checked, "check": {"kind": "logprob", "threshold": _SURE_ENOUGH}}
    routers = {
        _CAREFUL: {"default_model": "mid-llm", "strategy": {"kind": "cascade", "steps": [first, {"model": "mid-llm"}]}},
        _RENTED: {
            "default_model": "mid-llm",
            "strategy": {"kind": "model", "model": _STEADY_MODEL},
            "fallbacks": ["mid-llm"],
        },
    }
    pool = tuple(config.models)
    own = {name: router.model_copy(update={"models": router.models or pool}) for name, router in config.routers.items()}
    retry = config.execution.retry.model_copy(update={"max_retries": 0})
    return config.model_copy(
        update={
            "backends": {**config.backends, _PROVIDER: backend},
            "models": {**config.models, **{name: ModelConfig.model_validate(one) for name, one in models.items()}},
            "routers": {**own, **{name: RouterConfig.model_validate(one) for name, one in routers.items()}},
            "execution": config.execution.model_copy(update={"retry": retry}),
        }
    )


async def escalation(client: Client, console: Console) -> list[Shown]:
    """A cheap model's answer does not pass its check, so that a better model is asked."""
    query = "What did the harbour master of Aldermoor say on the night of the flood?"
    headline(f"An answer that is not good enough: {query}", console)
    return [await show_answer(client, query, console, router=_CAREFUL)]


async def checked_answers(client: Client, console: Console, model: str) -> list[Shown]:
    """A real model is asked what it knows and what it can only guess; a better one is asked where it guessed."""
    shown = []
    for query in _KNOWN_AND_GUESSED:
        headline(
            f"A real answer, judged by how sure {model} was of its words (at least {_SURE_ENOUGH}): {query}", console
        )
        shown.append(await show_answer(client, query, console, router=_CAREFUL, temperature=0.0))
    return shown


async def takeover(client: Client, console: Console, provider: DemoProvider) -> list[Shown]:
    """A provider dies; the next model answers, until the breaker leaves the dead one out beforehand."""
    query = "What time is it in Lisbon when it is noon in Vienna?"
    headline(f"A provider that dies: {query}", console)
    shown = [await show_answer(client, query, console, router=_RENTED)]
    provider.kill()
    console.print("\n[red]The provider is killed.[/] The same again:")
    shown.append(await show_answer(client, query, console, router=_RENTED))
    failed = 1
    while await _available(client, _STEADY_MODEL) and failed < _MOST_CALLS_UNTIL_OPEN:
        started = time.perf_counter()
        completion = await client.complete(query, router=_RENTED)
        seconds = time.perf_counter() - started
        shown.append(Shown(query, completion.completion_id, completion.model, seconds, completion.cost))
        failed += 1
    console.print(f"\nAfter {failed} failed calls its breaker opens, and it is not asked at all:")
    shown.append(await show_answer(client, query, console, router=_RENTED))
    return shown


async def _available(client: Client, name: str) -> bool:
    return any(model.available for model in await client.list_models() if model.name == name)


async def cancellation(client: Client, console: Console, query: str) -> list[Shown]:
    """A caller leaves in the middle of an answer, and pays for what has come."""
    headline("A caller that leaves in the middle of an answer", console)
    started, deltas, opening = time.perf_counter(), 0, Opening(console)
    async with client.stream_complete(query) as stream:
        decision = await stream.decision()
        console.print(f"  [cyan bold]{decision.model}[/] answers:")
        async for event in stream:
            if isinstance(event, TextDelta):
                opening.add(event.text)
                deltas += 1
            if deltas == _DELTAS_BEFORE_CANCEL:
                stream.cancel()
                break
    opening.end()
    seconds = time.perf_counter() - started
    settled = await _settled(client, decision.decision_id)
    (attempt,) = settled.attempts
    tokens = f"{attempt.usage.output_tokens} output tokens{' (estimated)' if attempt.usage_estimated else ''}"
    console.print(f"\n[yellow]Cancelled after {seconds:.2f} s.[/] [dim]{tokens} came, {total_usd(settled.cost)}[/]")
    return [Shown(f"cancelled: {query}", decision.decision_id, decision.model, seconds, settled.cost)]


async def _settled(client: Client, decision_id: str) -> GetDecisionResponse:
    """The decision once its call is settled, which the ledger is told as the caller leaves."""
    async with asyncio.timeout(_SETTLED_WITHIN_SECONDS):
        record = await client.get_decision(decision_id)
        while not record.HasField("cost"):
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            record = await client.get_decision(decision_id)
        return record
