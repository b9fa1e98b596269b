"""Time of one decision, in process, strategy by strategy, beside the bare calls it is made of, in one run.

Every query differs from the one before, and nothing is cached. A strategy is timed from context to ranking, `route`
from query to decision on the default configuration. The router LLM answers at once: what is shown is Frontdesk's own
share.

Usage: python benchmarks/decision_time.py [--queries 3000] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import numpy as np
import re2
from frontdesk_server.artefacts.embedders import InlineEmbedder, StaticEmbedder, load_default
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import default_config_path, load_config, parse_config
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.call import ANONYMOUS
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Message, Query, Role, TextPart, text_query
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.routing.engine import Engine
from frontdesk_server.routing.selection import Preferences
from frontdesk_server.routing.signals import compute_signals
from frontdesk_server.routing.strategies.base import RoutingContext
from frontdesk_server.routing.survey import survey

LENGTHS = (15, 200)
CONDITIONS = 50
REFERENCES_PER_MODEL = 250
_WARM_UP = 200

TEXT = (
    "please explain how the new system could handle several requests at once when a customer writes about an order "
    "that was paid but never shipped because the warehouse lost it and what we should tell them about refunds in our "
    "next message to support teams in other countries without making promises which nobody can keep before monday "
    "morning since the report on weekly sales figures is due and every manager wants to know why numbers went down"
)
WORDS = TEXT.split()

POOL = """
backends: {fake: {kind: simulated}}
models:
  small: {backend: fake, quality: 0.55, prices: {input: 0.1, output: 0.5}, capabilities: [json_schema]}
  mid: {backend: fake, quality: 0.78, prices: {input: 0.6, output: 3}}
  code: {backend: fake, quality: 0.74, prices: {input: 0.6, output: 3}}
  frontier: {backend: fake, quality: 0.93, prices: {input: 3, output: 15}}
"""


class InstantAsk:
    """A router LLM that answers at once."""

    async def __call__(
        self, model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
    ) -> Answer:
        """Name the mid model."""
        message = Message(Role.ASSISTANT, (TextPart('{"model": "mid"}'),))
        return Answer(message, FinishReason.STOP, Usage(1, 1))


def texts(words: int, count: int, seed: int) -> list[str]:
    """So many different texts of so many words."""
    draw = random.Random(seed)  # noqa: S311 - test data
    return [" ".join(draw.choices(WORDS, k=words)) + "?" for _ in range(count)]


def patterns(count: int) -> list[str]:
    """Patterns as rules have them: a few words each, of which one in ten occurs in the texts."""
    draw = random.Random(1)  # noqa: S311 - test data
    made = [rf"\b(?:{'|'.join(f'topic{number}{letter}' for letter in 'abc')})\b" for number in range(count)]
    for place in range(0, count, 10):
        made[place] = rf"\b{draw.choice(WORDS)}\s+{draw.choice(WORDS)}\b"
    return made


def keyword_lists(count: int) -> list[list[str]]:
    """Three keywords a list; in one list of ten, one that occurs in the texts."""
    draw = random.Random(2)  # noqa: S311 - test data
    made = [[f"topic{number}", f"two words{number}", f"größe{number}"] for number in range(count)]
    for place in range(0, count, 10):
        made[place][0] = draw.choice(WORDS)
    return made


def strategies() -> dict[str, str]:
    """The strategies that are timed, as configuration."""
    rules = [
        {"name": f"rule {number}", "when": {"pattern": pattern, "difficulty": {"min": 0.999}}, "model": "small"}
        for number, pattern in enumerate(patterns(CONDITIONS))
    ]
    rest = {"name": "rest", "when": {"difficulty": {"max": 1.0}}, "model": "mid"}
    keywords = [
        {"name": f"rule {number}", "when": {"keywords": words, "difficulty": {"min": 0.999}}, "model": "small"}
        for number, words in enumerate(keyword_lists(CONDITIONS))
    ]
    references = {
        model: texts(12, REFERENCES_PER_MODEL, seed) for seed, model in enumerate(("small", "mid", "code", "frontier"))
    }
    steps = [
        {"model": "small", "check": {"kind": "heuristic"}},
        {"model": "mid", "check": {"kind": "heuristic"}},
        {"model": "frontier"},
    ]
    trees = {
        f"rules, {CONDITIONS} conditions": {"kind": "rules", "rules": [*rules, rest]},
        f"rules, {CONDITIONS} lists of keywords": {"kind": "rules", "rules": [*keywords, rest]},
        "classifier": {"kind": "classifier", "quality_floor": 0.8},
        f"embedding, {4 * REFERENCES_PER_MODEL} references": {"kind": "embedding", "references": references},
        "llm, without its call": {"kind": "llm", "model": "small", "cache_size": 0},
        "cascade, 3 steps": {"kind": "cascade", "steps": steps},
    }
    return {
        name: json.dumps({"default": {"default_model": "mid", "strategy": tree, "strategy_timeout_ms": 10000}})
        for name, tree in trees.items()
    }


def build_engine(routers: str, embedder: StaticEmbedder) -> Engine:
    """An engine over the benchmark's pool."""
    loaded = parse_config(f"{POOL}routers: {routers}", "benchmark", {})
    pool = build_pool(loaded.config)
    return Engine(loaded, pool, CalmConditions(), InstantAsk(), SystemClock(), InlineEmbedder(embedder))


def build_default_engine(embedder: StaticEmbedder) -> Engine:
    """An engine on the configuration that ships."""
    loaded = load_config(default_config_path())
    pool = build_pool(loaded.config)
    return Engine(loaded, pool, CalmConditions(), InstantAsk(), SystemClock(), InlineEmbedder(embedder))


def context_of(engine: Engine, text: str) -> RoutingContext:
    """What a strategy of the default router gets for a text."""
    query, policy, clock = text_query(text), RoutingPolicy(), SystemClock()
    signals = compute_signals(query)
    models = engine.router("default").models
    field = survey(models, query, policy, signals, ANONYMOUS, CalmConditions(), None, clock.now())
    return RoutingContext(
        query, signals, policy, field.eligible, field.outlooks, Preferences(), clock.monotonic() + 1e6, NULL_CALL, clock
    )


async def time_each(timed: Sequence[Callable[[], Awaitable[object]]]) -> list[float]:
    """Microseconds of every call, the first ones left out."""
    taken = []
    gc.collect()
    gc.freeze()  # as the server does once it is built: what stays is not looked at again
    for call in timed:
        started = time.perf_counter_ns()
        await call()
        taken.append((time.perf_counter_ns() - started) / 1000)
    return taken[_WARM_UP:]


async def time_strategy(engine: Engine, batch: Sequence[str]) -> list[float]:
    """Microseconds from context to ranking."""
    await engine.prepare()
    rank = engine.router("default").strategy.rank
    contexts = [context_of(engine, text) for text in batch]
    return await time_each([partial(rank, context) for context in contexts])


async def time_route(engine: Engine, batch: Sequence[str]) -> list[float]:
    """Microseconds from query to decision."""

    async def decide(query: Query) -> object:
        return await engine.route(query, RoutingPolicy(), caller=ANONYMOUS, deadline=None, observation=NULL_CALL)

    return await time_each([partial(decide, text_query(text)) for text in batch])


async def time_plain(function: Callable[[str], object], batch: Sequence[str]) -> list[float]:
    """Microseconds of a plain function of a text."""

    async def call(text: str) -> None:
        function(text)

    return await time_each([partial(call, text) for text in batch])


def bare_calls(embedder: StaticEmbedder) -> dict[str, Callable[[str], object]]:
    """What the strategies are made of, without Frontdesk around it."""
    found = re2.Set.SearchSet()
    for pattern in patterns(CONDITIONS):
        found.Add(pattern)
    found.Compile()
    references = np.zeros((4 * REFERENCES_PER_MODEL, embedder.dimension), np.float32)
    vector = embedder.embed("any")
    return {
        f"bare RE2 set, {CONDITIONS} patterns": found.Match,
        "bare embedding": embedder.embed,
        f"bare numpy product with {len(references)} references": lambda _: references @ vector,
        "signals": lambda text: compute_signals(text_query(text)),
    }


async def measure(queries: int) -> dict[str, dict[str, dict[str, float]]]:
    """Median and 99th percentile in microseconds, by what was timed and words of the query."""
    embedder = load_default()
    results: dict[str, dict[str, dict[str, float]]] = {}

    def note(name: str, words: int, taken: Sequence[float]) -> None:
        p99 = statistics.quantiles(taken, n=100)[98]
        results.setdefault(name, {})[str(words)] = {"median_us": statistics.median(taken), "p99_us": p99}

    for words in LENGTHS:
        batch = texts(words, queries + _WARM_UP, seed=words)
        for name, function in bare_calls(embedder).items():
            note(name, words, await time_plain(function, batch))
        for name, routers in strategies().items():
            try:
                engine = build_engine(routers, embedder)
            except ConfigError as error:
                print(f"{name}: left out: {error}")
                continue
            note(name, words, await time_strategy(engine, batch))
        note("route, default configuration", words, await time_route(build_default_engine(embedder), batch))
    return results


def show(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """A table for people."""
    print(f"{'microseconds':48}" + "".join(f"{words:>7} words p99" for words in LENGTHS))
    for name, by_words in results.items():
        cells = (by_words[str(words)] for words in LENGTHS)
        print(f"{name:48}" + "".join(f"{cell['median_us']:9.1f} {cell['p99_us']:7.1f}" for cell in cells))


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=3000, help="decisions a strategy and length")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.queries))
    print(json.dumps(results, indent=2)) if arguments.json else show(results)


if __name__ == "__main__":
    main()
