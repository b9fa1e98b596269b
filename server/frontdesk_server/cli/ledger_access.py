"""What the commands that read the ledger share: options, opening it, filters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from frontdesk_server.assembly.ledger import open_reader
from frontdesk_server.config.known_keys import unknown
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.config.naming import no_such
from frontdesk_server.config.offline import callers_in, ledger_of, names_in
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.ledger.reader import LEDGER_STATUSES, Filters, LedgerReader

LedgerOption = Annotated[
    str | None, typer.Option("--ledger", help="SQLAlchemy URL of the ledger. Default: the configuration's.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="Configuration that names the ledger.")]
RouterOption = Annotated[str, typer.Option(help="Only this router's decisions.")]
ModelOption = Annotated[str, typer.Option(help="Only decisions for this model, or answered by it.")]
CallerOption = Annotated[str, typer.Option(help="Only this caller's decisions.")]


def _known_status(status: str) -> str:
    if status and status not in LEDGER_STATUSES:
        raise typer.BadParameter(unknown(status, LEDGER_STATUSES, "status"))
    return status


StatusOption = Annotated[str, typer.Option(help=f"Only {', '.join(LEDGER_STATUSES)} ones.", callback=_known_status)]
SinceOption = Annotated[
    str | None, typer.Option(help="Only decisions since then: 15m, 24h, 7d, or an ISO 8601 instant.")
]
UntilOption = Annotated[str | None, typer.Option(help="Only decisions before then, in the same form.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]

_ALL = Filters()
_AGO = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@contextmanager
def reading(ledger: str | None, config: Path | None, chosen: Filters = _ALL) -> Iterator[LedgerReader]:
    """Open the ledger that the options name.

    Raises typer.BadParameter for a router, model or caller to choose by that neither it nor its configuration knows.
    """
    url = ledger
    if url is None:
        section = ledger_of(config or default_config_path())
        url = section.read_url.get_secret_value() or section.url.get_secret_value()
        if not url:
            raise typer.BadParameter("it keeps no ledger", param_hint="--config")
    elif not url.strip():
        raise typer.BadParameter("it is empty", param_hint="--ledger")
    with ExitStack() as opened:
        with named_by_option() if ledger is not None else nullcontext():
            reader = opened.enter_context(open_reader(url))
        if chosen.router and not reader.any(Filters(router=chosen.router)):
            known = reader.routers() | configured("routers", ledger, config)
            refuse_unknown("router", chosen.router, known, "--router")
        if chosen.model and not reader.any(Filters(model=chosen.model)):
            known = reader.models() | configured("models", ledger, config)
            refuse_unknown("model", chosen.model, known, "--model")
        if chosen.caller and not reader.any(Filters(caller=chosen.caller)):
            keyed = set() if config is None and ledger is not None else callers_in(config or default_config_path())
            refuse_unknown("caller", chosen.caller, reader.callers() | keyed, "--caller")
        yield reader


@contextmanager
def named_by_option() -> Iterator[None]:
    """Turn what is wrong with a ledger that --ledger names into a fault of that option."""
    try:
        yield
    except ConfigError as error:
        raise typer.BadParameter(error.faults[0].message, param_hint="--ledger") from error


def configured(section: str, ledger: str | None, config: Path | None) -> set[str]:
    """The models or routers of the configuration; options that name a ledger alone name none."""
    return set() if config is None and ledger is not None else names_in(config or default_config_path(), section)


def refuse_unknown(what: str, name: str, known: Collection[str], option: str) -> None:
    """Raises typer.BadParameter for a name that is not among the known ones."""
    if name not in known:
        raise typer.BadParameter(no_such(what, name, known), param_hint=option)


def refuse_idle(why: str, router: str, since: str | None, until: str | None, ledger: str | None) -> None:
    """Raises typer.BadParameter for options that choose among a ledger's decisions where none is read."""
    given = {"--router": router, "--since": since, "--until": until, "--ledger": ledger}
    if idle := [option for option, value in given.items() if value]:
        raise typer.BadParameter(why, param_hint=idle[0])


def filters(
    *,
    router: str = "",
    model: str = "",
    caller: str = "",
    status: str = "",
    since: str | None = None,
    until: str | None = None,
) -> Filters:
    """The filters that the options describe."""
    now = datetime.now(UTC)
    return Filters(router, model, caller, status, _moment(since, now), _moment(until, now))


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither a span like 24h nor an ISO 8601 instant") from error
    return moment if moment.tzinfo else moment.astimezone()
