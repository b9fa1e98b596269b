"""Models, rules and references: what a larger configuration costs at start, in memory, and a call."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.harness import contenders, queries
from benchmarks.harness.calling import check
from benchmarks.harness.config import Yaml
from benchmarks.harness.curve import Curve, cpu_of
from benchmarks.harness.pairing import Bench, Contender

MODELS = (4, 40, 400)
RULES = (10, 100, 1_000, 10_000)
REFERENCES = (100, 1_000, 10_000, 100_000)
_IN_FLIGHT = 16
_WORDS = ("invoice", "refund", "order", "parcel", "account", "password", "summary", "contract", "recipe", "engine")


class Change(Protocol):
    """Makes a configuration of this size; `folder` is for files that it names."""

    def __call__(self, config: Yaml, size: int, folder: Path) -> None:
        """Change the configuration in place."""


def measure(bench: Bench, upstream_url: str) -> list[Curve]:
    """The three curves."""
    return [
        _curve(bench, upstream_url, "Route by classifier", "models", MODELS, _models, "classifier"),
        _curve(bench, upstream_url, "Route by rules", "rules", RULES, _rules),
        _curve(bench, upstream_url, "Route by embedding", "references", REFERENCES, _references, "embedding"),
    ]


def _curve(
    bench: Bench, upstream_url: str, name: str, quantity: str, sizes: Sequence[int], change: Change, router: str = ""
) -> Curve:
    """One server a size, all measured in one interleaved row."""
    curve = Curve(name, quantity, tuple(sizes))
    starts, memory = [], []
    asked = queries.route(router)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        measured = []
        for size in sizes:
            started = time.perf_counter()
            server = stack.enter_context(
                contenders.frontdesk(
                    bench.cores.server,
                    upstream_url,
                    name=f"{size} {quantity}",
                    change=partial(change, size=size, folder=folder),
                )
            )
            check(server.port, asked)
            starts.append(time.perf_counter() - started)
            memory.append(server.memory_bytes() / 2**20)
            measured.append(Contender(server.name, server, asked))
        row = bench.compare(name, measured, _IN_FLIGHT)
    curve.costs["CPU µs a call"] = cpu_of(row, [one.name for one in measured])
    curve.costs["start s"] = starts
    curve.costs["memory MiB"] = memory
    return curve


def _models(config: Yaml, size: int, folder: Path) -> None:
    """So many models, copies of those that ship, in every router."""
    shipped = [name for name in config["models"] if config["models"][name]["backend"] == "instant"]
    for number in range(len(shipped), size):
        config["models"][f"model-{number}"] = dict(config["models"][shipped[number % len(shipped)]])
    for router in ("default", "classifier", "embedding"):
        config["routers"][router]["models"] = [
            name for name, model in config["models"].items() if model["backend"] == "instant"
        ]


def _rules(config: Yaml, size: int, folder: Path) -> None:
    """So many rules that do not hold, by a keyword or a pattern, before those that ship."""
    strategy = config["routers"]["default"]["strategy"]
    made = [
        {
            "name": f"rule {number}",
            "when": {"pattern": rf"\bticket-{number}\s+\w+"} if number % 2 else {"keywords": [f"topic{number}"]},
            "model": "mid-llm",
        }
        for number in range(size - len(strategy["rules"]))
    ]
    strategy["rules"] = [*made, *strategy["rules"]]


def _references(config: Yaml, size: int, folder: Path) -> None:
    """So many references in a file, shared out over the models that ship."""
    draw = random.Random(size)  # noqa: S311 - made-up texts
    file = folder / f"references-{size}.jsonl"
    models = list(config["routers"]["embedding"]["strategy"]["references"])
    with file.open("w") as lines:
        for number in range(size):
            text = f"{' '.join(draw.choices(_WORDS, k=8))} {number}"
            lines.write(json.dumps({"label": models[number % len(models)], "text": text}) + "\n")
    config["routers"]["embedding"]["strategy"] = {"kind": "embedding", "references_file": str(file)}
    config["routers"]["embedding"]["strategy_timeout_ms"] = 10_000
