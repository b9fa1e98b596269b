"""What a demonstration shows: an answer as it comes, its decision, and what everything came to."""

from __future__ import annotations

import time
from dataclasses import dataclass

from frontdesk import Client, Decision, GenerationConfig, Query, user
from frontdesk.events import AttemptEnded, Started, TextDelta
from frontdesk.v1.routing_pb2 import Attempt, Cost
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from frontdesk_server.cli.money import nano_usd, strongest_usd, total_usd
from frontdesk_server.domain.money import PER_THOUSAND, per_thousand

_SHOWN_CHARACTERS = 320


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the scoreboard."""

    query: str
    decision_id: str
    model: str
    seconds: float
    cost: Cost


def headline(text: str, console: Console) -> None:
    """Begin something new."""
    console.print()
    console.print(Rule(style="dim"))
    console.print(Text(text, style="bold"))


class Opening:
    """Shows the beginning of an answer as it comes, and that there was more."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._left = _SHOWN_CHARACTERS

    def add(self, text: str) -> None:
        """The next piece."""
        shown = text[: max(0, self._left)]
        if self._left >= 0 and len(text) > self._left:
            shown += " […]"
        self._left -= len(text)
        self._console.print(Text(shown.replace("\n\n", " "), style="green"), end="", soft_wrap=True)


async def show_answer(
    client: Client, query: str, console: Console, *, router: str = "", temperature: float | None = None
) -> Shown:
    """Ask, and show the decision, the answer as it comes and what it cost."""
    asked = Query(messages=[user(query)], generation=GenerationConfig(temperature=temperature))
    started, opening = time.perf_counter(), Opening(console)
    async with client.stream_complete(asked, router=router) as stream:
        async for event in stream:
            match event:
                case Started(decision=decision):
                    show_decision(decision, console)
                case TextDelta(text=text):
                    opening.add(text)
                case AttemptEnded(attempt=attempt, next_model=next_model):
                    console.print(f"  [yellow]{attempt.model} {_why_ended(attempt)}; asking {next_model}[/]")
        completion = await stream.completion()
    seconds = time.perf_counter() - started
    for check in completion.attempts[-1].checks:
        console.print(f"\n[dim]passed its check ({check.check}: {check.detail})[/]", end="")
    cost, decision = completion.cost, completion.decision
    took = f"{seconds:.2f} s, {completion.usage.output_tokens:,} output tokens, {total_usd(cost)}"
    console.print(f"\n[dim]{took}; always {decision.strongest_model}: {strongest_usd(cost)}[/]")
    return Shown(query, completion.completion_id, completion.model, seconds, cost)


def show_decision(decision: Decision, console: Console) -> None:
    """The candidates with what is predicted of them, and why the chosen one was chosen."""
    table = _table("", "candidate", f">{PER_THOUSAND}", ">first token", "")
    for candidate in decision.candidates:
        chosen = candidate.model == decision.model
        cost = candidate.predicted_cost_nano_usd if candidate.HasField("predicted_cost_nano_usd") else None
        first_token = candidate.predicted_time_to_first_token.ToTimedelta().total_seconds()
        table.add_row(
            "[cyan]▶[/]" if chosen else "",
            f"[cyan bold]{candidate.model}[/]" if chosen else candidate.model,
            per_thousand(cost),
            f"{first_token * 1000:.0f} ms" if candidate.HasField("predicted_time_to_first_token") else "",
            f"[dim]{candidate.exclusion_detail}[/]",
        )
    console.print(Padding(table, (0, 0, 0, 2)))
    milliseconds = decision.router_duration.ToNanoseconds() / 1e6
    console.print(f"  [cyan bold]{decision.model}[/]: {decision.reason} [dim](decided in {milliseconds:.2f} ms)[/]")


def show_scoreboard(shown: list[Shown], console: Console) -> None:
    """What was asked, who answered, and what always asking the strongest model would have cost."""
    console.print("\n[bold]What it came to[/]")
    table = _table("query", "model", ">time", ">cost", ">strongest")
    table.expand = True
    table.columns[0].ratio, table.columns[0].no_wrap = 1, True
    for row in shown:
        table.add_row(row.query, row.model, f"{row.seconds:.2f} s", total_usd(row.cost), strongest_usd(row.cost))
    console.print(table)
    known = [row for row in shown if row.cost.HasField("total_nano_usd") and row.cost.HasField("strongest_nano_usd")]
    console.print(f"\nThe {len(known)} whole answers: {_saved(known)}")
    delegated = [row for row in known if row.cost.total_nano_usd < row.cost.strongest_nano_usd]
    console.print(f"The {len(delegated)} of them that a cheaper model gave: {_saved(delegated)}")


def _saved(rows: list[Shown]) -> str:
    spent, strongest = sum(row.cost.total_nano_usd for row in rows), sum(row.cost.strongest_nano_usd for row in rows)
    share = f": [bold green]{1 - spent / strongest:.0%} saved[/]" if strongest else ""
    return f"{nano_usd(spent)} instead of {nano_usd(strongest)} with the strongest model{share}"


def _table(*headings: str) -> Table:
    """A table without lines; columns whose headings begin with ">" stand on the right."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading.removeprefix(">"), justify="right" if heading.startswith(">") else "left")
    return table


def _why_ended(attempt: Attempt) -> str:
    failed = [check for check in attempt.checks if not check.passed]
    if failed:
        return f"was rejected by its check ({failed[-1].check}: {failed[-1].detail})"
    return f"failed ({attempt.error_reason}: {attempt.error_message})"
