"""What a demonstration shows: an answer as it comes, its decision, and what everything came to."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from frontdesk import Client, Decision, GenerationConfig, Query, user
from frontdesk.events import AttemptEnded, Started, TextDelta
from frontdesk.v1.routing_pb2 import Attempt, Cost
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from frontdesk_server.cli.money import nano_usd, strongest_usd, total_usd
from frontdesk_server.cli.tables import Column, Unpadded, one_line, table
from frontdesk_server.domain.money import per_thousand, saved_share

_SHOWN_CHARACTERS = 320
_QUERY_CHARACTERS = 34
_RULE_CHARACTERS = 80
_CANDIDATES = (
    Column("", head=True),
    Column("candidate", head=True),
    Column("quality", right=True),
    Column("USD per 1,000", right=True),
    Column("first token", right=True),
)
_EXCLUDED = Column("excluded because", free=True)
_SCOREBOARD = (
    Column("query", head=True),
    Column("model"),
    Column("time", right=True),
    Column("cost", right=True),
    Column("strongest", right=True),
)


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
    console.print(Text("─" * min(console.width, _RULE_CHARACTERS), style="dim"))
    console.print(Text(text, style="bold"))


class Opening:
    """Shows the beginning of an answer as it comes, its lines broken between words, and that there was more."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._left = _SHOWN_CHARACTERS
        self._column = 0
        self._word = ""

    def add(self, text: str) -> None:
        """The next piece."""
        if self._left < 0:
            return
        shown = self._word + text[: self._left].replace("\n\n", " ")
        if len(text) > self._left:
            shown = f"{shown[: shown.rfind(' ') + 1]}[…]"
        self._left -= len(text)
        *words, self._word = re.split(r"(?<=\s)(?=\S)", shown)
        for word in words:
            self._show(word)

    def end(self) -> None:
        """What was held back, as it might have been a part of a word."""
        self._show(self._word.rstrip())
        self._word = ""

    def _show(self, word: str) -> None:
        if self._column and self._column + cell_len(word.rstrip()) > self._console.width:
            self._console.print()
            self._column = 0
        self._column = 0 if "\n" in word else self._column + cell_len(word)
        self._console.print(Text(word, style="green"), end="", soft_wrap=True)


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
                    opening.end()
                    console.print(f"  [yellow]{attempt.model} {_why_ended(attempt)}; asking {next_model}[/]")
        completion = await stream.completion()
    opening.end()
    seconds = time.perf_counter() - started
    for check in completion.attempts[-1].checks:
        console.print(f"\n[dim]passed its check ({check.check}: {check.detail})[/]", end="")
    cost, decision = completion.cost, completion.decision
    took = f"{seconds:.2f} s, {completion.usage.output_tokens:,} output tokens, {total_usd(cost)}"
    console.print(f"\n[dim]{took}; always {decision.strongest_model}: {strongest_usd(cost)}[/]")
    return Shown(query, completion.completion_id, completion.model, seconds, cost)


def show_decision(decision: Decision, console: Console) -> None:
    """The candidates with what is predicted of them, and why the chosen one was chosen."""
    excluded = any(candidate.exclusion_detail for candidate in decision.candidates)
    rows = []
    for candidate in decision.candidates:
        chosen = candidate.model == decision.model
        cost = candidate.predicted_cost_nano_usd if candidate.HasField("predicted_cost_nano_usd") else None
        first_token = candidate.predicted_time_to_first_token.ToTimedelta().total_seconds()
        row = (
            Text("▶" if chosen else " ", "cyan"),
            Text(candidate.model, "cyan bold" if chosen else ""),
            f"{candidate.predicted_quality:.2f}" if candidate.HasField("predicted_quality") else "-",
            per_thousand(cost),
            f"{first_token * 1000:.0f} ms" if candidate.HasField("predicted_time_to_first_token") else "-",
            Text(candidate.exclusion_detail, "dim"),
        )
        rows.append(row if excluded else row[:-1])
    columns = (*_CANDIDATES, _EXCLUDED) if excluded else _CANDIDATES
    console.print(Unpadded(Padding(table(columns, rows, console.width - 2), (0, 0, 0, 2))))
    milliseconds = decision.router_duration.ToNanoseconds() / 1e6
    console.print(f"  [cyan bold]{decision.model}[/]: {decision.reason} [dim](decided in {milliseconds:.2f} ms)[/]")


def show_scoreboard(shown: list[Shown], console: Console) -> None:
    """What was asked, who answered, and what always asking the strongest model would have cost."""
    console.print("\n[bold]What it came to[/]")
    rows = [
        (
            one_line(row.query, _QUERY_CHARACTERS),
            row.model,
            f"{row.seconds:.2f} s",
            total_usd(row.cost),
            strongest_usd(row.cost),
        )
        for row in shown
    ]
    console.print(table(_SCOREBOARD, rows, console.width))
    console.print("[dim]strongest: the same tokens at the prices of the pool's strongest model[/]")
    known = [row for row in shown if row.cost.HasField("total_nano_usd") and row.cost.HasField("strongest_nano_usd")]
    console.print(f"\nThe {len(known)} whole answers: {_saved(known)}")
    delegated = [row for row in known if row.cost.total_nano_usd < row.cost.strongest_nano_usd]
    console.print(f"The {len(delegated)} of them that a cheaper model gave: {_saved(delegated)}")


def _saved(rows: list[Shown]) -> str:
    spent, strongest = sum(row.cost.total_nano_usd for row in rows), sum(row.cost.strongest_nano_usd for row in rows)
    share = saved_share(strongest - spent, strongest)
    told = "" if share is None else f": [bold green]{share:.0%} saved[/]"
    return f"{nano_usd(spent)} instead of {nano_usd(strongest)} with the strongest model{told}"


def _why_ended(attempt: Attempt) -> str:
    failed = [check for check in attempt.checks if not check.passed]
    if failed:
        return f"was rejected by its check ({failed[-1].check}: {failed[-1].detail})"
    return f"failed ({attempt.error_reason}: {attempt.error_message})"
