"""`frontdesk check`: whether a configuration can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.text import Text

from frontdesk_server.assembly.app import open_runtime
from frontdesk_server.assembly.leaving import BOUNDED
from frontdesk_server.assembly.pool import build_pool, unknown_prices
from frontdesk_server.assembly.surroundings import check_surroundings
from frontdesk_server.cli.exit_codes import USAGE
from frontdesk_server.cli.ledger_access import JsonOption
from frontdesk_server.cli.model_facts import model_facts, print_facts
from frontdesk_server.cli.quality_sources import quality_sources
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.config.loading import LoadedConfig, place_of
from frontdesk_server.config.partly import load_partly
from frontdesk_server.config.pool import ModelConfig
from frontdesk_server.config.suspicions import secrets_in, suspicions
from frontdesk_server.domain.errors import ConfigFault, collecting
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.usage import NANO_USD_PER_USD


def check(
    file: Annotated[Path, typer.Argument(help="Configuration file; - is standard input.")],
    models: Annotated[bool, typer.Option(help="Show what each model takes and refuses.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a configuration and report every fault with its place; warnings leave the exit code 0.

    Example: frontdesk check frontdesk.yaml --models
    """
    loaded, faults, warnings = _examined(file)
    if not as_json:
        for fault in faults:
            say(fault.line_in(str(file)), err=True)
        for warning in warnings:
            say(f"warning: {warning.line_in(str(file))}", err=True)
    if faults or loaded is None:
        if as_json:
            told = {"faults": list(map(asdict, faults)), "warnings": list(map(asdict, warnings))}
            say(_json({"source": str(file), "good": False, **told}))
        raise typer.Exit(USAGE)
    if as_json:
        say(_json(_told(loaded, warnings, models=models)))
    elif models:
        print_facts(build_pool(loaded.config), console())
    else:
        _summarise(loaded, console())


def _examined(file: Path) -> tuple[LoadedConfig | None, list[ConfigFault], list[ConfigFault]]:
    """The configuration, all its faults, and what it should be warned of: in the order of the file."""
    faults: list[ConfigFault] = []
    with collecting(faults):
        part = load_partly(file)
        if part.loaded is None:
            return None, sorted(part.faults, key=place_of), []
        found: list[ConfigFault] = []
        with collecting(found):
            check_surroundings(part.loaded)
        with collecting(found):
            BOUNDED.run(_build(part.loaded))
        faults += (*part.faults, *part.beyond(found))
        warnings = part.beyond(_warnings(part.loaded))
        return part.loaded, sorted(faults, key=place_of), sorted(warnings, key=place_of)
    return None, faults, []


def _warnings(loaded: LoadedConfig) -> list[ConfigFault]:
    found = [
        loaded.fault(place, message)
        for place, message in (*suspicions(loaded.config), *secrets_in(loaded.config, loaded.referring))
    ]
    unpriced = unknown_prices(loaded.config).items()
    return found + [
        loaded.fault(("models", name, "prices"), f"auto finds none ({why}): costs will be unknown")
        for name, why in unpriced
    ]


def _told(loaded: LoadedConfig, warnings: Sequence[ConfigFault], *, models: bool) -> Any:
    """What is printed as JSON: the verdict, and of the models what they cost, with `models` what is known of them."""
    pool = build_pool(loaded.config)
    shown = ((name, model, pool[name].prices) for name, model in loaded.config.models.items())
    return {
        "source": loaded.source,
        "good": True,
        "version": loaded.version,
        "faults": [],
        "warnings": list(map(asdict, warnings)),
        "routers": list(loaded.config.routers),
        "qualities": quality_sources(loaded),
        "models": model_facts(pool)
        if models
        else [
            {
                "model": name,
                "backends": _backends(model),
                "context_window": model.context_window,
                "prices": None if prices is None else asdict(prices.at(datetime.now(UTC))),
                "prices_depend_on": [] if prices is None else _depends(prices),
            }
            for name, model, prices in shown
        ],
    }


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


async def _build(loaded: LoadedConfig) -> None:
    async with open_runtime(loaded):
        pass


def _summarise(loaded: LoadedConfig, screen: Console) -> None:
    config, pool = loaded.config, build_pool(loaded.config)
    columns = (
        Column("model", head=True),
        Column("backend"),
        Column("USD per million in / out", right=True),
        Column("context window", right=True),
    )
    rows = (
        (name, ", ".join(_backends(model)), _shown(pool[name].prices), f"{model.context_window:,}")
        for name, model in config.models.items()
    )
    screen.print(table(columns, rows, screen.width))
    screen.print()
    for name, told in quality_sources(loaded).items():
        screen.print(Text(f"router {name} reads the quality {told}"), soft_wrap=True)
    routers = ", ".join(config.routers)
    screen.print(Text(f"\n{loaded.source} is good: version {loaded.version}, routers {routers}"), soft_wrap=True)


def _backends(model: ModelConfig) -> list[str]:
    return [model.backend] if model.backend else [deployment.backend for deployment in model.deployments]


def _shown(prices: Prices | None) -> str:
    """The prices of today in USD, and whether they depend on anything."""
    if prices is None:
        return "unknown"
    today = prices.at(datetime.now(UTC))
    shown = f"{_usd(today.input_nano_usd_per_million)} / {_usd(today.output_nano_usd_per_million)}"
    depends = _depends(prices)
    return f"{shown}, by {', '.join(depends)}" if depends else shown


def _depends(prices: Prices) -> list[str]:
    further = ("length", prices.tiers), ("service tier", prices.service_tiers), ("date", prices.periods)
    return [what for what, several in further if several]


def _usd(nano_usd: int) -> str:
    return f"{Decimal(nano_usd) / NANO_USD_PER_USD:f}"
