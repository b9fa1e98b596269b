"""`frontdesk stats`: what models and routers did, cost and saved."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import RenderableType
from rich.table import Table

from frontdesk_server.cli.drift_view import drift_in, drift_table
from frontdesk_server.cli.ledger_access import (
    CallerOption,
    ConfigOption,
    JsonOption,
    LedgerOption,
    ModelOption,
    RouterOption,
    SinceOption,
    UntilOption,
    filters,
    reading,
)
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.domain.duration import duration
from frontdesk_server.domain.money import per_thousand, usd
from frontdesk_server.domain.usage import NANO_USD_PER_USD
from frontdesk_server.ledger.statistics import ModelStatistics, Quantiles, Statistics, statistics

_BAR_CHARACTERS = 32


def stats(
    router: RouterOption = "",
    model: ModelOption = "",
    caller: CallerOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
    plot: Annotated[bool, typer.Option("--plot", help="Also draw answers and cost by model.")] = False,
    png: Annotated[Path | None, typer.Option(help="Write the drawing to this file (needs the extra learn).")] = None,
) -> None:
    """Sum up calls, cost, savings, latency, quality and escalations, by router and by model; tell of drift.

    Example: frontdesk stats --since 7d --plot
    """
    chosen = filters(router=router, model=model, caller=caller, since=since, until=until)
    with reading(ledger, config, chosen) as reader:
        found = statistics(reader, chosen)
        drift = drift_in(reader, chosen, ledger, config)
    if json:
        values = {**asdict(found), "drift": [asdict(each) for each in drift]}
        say(orjson.dumps(values, option=orjson.OPT_INDENT_2).decode())
    else:
        screen = console()
        screen.print(_routers(found, screen.width))
        screen.print(_models(found, screen.width))
        screen.print(
            "Costs are USD; per 1,000 is USD per 1,000 calls. Routed: without an account of an answer, as none was"
            " asked for, it is being given, or the process was killed before it was written.",
            style="dim",
        )
        if drift:
            screen.print(drift_table(drift, screen.width))
        if plot:
            screen.print(_bars(found))
    if png is not None:
        draw(found, png)
        say(f"drawn in {png}", err=True)


def _routers(found: Statistics, width: int) -> RenderableType:
    columns = _columns(
        "router", "decisions", "routed", "answered", "failed", "deadline", "cancelled", "cost", "per 1,000", "saved",
        "escalated", "fell back", "p50", "p95", "p99", "routing p95", "quality",
    )  # fmt: skip
    rows = (
        (
            each.router,
            f"{each.decisions:,}",
            f"{each.decisions - each.completions:,}",
            f"{each.answered:,}",
            f"{each.failed:,}",
            f"{each.deadline:,}",
            f"{each.cancelled:,}",
            _cost(each.cost_nano_usd, each.cost_unknown),
            _mean(each.cost_nano_usd, each.completions - each.cost_unknown),
            usd(each.saved_nano_usd),
            f"{each.escalation_share:.1%}",
            f"{each.fallback_share:.1%}",
            *_times(each.duration_seconds),
            duration(each.router_duration_seconds.p95),
            _quality(each.quality),
        )
        for each in found.routers
    )
    return table(columns, rows, width, title="Routers")


def _models(found: Statistics, width: int) -> RenderableType:
    columns = _columns(
        "model", "attempts", "accepted", "rejected", "failed", "cancelled", "tokens in", "cached", "tokens out", "cost",
        "per 1,000", "cache saved", "p50", "p95", "p99", "first token p50", "first token p95", "quality",
    )  # fmt: skip
    rows = (
        (
            each.model,
            f"{each.attempts:,}",
            f"{each.accepted:,}",
            f"{each.rejected:,}",
            f"{each.failed:,}",
            f"{each.cancelled:,}",
            f"{each.input_tokens:,}",
            f"{each.cache_read_tokens / (each.input_tokens or 1):.1%}",
            f"{each.output_tokens:,}",
            _cost(each.cost_nano_usd, each.cost_unknown),
            _mean(each.cost_nano_usd, each.attempts - each.cost_unknown),
            usd(each.cache_saved_nano_usd),
            *_times(each.duration_seconds),
            duration(each.time_to_first_token_seconds.p50),
            duration(each.time_to_first_token_seconds.p95),
            _quality(each.quality),
        )
        for each in found.models
    )
    return table(columns, rows, width, title="Models")


def _columns(first: str, *figures: str) -> list[Column]:
    return [Column(first, head=True), *(Column(name, right=True) for name in figures)]


def _mean(known_nano_usd: int, calls: int) -> str:
    """What a thousand calls cost."""
    return per_thousand(known_nano_usd / calls) if calls else "-"


def _bars(found: Statistics) -> RenderableType:
    table = Table(title="Share of answers and of cost", title_justify="left", box=None, show_header=False)
    answers = sum(each.accepted for each in found.models) or 1
    cost = sum(each.cost_nano_usd for each in found.models) or 1
    for each in found.models:
        table.add_row(each.model, "answers", _bar(each.accepted / answers, "green"))
        table.add_row("", "cost", _bar(each.cost_nano_usd / cost, "yellow"))
    return table


def _bar(share: float, colour: str) -> str:
    return f"[{colour}]{'█' * round(share * _BAR_CHARACTERS)}[/] {share:.0%}"


def draw(found: Statistics, file: Path) -> None:
    """Draw answers, cost and latency by model into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from frontdesk_server.learning.drawing.look import LIGHT

    models: list[ModelStatistics] = list(found.models)
    names = [each.model for each in models]
    figure = Figure(figsize=(11, 0.5 * len(names) + 2), layout="constrained")
    FigureCanvasAgg(figure)
    answers, cost, latency = figure.subplots(1, 3, sharey=True)
    answers.barh(names, [each.accepted for each in models], color=LIGHT["second"])
    answers.set_xlabel("answers")
    cost.barh(names, [each.cost_nano_usd / NANO_USD_PER_USD for each in models], color=LIGHT["third"])
    cost.set_xlabel("cost in USD")
    for quantile, colour in (("p95", LIGHT["mark"]), ("p50", LIGHT["accent"])):
        seconds = [getattr(each.duration_seconds, quantile) or 0.0 for each in models]
        latency.barh(names, seconds, color=colour, label=quantile)
    latency.set_xlabel("seconds of an attempt")
    latency.legend()
    saved = sum(each.saved_nano_usd for each in found.routers)
    figure.suptitle(f"saved {usd(saved)} against the strongest model", color=LIGHT["ink"])
    figure.savefig(file, dpi=120, format="png")


def _times(quantiles: Quantiles) -> tuple[str, str, str]:
    return duration(quantiles.p50), duration(quantiles.p95), duration(quantiles.p99)


def _cost(known_nano_usd: int, unknown: int) -> str:
    return usd(known_nano_usd) + (f" + {unknown:,} unknown" if unknown else "")


def _quality(quality: float | None) -> str:
    return "-" if quality is None else f"{quality:.2f}"
