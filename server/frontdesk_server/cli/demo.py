"""`frontdesk demo`: four queries, four models, every decision explained and priced."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import typer
from frontdesk import Client, CompleteResponse, Decision
from frontdesk.events import AttemptEnded, Started, TextDelta
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from frontdesk_server.cli.ask import run
from frontdesk_server.cli.connection import in_process
from frontdesk_server.cli.demo_pools import PoolChoice, demo_config
from frontdesk_server.cli.money import nano_usd, strongest_usd, total_usd

QUERIES = (
    "What is 2 + 2?",
    "Summarize this 3-line email for me: Hi John, can you please review my Q3 sales report draft by Friday? "
    "Thanks, Sarah.",
    "Fix the bug in this Python function that calculates Fibonacci.",
    "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential "
    "diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs "
    "between accuracy and latency.",
)


@dataclass(frozen=True, slots=True)
class _Shown:
    query: str
    completion: CompleteResponse
    seconds: float


def demo(
    pool: Annotated[
        PoolChoice, typer.Option(help="auto offers OpenAI or Ollama when a key or a local server is there.")
    ] = PoolChoice.AUTO,
) -> None:
    """Route and answer four queries by gRPC and show what was decided, why, and what it cost.

    Example: frontdesk demo --pool embedded
    """
    console = Console(highlight=False)

    async def work() -> None:
        loaded, name = demo_config(pool)
        console.print(f"[bold]Frontdesk[/] routes {len(QUERIES)} queries over gRPC on the {name}.")
        async with in_process(loaded) as client:
            shown = [await _show(client, query, console) for query in QUERIES]
        _summarise(shown, console)

    run(work())


async def _show(client: Client, query: str, console: Console) -> _Shown:
    console.print()
    console.print(Rule(style="dim"))
    console.print(Text(query, style="bold"))
    started = time.perf_counter()
    async with client.stream_complete(query) as stream:
        async for event in stream:
            match event:
                case Started(decision=decision):
                    _show_decision(decision, console)
                case TextDelta(text=text):
                    console.print(Text(text, style="green"), end="", soft_wrap=True)
                case AttemptEnded(attempt=attempt, next_model=next_model):
                    console.print(f"\n[yellow]{attempt.model} {attempt.error_message}; asking {next_model}[/]")
        completion = await stream.completion()
    seconds = time.perf_counter() - started
    console.print(f"\n[dim]{seconds:.2f} s, {_compared(completion)}[/]")
    return _Shown(query, completion, seconds)


def _show_decision(decision: Decision, console: Console) -> None:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("candidate")
    table.add_column("predicted cost", justify="right")
    table.add_column("first token", justify="right")
    table.add_column("", style="dim")
    for candidate in decision.candidates:
        chosen = candidate.model == decision.model
        cost = candidate.predicted_cost_nano_usd if candidate.HasField("predicted_cost_nano_usd") else None
        first_token = candidate.predicted_time_to_first_token.ToTimedelta().total_seconds()
        table.add_row(
            "[cyan]▶[/]" if chosen else "",
            f"[cyan bold]{candidate.model}[/]" if chosen else candidate.model,
            nano_usd(cost),
            f"{first_token * 1000:.0f} ms" if candidate.HasField("predicted_time_to_first_token") else "",
            candidate.exclusion_detail,
        )
    console.print(Padding(table, (0, 0, 0, 2)))
    milliseconds = decision.router_duration.ToNanoseconds() / 1e6
    console.print(f"  [cyan bold]{decision.model}[/]: {decision.reason} [dim](decided in {milliseconds:.2f} ms)[/]")


def _summarise(shown: list[_Shown], console: Console) -> None:
    console.print("\n[bold]What it came to[/]")
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    table.add_column("query", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("model", style="cyan", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("strongest", justify="right", no_wrap=True)
    for row in shown:
        cost = row.completion.cost
        table.add_row(row.query, row.completion.model, f"{row.seconds:.2f} s", total_usd(cost), strongest_usd(cost))
    console.print(table)
    costs = [row.completion.cost for row in shown]
    if all(cost.HasField("total_nano_usd") and cost.HasField("strongest_nano_usd") for cost in costs):
        spent, strongest = sum(c.total_nano_usd for c in costs), sum(c.strongest_nano_usd for c in costs)
        console.print(
            f"\n{nano_usd(spent)} instead of {nano_usd(strongest)} with the strongest model for everything: "
            f"[bold green]{1 - spent / strongest:.0%} saved[/]"
        )


def _compared(completion: CompleteResponse) -> str:
    cost = completion.cost
    return f"{total_usd(cost)}; always {completion.decision.strongest_model}: {strongest_usd(cost)}"
