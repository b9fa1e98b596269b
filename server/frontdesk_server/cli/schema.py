"""`frontdesk schema`: the configuration's JSON Schema, for editors."""

from __future__ import annotations

import json

import typer

from frontdesk_server.config.root import Config


def schema() -> None:
    """Print the JSON Schema of the configuration.

    Example: frontdesk schema > frontdesk.schema.json, then begin the YAML file with
    # yaml-language-server: $schema=frontdesk.schema.json
    """
    document = Config.model_json_schema()
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "Frontdesk configuration"
    typer.echo(json.dumps(document, indent=2))
