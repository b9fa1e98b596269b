"""`frontdesk route`: which model should answer, and why."""

from __future__ import annotations

from typing import Annotated

import typer
from frontdesk import explain as explain_decision
from frontdesk.v1.router_service_pb2 import RouteResponse

from frontdesk_server.cli.ask import (
    AddressOption,
    AllowOption,
    CaOption,
    CertificateOption,
    ConfigOption,
    ExcludeOption,
    FloorOption,
    JsonOption,
    KeyOption,
    QueryArgument,
    RouterOption,
    TlsOption,
    TokenOption,
    policy,
    query_text,
    refuse_both_ways,
    run,
    to_json,
)
from frontdesk_server.cli.connection import Reach, connect
from frontdesk_server.cli.saying import say


def route(
    context: typer.Context,
    query: QueryArgument,
    router: RouterOption = "default",
    quality_floor: FloorOption = None,
    allow: AllowOption = None,
    exclude: ExcludeOption = None,
    address: AddressOption = None,
    token: TokenOption = None,
    tls: TlsOption = None,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    config: ConfigOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show every candidate and the way to the decision.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Decide which model should answer a query.

    Example: frontdesk route --explain "Prove the Riemann hypothesis."
    """
    refuse_both_ways(context, config)
    text = query_text(query)

    async def work() -> None:
        async with connect(Reach(address, token, tls, ca, certificate, key), config) as client:
            decision = await client.route(text, policy=policy(router, quality_floor, allow, exclude))
        if json:
            say(to_json(RouteResponse(decision=decision)))
        elif explain:
            say(explain_decision(decision))
        else:
            say(f"{decision.model}: {decision.reason}")

    run(work())
