"""`frontdesk check`: whether a configuration can be used."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from frontdesk_server.assembly.app import open_runtime
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.assembly.surroundings import check_surroundings
from frontdesk_server.cli.model_facts import model_facts, print_facts
from frontdesk_server.config.loading import LoadedConfig, load_config
from frontdesk_server.config.suspicions import suspicions
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.usage import NANO_USD_PER_USD


def check(
    file: Annotated[Path, typer.Argument(help="Configuration file.")],
    models: Annotated[bool, typer.Option(help="Show what each model takes and refuses.")] = False,
    json: Annotated[bool, typer.Option(help="Print what --models shows as JSON.")] = False,
) -> None:
    """Check a configuration and report every fault with its place; warnings leave the exit code 0.

    Example: frontdesk check frontdesk.yaml --models
    """
    try:
        loaded = load_config(file)
        asyncio.run(_build(loaded))
    except ConfigError as error:
        typer.echo("\n".join(error.lines()), err=True)
        raise typer.Exit(1) from error
    for warning in _warnings(loaded):
        typer.echo(f"warning: {warning}", err=True)
    if models:
        _show_models(loaded, as_json=json)
    else:
        _summarise(loaded, Console())


def _warnings(loaded: LoadedConfig) -> list[str]:
    return [loaded.fault(place, message).line_in(loaded.source) for place, message in suspicions(loaded.config)]


def _show_models(loaded: LoadedConfig, *, as_json: bool) -> None:
    pool = build_pool(loaded.config)
    if as_json:
        typer.echo(orjson.dumps(model_facts(pool), option=orjson.OPT_INDENT_2).decode())
    else:
        print_facts(pool, Console())


async def _build(loaded: LoadedConfig) -> None:
    check_surroundings(loaded)
    async with open_runtime(loaded):
        pass


def _summarise(loaded: LoadedConfig, console: Console) -> None:
    config = loaded.config
    table = Table("model", "backend", "USD per million in / out", "context window", box=None, header_style="bold")
    pool = build_pool(config)
    for name, model in config.models.items():
        backend = model.backend or ", ".join(d.backend for d in model.deployments)
        table.add_row(name, backend, _shown(pool[name].prices), f"{model.context_window:,}")
    console.print(table)
    console.print(f"\n{loaded.source} is good: version {loaded.version}, routers {', '.join(config.routers)}")


def _shown(prices: Prices | None) -> str:
    """The prices of today in USD, and whether they depend on anything."""
    if prices is None:
        return "unknown"
    today = prices.at(datetime.now(UTC))
    shown = f"{_usd(today.input_nano_usd_per_million)} / {_usd(today.output_nano_usd_per_million)}"
    further = ("length", prices.tiers), ("service tier", prices.service_tiers), ("date", prices.periods)
    depends = [what for what, several in further if several]
    return f"{shown}, by {', '.join(depends)}" if depends else shown


def _usd(nano_usd: int) -> str:
    return f"{Decimal(nano_usd) / NANO_USD_PER_USD:f}"
