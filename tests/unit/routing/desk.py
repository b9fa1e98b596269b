"""Builds engines from YAML, and routing contexts, for the tests of routing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
from frontdesk_server.artefacts.embedders import AsyncEmbedder, EmbedderError, Matrix
from frontdesk_server.artefacts.quality.drift import DriftMonitor
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.affinity import NO_AFFINITY, Affinity
from frontdesk_server.domain.asking import Ask, Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.conditions import CalmConditions, Conditions
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Query, Role, TextPart, text_query
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, Usage
from frontdesk_server.routing.engine import Engine
from frontdesk_server.routing.selection import Outlook, Preferences
from frontdesk_server.routing.signals import compute_signals
from frontdesk_server.routing.strategies.base import RoutingContext

from tests.fakes import FakeClock, a_model

POOL = """
backends: {fake: {kind: simulated}}
models:
  local: {backend: fake, quality: 0.5, prices: {input: 0, output: 0}, description: runs on our own machines}
  small: {backend: fake, quality: 0.6, prices: {input: 0.1, output: 0.5}, description: quick and cheap,
          capabilities: [json_schema, logprobs], time_to_first_token_ms: 60}
  mid: {backend: fake, quality: 0.8, prices: {input: 0.6, output: 3}, description: a good all-rounder,
        capabilities: [tools, json_schema], time_to_first_token_ms: 250}
  frontier: {backend: fake, quality: 0.95, prices: {input: 3, output: 15}, description: the strongest,
             capabilities: [tools, json_schema, image_input], time_to_first_token_ms: 1200, context_window: 100000}
"""
"""Four models, from `local` and `small` to `frontier`."""


class FakeAsk:
    """Answers every question with the next of its answers: a text, an error to raise, or an `Answer`."""

    def __init__(self, *answers: str | BaseException | Answer, cost_nano_usd: int | None = 70) -> None:
        self.answers = list(answers)
        self._cost_nano_usd = cost_nano_usd
        self.asked: list[tuple[str, Query]] = []

    async def __call__(
        self, model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
    ) -> Answer:
        assert purpose == "route"
        self.asked.append((model, query))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        bill.add(self._cost_nano_usd)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Answer) else an_answer(answer)


class FakeEmbedder:
    """Embeds a text as the bag of its words, so that texts are alike as far as they share words."""

    id = "fake@0"
    dimension = 256
    inline = False

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.error: EmbedderError | None = None
        self.seconds = 0.0

    async def embed(self, texts: Sequence[str]) -> Matrix:
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        self.embedded += texts
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, word_place(word)] += 1
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))
        return vectors


def word_place(word: str) -> int:
    """The place of a word in the vectors of `FakeEmbedder`."""
    return crc32(word.encode()) % FakeEmbedder.dimension


def an_answer(text: str, logprobs: Sequence[TokenLogprob] = ()) -> Answer:
    """An answer of this text."""
    message = Message(Role.ASSISTANT, (TextPart(text),))
    return Answer(message, FinishReason.STOP, Usage(5, 1), tuple(logprobs))


def engine_of(
    routers: str,
    *,
    ask: Ask | None = None,
    conditions: Conditions | None = None,
    clock: FakeClock | None = None,
    embedder: AsyncEmbedder | None = None,
    affinity: Affinity = NO_AFFINITY,
    drift: DriftMonitor | None = None,
    source: str = "test.yaml",
    models: str = POOL,
) -> Engine:
    """An engine of the routers given as YAML, over these models."""
    loaded = parse_config(models + routers, source, {})
    pool = build_pool(loaded.config)
    return Engine(
        loaded,
        pool,
        conditions or CalmConditions(),
        ask or FakeAsk("none"),
        clock or FakeClock(),
        embedder or FakeEmbedder(),
        affinity,
        drift,
    )


async def route(
    engine: Engine,
    query: str | Query,
    policy: RoutingPolicy | None = None,
    *,
    caller: Caller = ANONYMOUS,
    deadline: float | None = None,
) -> Decision:
    """Decide without an observer."""
    query = text_query(query) if isinstance(query, str) else query
    return await engine.route(
        query, policy or RoutingPolicy(), caller=caller, deadline=deadline, observation=NULL_CALL.route_started()
    )


def a_context(
    query: str | Query = "hi",
    *,
    models: Mapping[str, Model] | None = None,
    policy: RoutingPolicy | None = None,
    clock: FakeClock | None = None,
) -> RoutingContext:
    """A context in which `small`, `mid` and `frontier`, or the given models, are eligible."""
    query = text_query(query) if isinstance(query, str) else query
    models = models or {
        name: replace(a_model(name, output_usd=usd), quality=quality)
        for name, usd, quality in (("small", 1, 0.6), ("mid", 3, 0.8), ("frontier", 15, 0.95))
    }
    clock = clock or FakeClock()
    return RoutingContext(
        query=query,
        signals=compute_signals(query),
        policy=policy or RoutingPolicy(),
        eligible=models,
        outlooks={name: Outlook(index, 0.1) for index, name in enumerate(models)},
        preferences=Preferences(),
        deadline=clock.monotonic() + 0.25,
        observation=NULL_CALL,
        clock=clock,
    )
