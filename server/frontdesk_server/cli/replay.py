"""`frontdesk replay` and `frontdesk diff-policy`: what another policy would have done on logged decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from frontdesk_server.assembly.leaving import BOUNDED
from frontdesk_server.cli.exit_codes import UNSUPPORTED
from frontdesk_server.cli.faults import foreseen
from frontdesk_server.cli.ledger_access import (
    ConfigOption,
    JsonOption,
    LedgerOption,
    RouterOption,
    SinceOption,
    configured,
    filters,
    reading,
    refuse_unknown,
)
from frontdesk_server.cli.progress import progress_bar, told
from frontdesk_server.cli.saying import say
from frontdesk_server.cli.tables import Column, console, table
from frontdesk_server.config.offline import load_offline
from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.money import PER_THOUSAND, per_thousand
from frontdesk_server.learning.data.dataset import DatasetError
from frontdesk_server.learning.recorded.engine import decides_by_chance, open_engine
from frontdesk_server.learning.replay.logged import LoggedDecision, build_decisions, read_decisions, since
from frontdesk_server.learning.replay.replay import Estimate, MovedDecision, ReplayPolicy, ReplayResult
from frontdesk_server.learning.replay.replay import diff_policy as find_moved
from frontdesk_server.learning.replay.replay import replay as estimate
from frontdesk_server.learning.replay.router_policy import LoggedConditions, RouterPolicy, ask_router
from frontdesk_server.learning.replay.selection_policy import (
    read_policy_yaml,
    read_selection_policy,
    refuse_unknown_model,
)
from frontdesk_server.ledger.export import decision_rows
from frontdesk_server.ledger.reader import Filters

_MOST_FLOWS = 10

_Policy = Annotated[
    Path,
    typer.Option(help="A configuration whose routers decide; or one of model, quality_floor, cost_weight, in YAML."),
]
_Data = Annotated[
    Path | None, typer.Option(help="Decisions as `export --rows decisions` writes them. Default: the ledger.")
]


def replay(
    policy: _Policy,
    data: _Data = None,
    router: RouterOption = "",
    since: SinceOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate quality and cost of another policy on the log; refuses where the log cannot support it (exit code 3).

    A configuration's routers are asked about every logged query, so prompts must have been kept; nobody else is called.

    Example: frontdesk replay --policy new.yaml --since 7d
    """
    decisions, asked = _load("replay", policy, data, filters(router=router, since=since), ledger, config)
    result = estimate(decisions, asked)
    if as_json:
        say(json.dumps(result.as_json(), indent=2))
    else:
        _show(result, console())
    if result.refusal is not None:
        raise typer.Exit(UNSUPPORTED)


def diff_policy(
    policy: _Policy,
    data: _Data = None,
    router: RouterOption = "",
    since: SinceOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the decisions that another policy takes otherwise.

    Example: frontdesk diff-policy --policy new.yaml --since 7d
    """
    decisions, asked = _load("diff-policy", policy, data, filters(router=router, since=since), ledger, config)
    moved = find_moved(decisions, asked)
    if as_json:
        told_of = {"decisions": len(decisions), "moved": [asdict(decision) for decision in moved]}
        say(json.dumps(told_of, indent=2))
    else:
        _list(moved, len(decisions), console())


def _load(
    command: str, policy: Path, data: Path | None, chosen: Filters, ledger: str | None, config: Path | None
) -> tuple[Sequence[LoggedDecision], ReplayPolicy]:
    with foreseen(command):
        decisions = load_decisions(data, chosen, ledger, config)
        if _is_configuration(policy):
            return decisions, _ask_configuration(policy, decisions)
        selection = read_selection_policy(policy)
        known = {name for decision in decisions for name in decision.known_models}
        refuse_unknown_model(selection, policy, known | configured("models", ledger if data is None else "", config))
        return decisions, selection


def load_decisions(
    data: Path | None, chosen: Filters, ledger: str | None, config: Path | None
) -> tuple[LoggedDecision, ...]:
    """The decisions of an export or, without one, of the ledger. Raises DatasetError where there is none.

    Of a ledger those that cannot be read are left out, and counted on standard error.

    Raises typer.BadParameter for a router that none of them is of, whenever they were made.
    """
    if data is None:
        unread: list[str] = []
        with (
            reading(ledger, config, chosen) as reader,
            progress_bar("reading", reader.count(chosen)) as advance,
        ):
            decisions = build_decisions(
                told(decision_rows(reader, chosen), advance), lambda name, error: unread.append(f"{name}: {error}")
            )
        if unread:
            say(f"{len(unread):,} cannot be read and are left out, such as {unread[0]}", err=True)
    else:
        read = read_decisions(data)
        if chosen.router and read:
            refuse_unknown("router", chosen.router, {decision.router for decision in read}, "--router")
        decisions = tuple(d for d in since(read, chosen.since) if chosen.router in ("", d.router))
    if not decisions:
        raise DatasetError("there is no such decision", file=data)
    return decisions


def _is_configuration(policy: Path) -> bool:
    content = read_policy_yaml(policy)
    return isinstance(content, dict) and "routers" in content


def _ask_configuration(path: Path, decisions: Sequence[LoggedDecision]) -> RouterPolicy:
    loaded = load_offline(path)
    routers = frozenset(decision.asked.policy.router for decision in decisions if decision.asked is not None)
    callers = {key.caller: Caller(key.caller, models=key.models) for key in loaded.config.security.keys}
    conditions = LoggedConditions()

    async def ask() -> RouterPolicy:
        async with open_engine(loaded, conditions, routers) as engine:
            by_chance = any(decides_by_chance(loaded.config, router) for router in routers)
            with progress_bar("routing", len(decisions)) as advance:
                return await ask_router(
                    engine, conditions, decisions, callers=callers, by_chance=by_chance, advance=advance
                )

    return BOUNDED.run(ask())


def _show(result: ReplayResult, screen: Console) -> None:
    screen.print(f"{len(result.moved):,} of {result.decisions:,} decisions move; {result.outcomes:,} have an outcome.")
    for old, new, count in result.flows()[:_MOST_FLOWS]:
        screen.print(Text(f"  {count:>7,}  {old} -> {new}"))
    if result.cascades_kept:
        screen.print(
            f"{result.cascades_kept:,} of the others run the same cascade; the log does not tell whether its checks "
            "are the same, so that is taken for granted."
        )
    if result.refusal is not None:
        screen.print(f"\n[bold]No estimate:[/bold] {escape(result.refusal)}.")
        return
    columns = (Column("", head=True), Column("quality", right=True), Column(PER_THOUSAND, right=True))
    rows = [("as logged", _interval(result.logged_quality, _quality), _interval(result.logged_cost, per_thousand))]
    for name in result.quality:
        cost = _interval(result.cost.get(name), per_thousand)
        rows.append((name.upper(), _interval(result.quality[name], _quality), cost))
    screen.print(table(columns, rows, screen.width))
    screen.print(f"With 95 % intervals; the outcomes are worth {result.effective_decisions:,.0f} under the new policy.")


def _list(moved: tuple[MovedDecision, ...], decisions: int, screen: Console) -> None:
    columns = (
        Column("decision", head=True),
        Column("router"),
        Column("was"),
        Column("becomes"),
        Column("quality", right=True),
        Column(PER_THOUSAND, right=True),
    )
    rows = (
        (
            decision.decision_id,
            decision.router,
            decision.old_model,
            decision.new_model,
            "unknown" if (change := decision.predicted_quality_change) is None else f"{change:+.3f}",
            per_thousand(decision.predicted_cost_change_nano_usd, sign=True),
        )
        for decision in moved
    )
    if moved:
        screen.print(table(columns, rows, screen.width))
    screen.print(f"{len(moved):,} of {decisions:,} decisions move; changes are as predicted when they were logged.")


def _interval(estimate: Estimate | None, write: Callable[[float], str]) -> str:
    if estimate is None:
        return "unknown"
    return f"{write(estimate.value)}  ({write(estimate.low)} to {write(estimate.high)})"


def _quality(value: float) -> str:
    return f"{value:.3f}"
