"""Routes every sentence of the sets by the configuration that ships, and counts: `python -m benchmarks.difficulty`.

A hard one belongs to the strongest model, an easy one to any other, one about programming to the model for code.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from frontdesk_server.artefacts.embedders import InlineEmbedder, load_default
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import default_config_path, load_config
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.call import ANONYMOUS
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query, text_query
from frontdesk_server.routing.engine import Engine

from benchmarks.difficulty.sets import KINDS, LANGUAGES, blind, newcomers, strangers, tuning, untouched

_RIGHT: dict[str, Callable[[Decision], bool]] = {
    "hard": lambda decision: decision.model == decision.strongest_model,
    "easy": lambda decision: decision.model != decision.strongest_model,
    "code": lambda decision: decision.model == "code-llm",
}
_PARTS = {"tuning": tuning, "untouched": untouched, "blind": blind, "strangers": strangers, "newcomers": newcomers}


async def _no_router_llm(
    model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
) -> Answer:
    raise AssertionError("the configuration that ships asks no model")


def shipped_engine() -> Engine:
    """An engine on the configuration that ships."""
    loaded = load_config(default_config_path())
    pool = build_pool(loaded.config)
    return Engine(loaded, pool, CalmConditions(), _no_router_llm, SystemClock(), InlineEmbedder(load_default()))


async def decide(engine: Engine, texts: Sequence[str]) -> list[Decision]:
    """The decision on each text."""
    return [
        await engine.route(text_query(text), RoutingPolicy(), caller=ANONYMOUS, deadline=None, observation=NULL_CALL)
        for text in texts
    ]


async def _count(misses: bool) -> None:
    engine = shipped_engine()
    lines = []
    totals: Counter[tuple[str, str, str]] = Counter()
    for language in LANGUAGES:
        cells = []
        for name, part in _PARTS.items():
            for kind in KINDS:
                decisions = await decide(engine, texts := part(language, kind))
                right = [_RIGHT[kind](decision) for decision in decisions]
                cells.append(f"{sum(right)} of {len(right)}")
                others = "others" if language != LANGUAGES[0] else language
                totals[name, kind, f"{others} right"] += sum(right)
                totals[name, kind, f"{others} of"] += len(right)
                if misses and name == "tuning":
                    for text, decision, fits in zip(texts, decisions, right, strict=True):
                        if not fits:
                            print(f"{language} {kind}: {text}\n    {decision.model}: {decision.reason}")
        lines.append((language, cells))
    summed = [
        f"{totals[half, kind, 'others right']} of {totals[half, kind, 'others of']}"
        for half in _PARTS
        for kind in KINDS
    ]
    print("| language | " + " | ".join(f"{kind}, {half}" for half in _PARTS for kind in KINDS) + " |")
    print("|---|" + "---|" * len(summed))
    for language, cells in [*lines, ("six others", summed)]:
        print(f"| {language} | " + " | ".join(cells) + " |")


def main() -> None:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.difficulty", description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print what goes wrong in the tuning halves")
    asyncio.run(_count(parser.parse_args().misses))


if __name__ == "__main__":
    main()
