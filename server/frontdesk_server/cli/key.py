"""`frontdesk key`: a new API key."""

from __future__ import annotations

import json
from typing import Annotated

import typer
import yaml

from frontdesk_server.cli.saying import say
from frontdesk_server.config.security import somebody
from frontdesk_server.security.keys import new_key


def key(
    caller: Annotated[str, typer.Argument(help="Who will call with it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print both as JSON on standard output.")] = False,
) -> None:
    """Make an API key: the key goes to standard output, once; the section for the configuration to standard error.

    Example: frontdesk key billing-service
    """
    try:
        somebody(caller)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="CALLER") from error
    made = new_key()
    section = {"security": {"keys": [{"caller": caller, "id": made.id, "sha256": made.sha256}]}}
    if as_json:
        say(json.dumps({"key": made.key, **section}, indent=2))
        return
    say(yaml.safe_dump(section, sort_keys=False), err=True, nl=False)
    say(made.key)
