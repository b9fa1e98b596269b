"""`frontdesk schema`: the configuration's JSON Schema, for editors, or the same as a page to read."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from frontdesk_server.cli.saying import say
from frontdesk_server.config.reference import reference
from frontdesk_server.config.root import Config


def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a page of every section and key instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as without it.")] = False,
) -> None:
    """Print the JSON Schema of the configuration.

    Example: frontdesk schema > frontdesk.schema.json, then begin the YAML file with
    # yaml-language-server: $schema=frontdesk.schema.json
    """
    if markdown and as_json:
        raise typer.BadParameter("is no JSON", param_hint="--markdown")
    document = Config.model_json_schema()
    if markdown:
        say(reference(document), nl=False)
        return
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "Frontdesk configuration"
    say(json.dumps(document, indent=2))
