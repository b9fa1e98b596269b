"""`frontdesk demo`: four queries, a check that rejects, a provider that dies, a caller that leaves."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from frontdesk_server.cli.ask import run
from frontdesk_server.cli.connection import in_process
from frontdesk_server.cli.demo_pools import PoolChoice, demo_pool
from frontdesk_server.cli.demo_provider import DemoProvider
from frontdesk_server.cli.demo_scenes import cancellation, checked_answers, escalation, takeover, with_scenes
from frontdesk_server.cli.demo_view import Shown, headline, show_answer, show_scoreboard
from frontdesk_server.cli.ledger_access import named_by_option
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import console as standard_output
from frontdesk_server.ledger.usable import check_ledger

QUERIES = (
    "What is 2 + 2?",
    "Summarize this 3-line email for me: Hi John, can you please review my Q3 sales report draft by Friday? "
    "Thanks, Sarah.",
    "Fix the bug in this Python function that calculates Fibonacci.",
    "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential "
    "diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs "
    "between accuracy and latency.",
)

UNCHECKED = (
    "[yellow]Nobody checked this answer:[/] the router that was asked has no check, so whatever the small model says "
    "is accepted. A cascade, as above, judges it, and asks a better model where it does not pass."
)


def demo(
    pool: Annotated[
        PoolChoice, typer.Option(help="auto offers OpenAI or Ollama when a key or a local server is there.")
    ] = PoolChoice.AUTO,
    endpoint: Annotated[
        str, typer.Option(help="Base URL of an OpenAI-compatible server, whose model is then the small one.")
    ] = "",
    ledger: Annotated[Path, typer.Option(help="SQLite file that keeps what was decided.")] = Path("frontdesk-demo.db"),
) -> None:
    """Answer four queries over gRPC; then let an answer be rejected, a provider die and a caller leave.

    Shows what was decided, why, and what it cost, and keeps it in a ledger to look at afterwards.

    Example: frontdesk demo --pool embedded
    """
    console = standard_output()
    url = f"sqlite:///{ledger}"
    begun = datetime.now(UTC)
    with named_by_option():
        check_ledger(url)
    shown: list[Shown] = []

    async def work() -> None:
        chosen = demo_pool(pool, endpoint, url)
        console.print(f"[bold]Frontdesk[/] routes {len(QUERIES)} queries over gRPC. It runs on {chosen.told}.")
        console.print(
            "Of each candidate it shows what is predicted: the quality of its answer from 0 to 1, the cost in USD per "
            "1,000 queries like this one, the time to the first token.",
            style="dim",
        )
        async with DemoProvider() as provider:
            staged = replace(chosen.loaded, config=with_scenes(chosen.loaded.config, provider, chosen.checked))
            async with in_process(staged) as client:
                if chosen.checked:
                    shown.extend(await checked_answers(client, console, chosen.checked))
                for query in QUERIES:
                    headline(query, console)
                    shown.append(await show_answer(client, query, console))
                    if shown[-1].model == chosen.checked:
                        console.print(UNCHECKED)
                if not chosen.checked:
                    shown.extend(await escalation(client, console))
                shown.extend(await takeover(client, console, provider))
                shown.extend(await cancellation(client, console, QUERIES[-1]))
        show_scoreboard(shown, console)

    try:
        run(work())
    except typer.Exit:
        say(
            "Every model that the router falls back on was asked, and none answered: the demo ends here. "
            "With --pool embedded it needs no key and no network.",
            err=True,
        )
        raise
    console.print(
        f"\n[bold]Look at it again[/] (kept in {ledger}, to which every run adds; --since tells this one alone)"
    )
    since = f"--since {begun:%Y-%m-%dT%H:%M:%SZ}"
    for command in (f"explain {shown[-1].decision_id}", f"stats {since}", f"report {since}"):
        console.print(f"  {sys.argv[0]} {command} --ledger {url}", soft_wrap=True)
