"""What `frontdesk route` and `frontdesk complete` share: options, errors, JSON."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from frontdesk import FrontdeskError
from frontdesk.v1 import routing_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from frontdesk_server.assembly.leaving import BOUNDED
from frontdesk_server.cli.exit_codes import FAULT
from frontdesk_server.cli.saying import say

QueryArgument = Annotated[str, typer.Argument(help="The query's text; - reads it from standard input.")]
RouterOption = Annotated[str, typer.Option(help="Name of the router.")]
FloorOption = Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Least predicted quality in [0, 1].")]
AllowOption = Annotated[list[str] | None, typer.Option(help="Only these models may answer; repeatable.")]
ExcludeOption = Annotated[list[str] | None, typer.Option(help="These models may not answer; repeatable.")]
AddressOption = Annotated[
    str | None,
    typer.Option(
        envvar="FRONTDESK_ADDRESS",
        help="Server to ask. Default: 127.0.0.1:50051 if one runs there, else in process.",
    ),
]
TokenOption = Annotated[
    str | None, typer.Option(envvar="FRONTDESK_TOKEN", help="API key or token; in the variable nobody sees it.")
]
TlsOption = Annotated[
    bool | None,
    typer.Option(
        "--tls/--plaintext", help="Whether to speak TLS. Default: yes, but not with this machine.", show_default=False
    ),
]
CaOption = Annotated[Path | None, typer.Option(help="Authorities to trust, PEM; speaks TLS. Default: the system's.")]
CertificateOption = Annotated[Path | None, typer.Option(help="Certificate to show the server (mTLS), PEM.")]
KeyOption = Annotated[Path | None, typer.Option(help="Its key, where that is a file of its own.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="Ask in process, on this configuration.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON; messages of the contract in protobuf's mapping.")]


_OF_A_SERVER = ("address", "tls", "ca", "certificate", "key")


def query_text(argument: str) -> str:
    """The query that the argument is, or names. Raises typer.BadParameter for what is no text, or nothing at all."""
    try:
        text = sys.stdin.read() if argument == "-" else argument
        text.encode()
    except UnicodeError as error:
        raise typer.BadParameter("the query is no UTF-8", param_hint="QUERY") from error
    if not text.strip():
        raise typer.BadParameter("the query is empty", param_hint="QUERY")
    return text


def refuse_both_ways(context: typer.Context, config: Path | None) -> None:
    """A configuration is asked in process, a server where it runs: both together are a fault of usage.

    What the environment says of a server gives way to a configuration.
    """
    sources = {name: context.get_parameter_source(name) for name in _OF_A_SERVER}
    typed = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if config is not None and typed:
        raise typer.BadParameter(f"--config asks in process, --{typed[0]} asks a server: give one of them")


def policy(
    router: str, quality_floor: float | None, allow: list[str] | None, exclude: list[str] | None
) -> routing_pb2.RoutingPolicy:
    """The policy that the options describe. Raises typer.BadParameter for names that are no text."""
    for option, names in (("--router", [router]), ("--allow", allow or []), ("--exclude", exclude or [])):
        if any(name.encode(errors="replace").decode() != name for name in names):
            raise typer.BadParameter("it is no UTF-8", param_hint=option)
    return routing_pb2.RoutingPolicy(
        router=router, quality_floor=quality_floor, allowed_models=allow or (), excluded_models=exclude or ()
    )


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run the command; what the server refuses ends it with its reason and exit code 1."""
    try:
        BOUNDED.run(work)
    except FrontdeskError as error:
        say(f"{error.reason}: {error.message}", err=True)
        for violation in error.violations:
            told = "" if violation.description == error.message else f": {violation.description}"
            if f"{violation.field}{told}" not in error.message:
                say(f"  {violation.field}{told}", err=True)
        raise typer.Exit(FAULT) from error


def to_json(message: Message) -> str:
    """Protobuf's JSON mapping, indented."""
    return MessageToJson(message, indent=2, ensure_ascii=False)
