"""`frontdesk health`: whether a server serves."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from frontdesk_server.cli.ask import CaOption, CertificateOption, JsonOption, KeyOption, TlsOption, run
from frontdesk_server.cli.connection import SERVING, Reach, health_of
from frontdesk_server.cli.exit_codes import FAULT
from frontdesk_server.cli.saying import say


def health(
    address: Annotated[
        str | None, typer.Option(envvar="FRONTDESK_ADDRESS", help="Server to ask. Default: 127.0.0.1:50051.")
    ] = None,
    tls: TlsOption = None,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Ask a server by gRPC's health service whether it serves; exit with 1 where it does not, or drains.

    Example: frontdesk health --address 127.0.0.1:50051
    """

    async def work() -> None:
        state = await health_of(Reach(address, None, tls, ca, certificate, key), timeout)
        say(json.dumps({"state": state}) if as_json else state)
        if state != SERVING:
            raise typer.Exit(FAULT)

    run(work())
