"""`frontdesk serve`: the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from frontdesk_server.app import serve_until_stopped
from frontdesk_server.config.loading import default_config_path, load_config


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: the embedded pool.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="host:port or unix:/path; overrides the configuration.")] = None,
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    Example: frontdesk serve --config frontdesk.yaml
    """
    path = config or default_config_path()
    uvloop.run(serve_until_stopped(load_config(path), address=address))
