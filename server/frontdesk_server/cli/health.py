"""`frontdesk health`: whether a server serves."""

from __future__ import annotations

from typing import Annotated

import typer

from frontdesk_server.cli.ask import CaOption, CertificateOption, KeyOption, TlsOption, run
from frontdesk_server.cli.connection import SERVING, Reach, health_of


def health(
    address: Annotated[str | None, typer.Option(help="Server to ask. Default: 127.0.0.1:50051.")] = None,
    tls: TlsOption = False,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 2.0,
) -> None:
    """Ask a server by gRPC's health service whether it serves; exit with 1 where it does not, or drains.

    Example: frontdesk health --address 127.0.0.1:50051
    """

    async def work() -> None:
        state = await health_of(Reach(address, None, tls, ca, certificate, key), timeout)
        typer.echo(state)
        if state != SERVING:
            raise typer.Exit(1)

    run(work())
