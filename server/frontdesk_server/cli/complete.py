"""`frontdesk complete`: the answer, from the model that should give it."""

from __future__ import annotations

import typer
from frontdesk import Client, RoutingPolicy
from frontdesk.events import AttemptEnded, Started, TextDelta

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
from frontdesk_server.cli.money import total_usd
from frontdesk_server.cli.saying import say, say_answer


def complete(
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
    json: JsonOption = False,
) -> None:
    """Answer a query with the model that should answer it.

    The answer streams to standard output, the account goes to standard error.

    Example: frontdesk complete "What is 2 + 2?"
    """
    wishes = policy(router, quality_floor, allow, exclude)
    refuse_both_ways(context, config)
    text = query_text(query)

    async def work() -> None:
        async with connect(Reach(address, token, tls, ca, certificate, key), config) as client:
            if json:
                say(to_json(await client.complete(text, policy=wishes)))
            else:
                await _stream(client, text, wishes)

    run(work())


async def _stream(client: Client, query: str, wishes: RoutingPolicy) -> None:
    async with client.stream_complete(query, policy=wishes) as stream:
        async for event in stream:
            match event:
                case Started(decision=decision):
                    say(f"{decision.model}: {decision.reason}", err=True, dim=True)
                case TextDelta(text=text):
                    say_answer(text)
                case AttemptEnded(attempt=attempt, next_model=next_model):
                    why = attempt.error_message or "its answer did not pass its check"
                    say(f"\n{attempt.model}: {why}; asking {next_model}", err=True, dim=True)
        completion = await stream.completion()
    say()
    say(f"{completion.model}, {total_usd(completion.cost)}", err=True, dim=True)
