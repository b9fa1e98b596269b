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

from benchmarks.difficulty.sets import KINDS, LANGUAGES, SETS, is_long, sentences

_RIGHT: dict[str, Callable[[Decision], bool]] = {
    "hard": lambda decision: decision.model == decision.strongest_model,
    "easy": lambda decision: decision.model != decision.strongest_model,
    "code": lambda decision: decision.model == "code-llm",
}
_LONG = "of the easy ones long"
_COLUMNS = (*KINDS, _LONG)
Tally = Counter[tuple[str, str]]


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


def _count(engine: Engine, which: str, language: str, *, show: bool) -> Tally:
    """How many sentences of one set and language go where they belong, of how many, by column."""
    tally: Tally = Counter()
    for kind in KINDS:
        texts = sentences(which, language, kind)
        for text, decision in zip(texts, asyncio.run(decide(engine, texts)), strict=True):
            fits = _RIGHT[kind](decision)
            columns = [kind, _LONG] if kind == "easy" and is_long(language, text) else [kind]
            tally.update((column, counted) for column in columns for counted in ("right", "of")[not fits :])
            if show and not fits:
                print(f"{language} {kind}: {text}\n    {decision.model}: {decision.reason}")
    return tally


def main() -> None:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.difficulty", description=__doc__)
    parser.add_argument("--languages", action="store_true", help="a row for each language, too")
    parser.add_argument("--misses", action="store_true", help="print what goes wrong in the tuning half")
    options = parser.parse_args()
    engine = shipped_engine()
    print("| sentences | language | " + " | ".join(_COLUMNS) + " |")
    print("|---|---|" + "---|" * len(_COLUMNS))
    for which in SETS:
        show = options.misses and which == "tuning"
        english, *others = [_count(engine, which, language, show=show) for language in LANGUAGES]
        named = dict(zip(LANGUAGES, [english, *others], strict=True)) if options.languages else {"en": english}
        for language, tally in {**named, "six others": sum(others, Counter())}.items():
            counts = [(tally[column, "right"], tally[column, "of"]) for column in _COLUMNS]
            cells = [f"{right} of {of}" if of else "" for right, of in counts]
            print(f"| {which} | {language} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
